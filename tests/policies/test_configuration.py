"""A configuration may name rules of the pack only: what Pulumi ignores would be a limit that is none."""

from __future__ import annotations

import pytest

from policies.configuration import unknown_rules
from policies.table import RULES


def test_every_rule_may_be_named() -> None:
    assert unknown_rules([rule.name for rule in RULES], RULES) == []


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("montly-budget", "unknown rule 'montly-budget'; did you mean monthly-budget"),
        ("Monthly-Budget", "unknown rule 'Monthly-Budget'; did you mean monthly-budget?"),
        ("xyz", "unknown rule 'xyz'"),
    ],
)
def test_any_other_name_is_a_problem(name: str, problem: str) -> None:
    """Pulumi compares names letter by letter, so another case is another rule."""
    (found,) = unknown_rules([name, "largest-pool"], RULES)
    assert found.startswith(problem)
