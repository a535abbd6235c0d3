"""Charges follow the share of capacity used; what stands idle is apart; all sums to the bill."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from outlay.planning.chargeback import Chargeback, chargeback
from outlay.planning.plan import Plan
from outlay.planning.planner import make_plan
from tests.planning.builders import catalog, offer, settings

BIG = offer(gpus_per_node=4, instance_type="g6e.12xlarge", usd_per_hour="3.00")
TINY = Decimal("1e-20")


def two_teams(**raw: object) -> Plan:
    """Two replicas of one GPU each on a node of four: half of the node is nobody's."""
    workloads = [
        {"model": "llama-3.1-8b", "targetRps": 3, "team": "search"},
        {"model": "mistral-7b", "targetRps": 1},
    ]
    return make_plan(settings(workloads=workloads, **raw), catalog([BIG]))


def whole(found: Chargeback) -> Decimal:
    return found.unallocated + sum(
        (c.gpu + c.shared + c.egress + c.idle for c in found.charges), Decimal(0)
    )


def test_charges_idle_and_unallocated_are_the_bill() -> None:
    plan = two_teams()
    found = chargeback(plan)
    assert abs(whole(found) - plan.usd_per_hour) < TINY
    assert found.total == plan.usd_per_hour


def test_gpus_without_a_replica_are_nobodys() -> None:
    """Two of four GPUs of a $3 node."""
    assert abs(chargeback(two_teams()).unallocated - Decimal("1.5")) < TINY


def test_a_workload_pays_for_the_share_of_its_capacity_that_it_uses() -> None:
    plan = two_teams()
    llama = chargeback(plan).charges[0]
    share = 3 / plan.capacity_rps("llama-3-1-8b").low
    assert float(llama.gpu) == pytest.approx(0.75 * share)
    assert float(llama.idle) == pytest.approx(0.75 * (1 - share))


def test_shared_costs_are_split_by_use_and_egress_is_its_own() -> None:
    plan = two_teams()
    llama, mistral = chargeback(plan).charges
    shared = sum(c.usd_per_hour for c in plan.fixed_costs if not c.workload)
    assert llama.shared + mistral.shared == pytest.approx(shared)
    assert float(llama.shared / mistral.shared) == pytest.approx(float(llama.gpu / mistral.gpu))
    own = {c.workload: c.usd_per_hour for c in plan.fixed_costs if c.workload}
    assert (llama.egress, mistral.egress) == (own["llama-3-1-8b"], own["mistral-7b"])


def test_teams_are_those_of_the_workloads_and_the_rest_is_named() -> None:
    found = chargeback(two_teams())
    llama, mistral = found.charges
    assert [(s.name, s.charged) for s in found.by_team] == [
        ("search", llama.charged),
        ("(no team)", mistral.charged),
    ]


def test_the_tag_names_the_team_where_a_workload_does_not() -> None:
    found = chargeback(two_teams(tags={"team": "platform"}))
    assert [s.name for s in found.by_team] == ["search", "platform"]


def test_one_model_served_twice_is_one_sum() -> None:
    workloads = [
        {"model": "llama-3.1-8b", "targetRps": 3, "name": "chat", "team": "a"},
        {"model": "llama-3.1-8b", "targetRps": 1, "name": "batch", "team": "b"},
    ]
    found = chargeback(make_plan(settings(workloads=workloads), catalog([BIG])))
    (model,) = found.by_model
    assert model.charged == sum(c.charged for c in found.charges)
    assert [s.name for s in found.by_team] == ["a", "b"]


def test_token_prices_earn_the_whole_cost() -> None:
    """Input and output tokens of an hour at their prices are what serving costs, idle included."""
    for charge in chargeback(two_teams()).charges:
        requests = Decimal(repr(charge.workload.target_rps)) * 3600
        tokens_in = requests * charge.workload.input_tokens / 1_000_000
        tokens_out = requests * charge.workload.output_tokens / 1_000_000
        earned = (
            tokens_in * charge.usd_per_million_input_tokens
            + tokens_out * charge.usd_per_million_output_tokens
        )
        assert float(earned) == pytest.approx(float(charge.whole))
        assert charge.usd_per_request * requests == pytest.approx(charge.whole)


def test_cached_prompts_make_prompt_tokens_cheaper() -> None:
    cold = chargeback(make_plan(settings(), catalog([offer()]))).charges[0]
    warm_plan = make_plan(settings(), catalog([offer()]))
    warm_workload = replace(warm_plan.workloads[0], prefix_cache_hit_share=0.8)
    warm = chargeback(replace(warm_plan, workloads=(warm_workload,))).charges[0]
    assert warm.prompt_share == pytest.approx(cold.prompt_share * 0.2)
    assert warm.usd_per_million_output_tokens > cold.usd_per_million_output_tokens


def test_two_clusters_are_charged_each_for_itself() -> None:
    on_sale = [offer(), offer(provider="gcp", region="us-central1", instance_type="g2-x")]
    plan = make_plan(
        settings(targetRps=20, surviveDomain="provider", surviveFraction=0.4), catalog(on_sale)
    )
    assert len(plan.clusters) == 2
    assert abs(whole(chargeback(plan)) - plan.usd_per_hour) < TINY
