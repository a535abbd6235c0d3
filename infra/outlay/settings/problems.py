"""Turn pydantic's findings into problems in the user's words: key path, what is wrong, what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from outlay.errors import Problem
from outlay.settings.model import Settings, WorkloadSettings


def problems(error: ValidationError, *, flat: bool) -> tuple[Problem, ...]:
    """Return one problem per finding; `flat` settings wrote the workload's keys at the top."""
    return tuple(_problem(detail, flat=flat) for detail in error.errors(include_url=False))


def _problem(detail: ErrorDetails, *, flat: bool) -> Problem:
    loc = list(detail["loc"])
    if flat and loc[:2] == ["workloads", 0]:
        loc = loc[2:]
    return Problem(_path(loc), _message(detail, in_workload="workloads" in loc, flat=flat))


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
        return f"must be one of {context['expected']}, got {detail['input']!r}"
    if kind == "value_error":
        return str(context["error"])
    return f"{_lower_first(detail['msg'])}, got {detail['input']!r}"


def _unknown_key(key: str, *, in_workload: bool, flat: bool) -> str:
    known = _keys(WorkloadSettings) if in_workload or flat else []
    if not in_workload:
        known = known + _keys(Settings)
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(sorted(known))}"
    return f"is no setting{hint}"


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
