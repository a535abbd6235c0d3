"""Read what Pulumi writes about a stack: an export, a checkpoint, a preview's JSON or event log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from outlay.errors import InputError
from outlay.pricing.declared import Resource, Surroundings
from outlay.pricing.events import Json, Step, as_resource, logical_steps, make_step, read_events

KINDS = "`pulumi stack export`, `pulumi preview --json --show-sames` or an event log"
CREATING = frozenset({"creating", "importing"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The resources of one document.

    Attributes:
        resources: What exists, or after a preview's update would exist.
        around: What their prices depend on besides.
        unsettled: URN and type of what an interrupted update may have made; nobody knows.
        is_preview: Whether it is what would exist rather than what does.
    """

    resources: tuple[Resource, ...]
    around: Surroundings
    unsettled: tuple[tuple[str, str], ...] = ()
    is_preview: bool = False


def read_document(path: Path) -> Declared:
    """Read a file of any of the kinds.

    Raises:
        InputError: It cannot be read, is cut, or is of no such kind.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    return parse_document(text, source=str(path))


def parse_document(text: str, *, source: str) -> Declared:
    """Read the text of a document. Raises InputError as `read_document` does."""
    if not text.strip():
        raise InputError(f"{source} is empty; expected {KINDS}")
    if _is_event_log(text):
        return _from_event_log(text, source=source)
    document = _json(text, source=source)
    if "steps" in document:
        return _from_preview(document, source=source)
    state = document.get("deployment") or _checkpoint(document)
    if isinstance(state, Mapping):
        return _from_state(state, source=source)
    if "deployment" in document:  # written by `pulumi stack export` of a stack without resources
        return Declared(resources=(), around=Surroundings.of((), {}))
    raise InputError(f"{source} is JSON, but none of {KINDS}")


def _is_event_log(text: str) -> bool:
    first = text.lstrip().partition("\n")[0].rstrip()
    return first.startswith('{"') and '"sequence":' in first


def _from_event_log(text: str, *, source: str) -> Declared:
    preview = read_events(text, source=source)
    if not preview.is_complete:
        raise InputError(f"{source} ends before the engine's summary: it is cut, or the run was")
    if preview.errors:
        raise InputError(f"{source} is of a preview that failed: {preview.errors[0]}")
    planned = preview.planned
    around = Surroundings.of(planned, preview.config)
    return Declared(resources=planned, around=around, is_preview=True)


def _json(text: str, *, source: str) -> Json:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{source} is no valid JSON ({error}); it is cut or not one of {KINDS}"
        ) from None
    if not isinstance(document, Mapping):
        raise InputError(f"{source} must hold a JSON object: {KINDS}")
    return document


def _checkpoint(document: Json) -> object:
    # The files of Pulumi's own file backend.
    checkpoint = document.get("checkpoint")
    return checkpoint.get("latest") if isinstance(checkpoint, Mapping) else None


def _from_state(state: Json, *, source: str) -> Declared:
    listed = [] if state.get("resources") is None else state["resources"]
    resources = tuple(
        as_resource(each, source=source) for each in _objects(listed, "resources", source=source)
    )
    pending = _objects(state.get("pending_operations") or [], "pending_operations", source=source)
    return Declared(
        resources=resources,
        around=Surroundings.of(resources, {}),
        unsettled=tuple(_unsettled(each, source=source) for each in pending if _creates(each)),
    )


def _creates(operation: Json) -> bool:
    return operation.get("type") in CREATING


def _unsettled(operation: Json, *, source: str) -> tuple[str, str]:
    held = operation.get("resource")
    resource = as_resource(held if isinstance(held, Mapping) else {}, source=source)
    return resource.urn, resource.type


def _from_preview(document: Json, *, source: str) -> Declared:
    steps = [
        _preview_step(each, source=source)
        for each in _objects(document["steps"] or [], "steps", source=source)
    ]
    _check_complete(document, steps, source=source)
    planned = tuple(step.new for step in logical_steps(steps) if step.new is not None)
    config = document.get("config")
    around = Surroundings.of(planned, config if isinstance(config, Mapping) else {})
    return Declared(resources=planned, around=around, is_preview=True)


def _preview_step(step: Json, *, source: str) -> Step:
    op, urn = step.get("op"), step.get("urn")
    if not isinstance(op, str) or not isinstance(urn, str):
        raise InputError(f"{source} holds a step without op or urn; was it cut or edited?")
    old, new = step.get("oldState"), step.get("newState")
    return make_step(
        op,
        urn,
        old=old if isinstance(old, Mapping) else None,
        new=new if isinstance(new, Mapping) else None,
        source=source,
    )


def _check_complete(document: Json, steps: list[Step], *, source: str) -> None:
    """Refuse a preview that leaves out unchanged resources or failed: its sum would be too small."""
    errors = [
        str(each.get("message") or "").strip()
        for each in _objects(document.get("diagnostics") or [], "diagnostics", source=source)
        if each.get("severity") == "error"
    ]
    if errors:
        raise InputError(f"{source} is of a preview that failed: {errors[0]}")
    summary = document.get("changeSummary")
    unchanged = summary.get("same", 0) if isinstance(summary, Mapping) else None
    if unchanged is None:
        raise InputError(f"{source} has no changeSummary: the preview did not finish")
    shown = sum(step.op == "same" for step in steps)
    if isinstance(unchanged, int) and shown < unchanged:
        raise InputError(
            f"{source} leaves out {unchanged - shown} unchanged resources, which cost money too;"
            " write it with `pulumi preview --json --show-sames`"
        )


def _objects(value: object, what: str, *, source: str) -> list[Json]:
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise InputError(f"{source}: {what} must be a list of objects")
    return value
