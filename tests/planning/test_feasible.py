"""The checker knows nothing of the model: it passes what was planned and refuses each broken promise."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from outlay.catalog import Market
from outlay.errors import NoFeasiblePlanError
from outlay.planning.feasible import broken_promises
from outlay.planning.plan import Plan
from outlay.planning.planner import make_plan
from tests.planning.builders import catalog, offer, settings

ON_SALE = [
    offer(usd_per_hour="1.90"),
    offer(market=Market.SPOT, usd_per_hour="0.80"),
    offer(market=Market.SPOT, region="us-east-2", usd_per_hour="0.90"),
    offer(
        provider="gcp",
        region="us-central1",
        instance_type="g2-standard-4",
        gpu="L4",
        market=Market.SPOT,
        usd_per_hour="0.30",
    ),
    offer(
        provider="gcp",
        region="us-central1",
        instance_type="g2-standard-48",
        gpu="L4",
        gpus_per_node=4,
        usd_per_hour="4.00",
    ),
]


@given(
    rps=st.floats(0.5, 60),
    survive=st.sampled_from(["none", "spot", "region", "provider"]),
    fraction=st.floats(0, 0.95),
    share=st.floats(0, 1),
    headroom=st.floats(1, 2),
)
@budget(max_examples=40, deadline=None)
def test_every_plan_passes(
    rps: float, survive: str, fraction: float, share: float, headroom: float
) -> None:
    asked = settings(
        targetRps=rps,
        surviveDomain=survive,
        surviveFraction=fraction,
        maxSpotShare=share,
        headroom=headroom,
    )
    try:
        plan = make_plan(asked, catalog(ON_SALE))
    except NoFeasiblePlanError:
        return
    assert broken_promises(plan, asked) == ()


@pytest.mark.parametrize("share", [1e-313, 1e-9, 1e-6])
def test_a_share_of_spot_next_to_nothing_has_a_plan(share: float) -> None:
    """The program divides by it."""
    asked = settings(maxSpotShare=share, surviveDomain="region", surviveFraction=0)
    assert broken_promises(make_plan(asked, catalog(ON_SALE)), asked) == ()


@pytest.fixture(scope="module")
def plan() -> Plan:
    """A plan without anything to spare: on spot, and with half of the demand to survive."""
    return make_plan(settings(), catalog(ON_SALE))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"targetRps": 1000}, "of 1e\\+03 requests/s"),
        ({"headroom": 10}, "with headroom"),
        ({"maxSpotShare": 0}, "is on spot, maxSpotShare allows 0%"),
        ({"surviveFraction": 0.99}, "lost, .* of the demand is kept, surviveFraction asks for 99%"),
        ({"surviveDomain": "provider"}, "with aws lost|with gcp lost"),
        ({"maxClusters": 1}, "it has 3 clusters, maxClusters allows 1"),
        ({"quotas": [{"provider": "aws", "gpus": 0}]}, "GPUs at aws, the quota is 0"),
        (
            {"quotas": [{"provider": "gcp", "gpus": 0, "market": "spot", "region": "us-*"}]},
            r"it holds 1 GPUs at gcp spot in us-\*, the quota is 0",
        ),
    ],
)
def test_each_promise_is_checked(plan: Plan, changes: dict[str, object], reason: str) -> None:
    found = broken_promises(plan, settings(**changes))
    assert re.search(reason, " ".join(found))


def test_replicas_beyond_the_gpus_are_found(plan: Plan) -> None:
    cluster = plan.clusters[0]
    more = [replace(p, replicas=p.replicas * 9) for p in cluster.placements]
    crowded = replace(plan, clusters=(replace(cluster, placements=tuple(more)), *plan.clusters[1:]))
    assert any("its replicas use" in reason for reason in broken_promises(crowded, settings()))


def test_what_a_quota_does_not_count_is_free(plan: Plan) -> None:
    """Two nodes at aws are on spot, in two regions."""
    quotas = [
        {"provider": "aws", "gpus": 0, "market": "on-demand"},
        {"provider": "aws", "gpus": 0, "gpu": "L4"},
        {"provider": "aws", "gpus": 1, "region": "us-east-1"},
        {"provider": "aws", "gpus": 2},
    ]
    assert broken_promises(plan, settings(quotas=quotas)) == ()


def test_a_cluster_without_room_for_routers_is_found(plan: Plan) -> None:
    bare = tuple(replace(cluster, cpu_pool=None) for cluster in plan.clusters)
    found = broken_promises(replace(plan, clusters=bare), settings())
    assert any("no room for the routers" in reason for reason in found)
