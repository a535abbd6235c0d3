"""The page on policies names every rule, and every way around them that was tried."""

from __future__ import annotations

import re

import pytest

from tests.engine.evasion import table
from tests.engine.evasion.declared import TRICKS
from tests.engine.evasion.runs import RUNS
from tools import policy_docs
from tools.marked import replaced
from tools.setup.layout import REPOSITORY


def test_the_table_of_rules_is_current() -> None:
    """Else run `python -m tools.policy_docs`."""
    text = policy_docs.FILE.read_text(encoding="utf-8")
    assert text == replaced(text, command=policy_docs.COMMAND, part=policy_docs.tables())


def test_the_table_of_ways_around_is_current() -> None:
    """Else run `python -m tests.engine.evasion.table`."""
    text = table.FILE.read_text(encoding="utf-8")
    assert text == replaced(text, command=table.COMMAND, part=table.table())


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="has no part that starts with"):
        replaced("# Policies", command=table.COMMAND, part="")


def test_every_trick_has_its_answer() -> None:
    """A rule that must refuse it, or an amount that must be counted."""
    assert all(trick.rule or trick.counts for trick in TRICKS)
    assert len({trick.name for trick in TRICKS}) == len(TRICKS)


def test_every_run_has_its_test() -> None:
    source = (REPOSITORY / "tests" / "engine" / "test_evasion_runs.py").read_text(encoding="utf-8")
    tests = set(re.findall(r"^def (test_\w+)", source, re.MULTILINE))
    assert {run.proof for run in RUNS} == tests
