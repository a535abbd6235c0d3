"""What a way around the budget is: what somebody tries, in which program, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """Machines that the pack must count, from the catalogue's own rows and no price rule.

    `nodes` at the declared size, `most` at the largest; `gib` is each node's disk.
    """

    kind: str
    nodes: int
    most: int
    provider: str = "aws"
    region: str = "us-east-1"
    market: str = "on-demand"
    gib: int = 20
    dearest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Something that is no machine, with a price by the hour, or the month where `hours` is 1."""

    service: str
    count: int = 1
    hours: int = 730
    provider: str = "aws"
    region: str = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trick:
    """One way to slip past a budget.

    Attributes:
        name: A slug, also the name of the resource that the program declares.
        tries: What somebody does, as the table says it.
        code: The program's text.
        rule: The mandatory rule that must complain of the resource, "" when it must be counted.
        says: A part of what that rule must say.
        counts: What the budget rules must count for it, to the cent.
    """

    name: str
    tries: str
    code: str
    rule: str = ""
    says: str = ""
    counts: tuple[Bought | Thing, ...] = ()

    @property
    def answer(self) -> str:
        """What stops it, as the table says it."""
        if not self.rule:
            return "counted in full: `monthly-budget`, `worst-case-budget`"
        return f"`{self.rule}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A way that is no resource of a program but a setting, a flag or an order of commands.

    `proof` is the test that runs it.
    """

    tries: str
    answer: str
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """A way that no policy pack can see, why, and what helps instead."""

    tries: str
    why: str
    instead: str
