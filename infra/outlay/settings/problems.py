"""Turn pydantic's findings into problems in the user's words: key path, what is wrong, what is allowed."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from outlay.errors import Problem
from outlay.settings.model import Settings, WorkloadSettings

# A value or name is shown up to this many characters: aliases of a few lines of YAML can make millions.
MOST_SHOWN = 600
VALUES = reprlib.Repr()
VALUES.maxstring = VALUES.maxother = VALUES.maxlong = 120
QUOTED = re.compile(r"'([^']+)'")
# Pydantic's kinds of error whose own words are of Python, not of settings.
WORDS = {
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number of a sensible size",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "decimal_parsing": "must be an amount in USD such as 5000",
    "decimal_type": "must be an amount in USD such as 5000",
    "string_type": "must be text (numbers and dates need quotes in YAML)",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping of settings such as model and targetRps",
    "string_pattern_mismatch": "must be a version such as 1.34",
}

BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


def problems(error: ValidationError, *, flat: bool) -> tuple[Problem, ...]:
    """Return one problem per finding; `flat` settings wrote the workload's keys at the top."""
    return tuple(_problem(detail, flat=flat) for detail in error.errors(include_url=False))


def _problem(detail: ErrorDetails, *, flat: bool) -> Problem:
    loc = list(detail["loc"])
    if flat and loc[:2] == ["workloads", 0]:
        loc = loc[2:]
    message = _message(detail, in_workload="workloads" in loc, flat=flat)
    return Problem(_short(_path(loc), 100), _short(message, MOST_SHOWN))


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most // 2]} … {text[-most // 4 :]}"


def _path(loc: list[int | str]) -> str:
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _message(detail: ErrorDetails, *, in_workload: bool, flat: bool) -> str:
    kind = detail["type"]
    context: Mapping[str, Any] = detail.get("ctx", {})
    if kind == "missing":
        return "is required"
    if kind == "extra_forbidden":
        return _unknown_key(str(detail["loc"][-1]), in_workload=in_workload, flat=flat)
    if kind == "enum":
        return _not_allowed(str(detail["input"]), QUOTED.findall(context["expected"]))
    if kind == "value_error":
        return str(context["error"])
    return f"{_rule(kind, context, detail['msg'])}, got {VALUES.repr(detail['input'])}"


def _rule(kind: str, context: Mapping[str, Any], message: str) -> str:
    if kind in BOUNDS:
        words, name = BOUNDS[kind]
        bound = f"{context[name]:,}".removesuffix(".0")
        return f"must be {words} {bound}"
    return WORDS.get(kind) or message.replace("Input should be", "must be")


def _not_allowed(given: str, allowed: list[str]) -> str:
    near = difflib.get_close_matches(given.lower(), allowed, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"must be one of {', '.join(allowed)}, got {given!r}{hint}"


def _unknown_key(key: str, *, in_workload: bool, flat: bool) -> str:
    known = _keys(WorkloadSettings) if in_workload or flat else []
    if not in_workload:
        known = known + _keys(Settings)
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(sorted(known))}"
    return f"is no setting{hint}"


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
