"""Names that Kubernetes accepts, made from the plan's names."""

from __future__ import annotations

import hashlib
import re

from outlay.errors import RenderError

LABEL_MAX = 63
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_HASH_LENGTH = 6


def dns_label(text: str, *, longest: int = LABEL_MAX) -> str:
    """Return a name that is legal for a Service (RFC 1035), shortened with a hash when too long.

    Raises:
        RenderError: nothing of the text can be kept.
    """
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not name:
        raise RenderError(f"cannot make a Kubernetes name of {text!r}; use letters and digits")
    if name[0].isdigit():
        name = f"m-{name}"
    if len(name) <= longest:
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{name[: longest - _HASH_LENGTH - 1].rstrip('-')}-{digest}"


def label_value(text: str) -> str:
    """Return text as a label value; whatever is illegal becomes a dash."""
    value = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:LABEL_MAX]
    return re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9]+$", "", value)


def require_label_value(text: str, *, what: str) -> str:
    """Return text unchanged; for values that nodes carry too and that therefore must not be altered.

    Raises:
        RenderError: not a legal label value.
    """
    if _LABEL_VALUE.fullmatch(text):
        return text
    raise RenderError(
        f"{what} {text!r} is not a legal Kubernetes label value (at most {LABEL_MAX} letters, digits,"
        " '-', '_' or '.', with a letter or digit at both ends); shorten or rename it"
    )
