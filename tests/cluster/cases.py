"""Plans that the planner really makes, for every provider: what the placement tests stand on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from outlay.catalog import load_catalog
from outlay.catalog.providers import PROVIDER_NAMES
from outlay.planning.plan import Plan
from outlay.planning.planner import make_plan
from outlay.settings import parse_settings

SMALL = {"model": "llama-3.1-8b", "targetRps": 10}
LARGE = {"model": "llama-3.1-70b", "targetRps": 4}
MIDDLE = {"model": "qwen3-32b", "targetRps": 3}
ON_DEMAND = {"markets": ["on-demand"]}
# Few regions, so that the planner is quick; on bare metal other GPUs than the cheapest, for variety.
AT: Mapping[str, Mapping[str, object]] = {
    "aws": {"regions": ["us-east-1", "us-west-2"]},
    "gcp": {"regions": ["us-central1", "us-east5"]},
    "azure": {"regions": ["eastus"]},
    "coreweave": {"gpus": ["H100", "H200", "A100-80", "L40S"]},
    "lambda": {"gpus": ["H100", "A100-40", "A10", "A6000"]},
}

KINDS: Mapping[str, Mapping[str, object]] = {
    "small": SMALL,
    "small-on-demand": SMALL | ON_DEMAND,
    "busy": SMALL | {"targetRps": 150},
    "large": LARGE,
    "large-on-demand": LARGE | ON_DEMAND,
    "middle-fp8": MIDDLE | {"precisions": ["fp8"], "kvPrecision": "fp8"},
    "half-spot": SMALL | {"targetRps": 60, "maxSpotShare": 0.5},
    "no-survival": LARGE | {"surviveDomain": "none"},
    "three-models": {"workloads": [SMALL, MIDDLE, LARGE]},
    "shared-nodes": {
        "workloads": [SMALL | {"targetRps": 60}, LARGE | {"targetRps": 6}],
        "surviveDomain": "none",
        "gpus": ["H100"],
    },
}
NAMES = tuple((provider, kind) for provider in PROVIDER_NAMES for kind in KINDS)


@cache
def case(provider: str, kind: str) -> Plan:
    """Return the plan of a kind on one provider, in a namespace of its own."""
    own: dict[str, object] = {"providers": [provider], "namespace": f"{provider}-{kind}"}
    catalog = load_catalog()
    settings = parse_settings(
        {**own, **AT[provider], **KINDS[kind]}, catalog, source="the test's settings"
    )
    return make_plan(settings, catalog)
