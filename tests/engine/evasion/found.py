"""Violations as the engine's events tell them."""

from __future__ import annotations

from dataclasses import dataclass

from tests.engine.harness import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One violation; `resource` is the last part of its URN."""

    level: str
    rule: str
    resource: str
    text: str


def violations(result: Result) -> list[Violation]:
    """Return all violations, in order."""
    events = [event["policyEvent"] for event in result.events if "policyEvent" in event]
    return [
        Violation(
            level=each["enforcementLevel"],
            rule=each["policyName"],
            resource=each.get("resourceUrn", "").rsplit("::", 1)[-1],
            text=each["message"],
        )
        for each in events
    ]
