"""What the engine says of a preview: its event log, or the stream of `preview --json`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from outlay.errors import InputError
from outlay.pricing.declared import Resource
from outlay.pricing.inputs import is_unknown

Json = Mapping[str, object]

READS = frozenset({"read", "read-replacement", "read-discard"})
REPLACEMENT_PARTS = frozenset({"create-replacement", "delete-replaced", "import-replacement"})
DELETES = frozenset({"delete", "delete-replaced", "discard", "discard-replaced"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What happens to one resource; `old` is its state before, `new` what is asked for."""

    op: str
    urn: str
    old: Resource | None
    new: Resource | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResult:
    """One complaint of a policy; `level` is mandatory, advisory or remediate."""

    pack: str
    policy: str
    level: str
    severity: str
    urn: str
    message: str

    @property
    def is_mandatory(self) -> bool:
        """Whether it stops the change."""
        return self.level == "mandatory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One preview, read to its end.

    Attributes:
        steps: One per resource; a replacement is one step.
        policies: Complaints of policies.
        policies_checked: How many policies of all packs were asked.
        errors: What the program and the engine reported as errors, without colour codes.
        config: The stack's configuration, secrets hidden.
        is_complete: Whether the engine finished and reported its summary.
    """

    steps: tuple[Step, ...]
    policies: tuple[PolicyResult, ...]
    policies_checked: int
    errors: tuple[str, ...]
    config: Mapping[str, object]
    is_complete: bool

    @property
    def planned(self) -> tuple[Resource, ...]:
        """What exists after the update."""
        return tuple(step.new for step in self.steps if step.new is not None)

    @property
    def deployed(self) -> tuple[Resource, ...]:
        """What exists before it."""
        return tuple(step.old for step in self.steps if step.old is not None)


def read_events(text: str, *, source: str) -> Preview:
    """Read an event log, one JSON object a line.

    Raises:
        InputError: A line is no JSON object, or a step lacks what every step has.
    """
    events = list(_events(text, source=source))
    metadata = [_object(_object(pre, "metadata")) for pre in _of(events, "resourcePreEvent")]
    return Preview(
        steps=logical_steps([_step(each, source=source) for each in metadata]),
        policies=tuple(_policy(event) for event in _of(events, "policyEvent")),
        policies_checked=len(_checked(events)),
        errors=tuple(_errors(events)),
        config=next((_object(event, "config") for event in _of(events, "preludeEvent")), {}),
        is_complete=any(True for _ in _of(events, "summaryEvent")),
    )


def logical_steps(steps: list[Step]) -> tuple[Step, ...]:
    """Leave out the parts of a replacement where the replacement itself is a step too."""
    replaced = {step.urn for step in steps if step.op == "replace"}
    halves = [s for s in steps if s.op in REPLACEMENT_PARTS and s.urn not in replaced]
    whole = [step for step in steps if step.op not in REPLACEMENT_PARTS]
    return (*whole, *_joined(halves))


def _joined(halves: list[Step]) -> Iterator[Step]:
    # A log may hold a replacement by its parts alone: together they are one step.
    for urn in dict.fromkeys(step.urn for step in halves):
        parts = [step for step in halves if step.urn == urn]
        old = next((part.old for part in parts if part.old is not None), None)
        new = next((part.new for part in parts if part.new is not None), None)
        yield Step(op="replace", urn=urn, old=old, new=new)


def make_step(op: str, urn: str, *, old: Json | None, new: Json | None, source: str) -> Step:
    """Return a step from the engine's states; what is only read has neither cost nor states."""
    if op in READS:
        return Step(op=op, urn=urn, old=None, new=None)
    gone = op in DELETES
    return Step(
        op=op,
        urn=urn,
        old=None if not old else as_resource(old, source=source),
        new=None if gone or not new else as_resource(new, source=source),
    )


def as_resource(state: Json, *, source: str) -> Resource:
    """Return a resource from the engine's JSON.

    Raises:
        InputError: It has no URN or type.
    """
    urn, kind = state.get("urn"), state.get("type")
    if not isinstance(urn, str) or not isinstance(kind, str) or not urn or not kind:
        raise InputError(f"{source} holds a resource without urn or type; was it cut or edited?")
    reference = state.get("provider")
    is_custom = bool(state.get("custom"))
    return Resource(
        urn=urn,
        type=kind,
        inputs=_object(state, "inputs"),
        outputs=_object(state, "outputs"),
        provider=reference.rpartition("::")[0] if isinstance(reference, str) else None,
        is_custom=is_custom,
        id=_id(state),
        is_external=bool(state.get("external")),
        is_leaving=bool(state.get("delete")),
        is_retained=bool(state.get("retainOnDelete")),
    )


def _id(state: Json) -> str | None:
    found = state.get("id")
    return found if isinstance(found, str) and found and not is_unknown(found) else None


def _step(metadata: Json, *, source: str) -> Step:
    op, urn = metadata.get("op"), metadata.get("urn")
    if not isinstance(op, str) or not isinstance(urn, str):
        raise InputError(f"{source} holds a step without op or urn; was it cut or edited?")
    old, new = _object(metadata, "old"), _object(metadata, "new")
    return make_step(op, urn, old=old, new=new, source=source)


def _events(text: str, *, source: str) -> Iterator[Json]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{source}, line {number}: no valid JSON ({error}); the log was cut or is no event log"
            ) from None
        if not isinstance(event, Mapping):
            raise InputError(f"{source}, line {number}: an event must be a JSON object")
        yield event


def _of(events: list[Json], kind: str) -> Iterator[Json]:
    return (_object(event, kind) for event in events if kind in event)


def _object(holder: Json, key: str | None = None) -> Json:
    value = holder if key is None else holder.get(key)
    return value if isinstance(value, Mapping) else {}


def _policy(event: Json) -> PolicyResult:
    def text(key: str) -> str:
        return str(event.get(key) or "").strip()

    return PolicyResult(
        pack=text("policyPackName"),
        policy=text("policyName"),
        level=text("enforcementLevel").lower(),
        severity=text("severity").lower(),
        urn=text("resourceUrn"),
        message=text("message"),
    )


def _checked(events: list[Json]) -> set[tuple[object, object]]:
    kinds = ("policyAnalyzeSummaryEvent", "policyAnalyzeStackSummaryEvent")
    summaries = [event for kind in kinds for event in _of(events, kind)]
    return {
        (summary.get("policyPackName"), name)
        for summary in summaries
        for outcome in ("passed", "failed")
        for name in cast("list[object]", summary.get(outcome) or [])
    }


def _errors(events: list[Json]) -> Iterator[str]:
    for event in _of(events, "diagnosticEvent"):
        message = str(event.get("message") or "").strip()
        if event.get("severity") == "error" and message and message != "preview failed":
            yield message
