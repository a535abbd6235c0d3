"""Cost-allocation tags that every cloud takes: a stack may be planned onto any of them.

Sources: AWS "Tag naming and usage conventions"; Azure "Use tags", limitations; Google Cloud "Labels
overview", requirements. Google's labels get their own spelling, see catalog/google_labels.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from outlay.catalog.google_labels import cost_labels

# AWS: 128 and 256 characters, 50 tags a resource, of which outlay sets some itself.
MOST_TAGS, MOST_KEY, MOST_VALUE = 40, 128, 256
# AWS allows these and spaces; Azure forbids / ? \ % & < > in a name.
KEY = re.compile(r"[\w .:=+@-]+")
VALUE = re.compile(r"[\w .:/=+@-]*")
# Reserved by AWS and Azure, in any case.
RESERVED = ("aws:", "azure", "microsoft", "windows")
OWN = ("outlay:project", "outlay:stack")


def check_tags(tags: Mapping[str, str]) -> None:
    """Raise ValueError with everything that some cloud would refuse."""
    problems = [*_of_all(tags), *(text for pair in tags.items() for text in _of_one(*pair))]
    if problems:
        raise ValueError("; ".join(problems))


def _of_all(tags: Mapping[str, str]) -> Iterator[str]:
    if len(tags) > MOST_TAGS:
        raise ValueError(f"{len(tags)} tags are too many: at most {MOST_TAGS}")
    seen: dict[str, str] = {}
    for key in tags:
        label = next(iter(cost_labels({key: ""})))
        if label in seen:
            yield f"{seen[label]!r} and {key!r} are the same label {label!r} on Google Cloud"
        seen[label] = key


def _of_one(key: str, value: str) -> Iterator[str]:
    if not 0 < len(key) <= MOST_KEY:
        yield f"the key {key[:20]!r} has {len(key)} characters: 1 to {MOST_KEY} are allowed"
    elif not KEY.fullmatch(key):
        yield f"the key {key!r} has characters other than letters, digits, spaces and _ . : = + - @"
    if key.lower().startswith(RESERVED):
        yield f"the key {key!r} begins with what AWS or Azure keep for themselves"
    if key in OWN:
        yield f"the key {key!r} is set by outlay itself"
    if len(value) > MOST_VALUE:
        yield f"the value of {key!r} has {len(value)} characters: at most {MOST_VALUE} are allowed"
    elif not VALUE.fullmatch(value):
        yield (
            f"the value of {key!r} has characters other than letters, digits, spaces and"
            " _ . : / = + - @"
        )
