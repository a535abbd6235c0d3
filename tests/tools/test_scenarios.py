"""Plans are never dearer than what people do instead, at equal safety; three of the thirty scenarios."""

from __future__ import annotations

from decimal import Decimal

import pytest

from outlay.catalog import load_catalog
from outlay.planning.feasible import broken_promises
from outlay.settings import parse_settings
from tools.scenarios.__main__ import lost
from tools.scenarios.instant import Instant
from tools.scenarios.market import Shop
from tools.scenarios.neighbour import steps
from tools.scenarios.page import section
from tools.scenarios.questions import QUESTIONS
from tools.scenarios.run import STRATEGIES, Answer, answer
from tools.scenarios.strategies import best_instance_type, cheapest_gpu_hour

CHOSEN = ("chat pilot", "chat product, no spot", "chat, two clouds")


@pytest.fixture(scope="module")
def answers() -> list[Answer]:
    catalog = load_catalog()
    return [answer(q, catalog) for q in QUESTIONS if q.name in CHOSEN]


def test_there_are_thirty_questions_of_different_names() -> None:
    assert len({question.name for question in QUESTIONS}) == 30


def test_every_question_can_be_asked() -> None:
    catalog = load_catalog()
    for question in QUESTIONS:
        settings = parse_settings(question.raw, catalog, source=question.name)
        assert 0.1 <= sum(w.target_rps for w in settings.workloads) <= 2000
        assert 1 <= len(settings.workloads) <= 8


def test_no_strategy_is_cheaper(answers: list[Answer]) -> None:
    assert lost(answers) == []
    assert any((each.saving(name) or 0) > 0.1 for each in answers for name in STRATEGIES)


def test_every_plan_keeps_the_promises(answers: list[Answer]) -> None:
    for each in answers:
        settings = parse_settings(each.question.raw, load_catalog(), source="test")
        for plan in (each.ours, *each.others.values()):
            assert plan is None or broken_promises(plan, settings) == ()


def test_a_single_provider_cannot_outlive_itself(answers: list[Answer]) -> None:
    clouds = next(each for each in answers if each.question.name == "chat, two clouds")
    assert clouds.others["one provider"] is None
    assert clouds.others["best instance type"] is None
    assert clouds.others["cheapest GPU-hour"] is not None


def test_the_cheapest_gpu_hour_is_taken_by_its_rule() -> None:
    """What it buys first has the lowest price of a GPU-hour of all that the model runs on."""
    (question,) = [q for q in QUESTIONS if q.name == "chat product, no spot"]
    shop = Shop(parse_settings(question.raw, load_catalog(), source="test"), load_catalog())
    plan = cheapest_gpu_hour(shop)
    assert plan is not None
    least = min(choice.usd_per_gpu_hour for choice in shop.choices(0))
    (pool,) = plan.pools
    assert pool.usd_per_node_hour / pool.gpus_per_node == least
    best = best_instance_type(shop)
    assert best is not None
    assert len({pool.instance_type for pool in best.pools}) == 1
    assert best.usd_per_month <= plan.usd_per_month


def test_the_page_has_a_row_for_each_and_the_neighbours_answer(answers: list[Answer]) -> None:
    found = steps(load_catalog())
    assert found[0].usd_per_month == Decimal(13140)
    text = section(
        answers, found, Instant(first_s=2.0, what_if_s={"another load": [0.5, 1.0, 1.5]})
    )
    for each in answers:
        assert f"| {each.question.name} | **$" in text
    assert "| another load | 3 | 50% | 75% |" in text
    assert "| llm-d-planner | 4 x H100 | $13,140 |" in text
