"""One pool against two: the cheapest fleet of each kind for the same demand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from outlay.catalog import Market
from outlay.errors import InputError, NoFeasiblePlanError
from outlay.planning.split import (
    PricedPool,
    Role,
    SplitComparison,
    cheapest_pool,
    compare_split,
)
from outlay.sizing.types import Interval
from tests.planning.builders import catalog, offer, settings
from tests.serving.builders import shape

H100 = offer(instance_type="p5.4xlarge", gpu="H100", usd_per_hour="6.88")
L40S = offer()
SPOT = [
    replace(each, market=Market.SPOT, usd_per_hour=each.usd_per_hour / 4) for each in (H100, L40S)
]
FAR = offer(provider="gcp", region="us-central1", instance_type="g2-standard-8", gpu="L4",
            usd_per_hour="0.01")  # fmt: skip
SMALL = catalog([H100, L40S, *SPOT])


def compared(**raw: object) -> SplitComparison:
    return compare_split(settings(**{"targetRps": 60, "inputTokens": 1024, **raw}), SMALL)


@pytest.fixture(scope="module")
def found() -> SplitComparison:
    """Llama-3.1-8B at 60 requests/s of 1024 + 256 tokens."""
    return compared()


def pools(found: SplitComparison) -> list[PricedPool]:
    return [found.aggregated, found.split.prefill, found.split.decode]


def test_both_fleets_hold_the_whole_demand_on_the_safe_side(found: SplitComparison) -> None:
    for pool in pools(found):
        assert pool.demand_rps == 60
        assert pool.replicas * pool.role.capacity_rps.low >= 60
        assert (pool.replicas - 1) * pool.role.capacity_rps.low < 60


def test_costs_are_those_of_whole_nodes(found: SplitComparison) -> None:
    split, economics = found.split, found.economics
    assert economics.split_usd_per_hour == split.prefill.usd_per_hour + split.decode.usd_per_hour
    assert economics.aggregated_usd_per_request == found.aggregated.usd_per_hour / (60 * 3600)
    for pool in pools(found):
        assert pool.usd_per_hour == pool.nodes * float(pool.offer.usd_per_hour)


def test_both_are_priced_in_one_market_and_spot_is_a_line_of_its_own(
    found: SplitComparison,
) -> None:
    assert {pool.offer.market for pool in pools(found)} == {Market.ON_DEMAND}
    spot = found.prefill_on_spot_usd_per_hour
    assert spot == found.split.prefill.usd_per_hour / 4


def test_without_a_spot_market_there_is_no_such_line() -> None:
    alone = compare_split(settings(targetRps=60), catalog([H100, L40S]))
    assert alone.prefill_on_spot_usd_per_hour is None


def test_both_pools_are_in_one_network_domain() -> None:
    """Although a GPU elsewhere is nearly free."""
    found = compare_split(settings(targetRps=60), catalog([H100, L40S, FAR]))
    split = found.split
    assert (split.prefill.offer.provider, split.prefill.offer.region) == (
        split.decode.offer.provider,
        split.decode.offer.region,
    )


def test_the_transfer_is_part_of_the_first_tokens_time(found: SplitComparison) -> None:
    """134 MB a prompt take 10.7 ms at 100 Gbit/s, and 107 ms at 10."""
    slow = compare_split(settings(targetRps=60, inputTokens=1024), SMALL, link_gbit_per_s=10)
    assert found.split.transfer.bytes == 1024 * 131_072
    assert found.split.transfer.seconds == pytest.approx(0.0107374, abs=1e-6)
    assert slow.split.transfer.seconds == pytest.approx(0.107374, abs=1e-5)
    assert found.split.ttft_ms <= 2000


def test_a_link_that_is_too_slow_leaves_no_split() -> None:
    """The transfer alone takes longer than the first token may."""
    with pytest.raises(NoFeasiblePlanError, match="a split fleet cannot serve"):
        compare_split(settings(targetRps=60, inputTokens=8000), SMALL, link_gbit_per_s=1)


def test_an_slo_that_nothing_keeps_is_said() -> None:
    with pytest.raises(NoFeasiblePlanError, match="any fleet cannot serve"):
        compared(tpotMs=0.1)


def test_a_difference_within_the_error_is_called_so(found: SplitComparison) -> None:
    same = replace(found.aggregated, demand_rps=60)
    close = replace(found, aggregated=same)
    assert 0 < close.uncertainty_share < 1
    cheap = replace(found.aggregated.offer, usd_per_hour=found.aggregated.offer.usd_per_hour / 50)
    assert not replace(found, aggregated=replace(same, offer=cheap)).is_too_close


def test_break_even_is_looked_for_over_ratios_of_the_same_tokens(found: SplitComparison) -> None:
    assert [p.input_tokens + p.output_tokens for p in found.ratios] == [1280] * len(found.ratios)
    ratios = [p.ratio for p in found.ratios]
    assert ratios == sorted(ratios)
    assert ratios[0] < 0.1 < 10 < ratios[-1]


def test_a_winner_that_changes_gives_a_break_even(found: SplitComparison) -> None:
    """Costs of 0.9 and 1.1 times at ratios 1 and 4 cross half-way between, in the logarithm."""
    one, four = (
        replace(
            found.ratios[0],
            input_tokens=prompt,
            output_tokens=100,
            aggregated_usd_per_million_tokens=1.0,
            split_usd_per_million_tokens=cost,
        )
        for prompt, cost in ((100, 0.9), (400, 1.1))
    )
    crossed = replace(found, ratios=(one, four))
    assert crossed.break_even_ratios == pytest.approx([2.0])
    level = replace(four, split_usd_per_million_tokens=1.01)
    assert replace(found, ratios=(one, level)).break_even_ratios == ()


def test_what_one_side_cannot_serve_has_no_cost_ratio(found: SplitComparison) -> None:
    blank = replace(found.ratios[0], split_usd_per_million_tokens=None)
    assert blank.cost_ratio is None
    assert replace(found, ratios=(blank,)).break_even_ratios == ()


def test_nodes_are_whole_and_hold_whole_replicas() -> None:
    """Three replicas of four GPUs need two nodes of eight."""
    role = Role(
        shape=shape(tensor_parallel=4, gpu="H100"),
        capacity_rps=Interval(low=10, expected=12, high=14),
    )
    eight = offer(instance_type="p5.48xlarge", gpu="H100", gpus_per_node=8, usd_per_hour="55")
    pool = cheapest_pool([role], [eight, offer(gpu="H100")], 25)
    assert pool is not None
    assert (pool.replicas, pool.nodes, pool.gpus, pool.usd_per_hour) == (3, 2, 12, 110)
    assert pool.utilization == pytest.approx(25 / 36)
    assert cheapest_pool([role], [offer(gpu="H100")], 25) is None


@pytest.mark.parametrize("link", [0, -1, math.nan, math.inf])
def test_a_link_without_bandwidth_is_refused(link: float) -> None:
    with pytest.raises(InputError, match="the link must have a positive bandwidth"):
        compare_split(settings(), SMALL, link_gbit_per_s=link)


def test_several_workloads_are_refused() -> None:
    two = settings(workloads=[{"model": "llama-3.1-8b", "targetRps": 1},
                              {"model": "qwen3-8b", "targetRps": 1}])  # fmt: skip
    with pytest.raises(InputError, match="one workload"):
        compare_split(two, SMALL)
