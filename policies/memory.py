"""Remember each resource by its inputs, once for all rules.

A rule on one resource gets the inputs. A rule on the stack gets outputs only, and none at all of what
lies behind a provider that is not configured yet, so it takes what was remembered. The SDK calls every
rule with a copy of its own; reading each anew would cost more than all checks together.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from decimal import Decimal

from pulumi_policy import ResourceValidationArgs, StackValidationArgs

from outlay.pricing.beside import Beside, Neighbour
from outlay.pricing.types import Cost
from policies.declared import Declared, declared, neighbour, repriced
from policies.stack import Spend, Stack

NOBODY = Beside()


class _Call(threading.local):
    """What the current call to the pack is about: one thread serves it from rule to rule."""

    urn: str | None = None
    resource: Declared | None = None
    stack: Stack | None = None

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def is_new(self, urn: str | None, rule: str) -> bool:
        """Whether this rule belongs to another call than the one before; each call asks a rule once."""
        if urn == self.urn and rule not in self.asked:
            self.asked.add(rule)
            return False
        self.urn, self.asked = urn, {rule}
        return True


@dataclass
class _Sums:
    """USD per hour of everything seen, kept up to date so that no step adds all up again."""

    expected: Decimal = Decimal(0)
    worst: Decimal = Decimal(0)
    reserves: bool = False

    def take(self, resource: Declared, sign: int) -> None:
        if isinstance(resource.price, Cost):
            self.expected += sign * resource.price.expected
            self.worst += sign * resource.price.high
            self.reserves |= any(nodes.reserved for nodes in resource.nodes)


@dataclass(frozen=True)
class Memory:
    """What was seen in this run, by URN. Rules may be disabled, so each of them may be the first."""

    seen: dict[str, Declared] = field(default_factory=dict)
    neighbours: dict[str, Neighbour] = field(default_factory=dict)
    _sums: _Sums = field(default_factory=_Sums)
    _call: _Call = field(default_factory=_Call)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def see(self, rule: str, args: ResourceValidationArgs) -> Declared:
        """Return a resource by its inputs, for one rule."""
        if self._call.is_new(args.urn, rule) or self._call.resource is None:
            self._call.resource = declared(args, self._beside())
            self._keep(self._call.resource)
        return self._call.resource

    def _keep(self, resource: Declared) -> None:
        with self._lock:
            before = self.seen.get(resource.urn)
            if before is not None:
                self._sums.take(before, -1)
            self.seen[resource.urn] = resource
            self._sums.take(resource, 1)
            named = neighbour(resource)
            if named is not None:
                self.neighbours[resource.urn] = named

    def _beside(self) -> Beside:
        with self._lock:
            return Beside.of(self.neighbours.values()) if self.neighbours else NOBODY

    def stack(self, rule: str, args: StackValidationArgs) -> Stack:
        """Return all resources of the stack, for one rule: as remembered, else by their outputs."""
        if self._call.is_new(None, rule) or self._call.stack is None:
            beside = self._beside()
            self._call.stack = Stack(
                tuple(
                    # What a name refers to may have come, or doubled, after the resource.
                    repriced(self.seen.get(each.urn) or declared(each), beside)
                    for each in args.resources
                ),
                frozenset(each.parent.urn for each in args.resources if each.parent is not None),
            )
        return self._call.stack

    def spend_so_far(self) -> Spend:
        """Return what all resources cost that were seen until now."""
        with self._lock:
            if not self._sums.reserves:
                return Spend(expected=self._sums.expected, worst=self._sums.worst)
            seen = tuple(self.seen.values())
        return Stack(seen).spend
