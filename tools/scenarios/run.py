"""Answer a question by every strategy and by the planner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from outlay.catalog import Catalog
from outlay.planning.plan import Plan
from outlay.planning.whatif import WhatIf
from outlay.settings import parse_settings
from tools.scenarios.market import Shop
from tools.scenarios.questions import Question
from tools.scenarios.strategies import BY_PLANNER, BY_RULE

STRATEGIES = (*BY_RULE, *BY_PLANNER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The planner's plan of a question, and each strategy's; None where it cannot keep the promises."""

    question: Question
    ours: Plan
    others: Mapping[str, Plan | None]

    def saving(self, strategy: str) -> float | None:
        """Return the share of a strategy's cost that the planner's plan saves."""
        other = self.others[strategy]
        return None if other is None else float(1 - self.ours.usd_per_hour / other.usd_per_hour)


def answer(question: Question, catalog: Catalog) -> Answer:
    """Return what the planner and each strategy would buy."""
    settings = parse_settings(question.raw, catalog, source=question.name)
    what_if = WhatIf(settings, catalog)
    shop = Shop(settings, catalog)
    by_rule = {name: decide(shop) for name, decide in BY_RULE.items()}
    by_planner = {name: decide(what_if) for name, decide in BY_PLANNER.items()}
    return Answer(question=question, ours=what_if.plan(), others=by_rule | by_planner)
