"""The specification's rows on GPU use (system 4); each test is named after its row.

Rows that a real control plane proves name their test there; metric names are checked against pages that
the real parts print.
"""

from __future__ import annotations

import re

import pytest

from outlay.catalog.labels import cpu_node_labels, gpu_node_labels
from outlay.catalog.types import Market
from outlay.planning.plan import Plan
from outlay.serving.lint import whole_number_faults
from outlay.serving.render import render
from outlay.settings.serving import ServingSettings
from tests.serving import builders, find, patterns, test_alerts
from tests.serving.test_alerts import CASES

# Source: vLLM v0.26 /metrics, llm-d-router v0.10 /metrics, dcgm-exporter etc/default-counters.csv.
EXPORTED = frozenset(
    [
        "vllm:num_requests_running",
        "vllm:num_requests_waiting",
        "vllm:request_success_total",
        "vllm:prompt_tokens_total",
        "vllm:generation_tokens_total",
        "vllm:kv_cache_usage_perc",
        "llm_d_epp_ready_endpoints",
        "llm_d_epp_request_running",
        "llm_d_epp_flow_control_queue_size",
        "llm_d_epp_request_ttft_seconds_sum",
        "llm_d_epp_request_ttft_seconds_count",
        "llm_d_epp_request_streaming_tpot_seconds_sum",
        "llm_d_epp_request_streaming_tpot_seconds_count",
        "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
    ]
)
METRIC = re.compile(r"\b(?:vllm:|llm_d_epp_|DCGM_FI_)[A-Za-z_]+|\bnvidia_gpu_\w+|\bllm_cost_total")


def expressions() -> list[str]:
    """Return every query that is rendered: rules and scalers."""
    rules = [r["expr"] for g in test_alerts.RULE["spec"]["groups"] for r in g["rules"]]
    scalers = [
        trigger["metadata"]["query"]
        for name in ("scaled", "split-scaled")
        for body in find.bodies([patterns.pattern(name, "aws").render()], "ScaledObject")
        for trigger in body["spec"]["triggers"]
    ]
    return rules + scalers


def test_rules_load() -> None:
    """Rule checker passes; unit tests fire and stay silent as specified: tests/serving/test_alerts.py."""
    fired = {case.alert for case in CASES.values() if case.fires}
    silent = {case.alert for case in CASES.values() if not case.fires}
    assert fired == silent
    assert "PrometheusRule" in {i.kind for _, i in find.every(test_alerts.MANIFESTS)}


def test_metric_names() -> None:
    """Each name appears in a captured exporter or engine page; the chapter's own do not."""
    used = {name for expression in expressions() for name in METRIC.findall(expression)}
    assert used
    assert used <= EXPORTED


def test_idle_detection() -> None:
    """An idle engine with its memory reserved raises an alert, by its own counters."""
    case = CASES["idle engine with its memory reserved"]
    assert case.fires
    assert any("FB_USED" in series for series in case.series)


def test_anomaly() -> None:
    """Fires at 1.51x, not 1.49x, with replaced pods; silent under the dollar floor."""
    assert CASES["1.51 times yesterday, with replaced pods"].fires
    assert not CASES["1.49 times yesterday"].fires
    assert not CASES["from nothing to nearly nothing"].fires
    assert not CASES["no yesterday"].fires


def test_scale_to_zero_and_wake() -> None:
    """Zero replicas wait for a series of the router, which outlives them; the queue is switched on."""
    manifests = [patterns.pattern("scaled", "aws").render()]
    for body in find.bodies(manifests, "ScaledObject"):
        assert body["spec"]["minReplicaCount"] == 0
        assert any("queue_size" in t["metadata"]["query"] for t in body["spec"]["triggers"])
        assert body["spec"]["cooldownPeriod"] > 0
    config = find.one(manifests, "ConfigMap", f"{builders.LLAMA}-epp")["data"]["epp-config.yaml"]
    assert "flowControl" in config


def test_spot_preference_with_fallback() -> None:
    """Preferred, not selected: the real scheduler moves them in tests/cluster/test_patterns.py."""
    manifests = [patterns.pattern("fallback", "aws").render()]
    moving = [b for b in find.model_servers(manifests) if "spot" in b["metadata"]["name"]]
    for body in moving:
        spec = find.pod(body)
        assert "outlay/pool" not in spec["nodeSelector"]
        assert find.home(spec) == "h100x8-spot"
        assert find.pools(spec, among=["h100x8-spot", "h100x8-on-demand", "cpu"]) == [
            "h100x8-spot",
            "h100x8-on-demand",
        ]
    assert moving


@pytest.mark.parametrize("value", ["2.0", "1e3", "two", ""])
def test_affinity_integers(value: str) -> None:
    """Lint rejects Lt "2.0"; with "2000" a real scheduler places pods: tests/cluster/test_patterns.py."""

    def pod(bound: str) -> dict[str, object]:
        term = {"key": "outlay/price-milliusd-per-hour", "operator": "Lt", "values": [bound]}
        return {"affinity": {"nodeAffinity": {"x": [{"preference": {"matchExpressions": [term]}}]}}}

    assert list(whole_number_faults(pod("2000"))) == []
    assert list(whole_number_faults(pod(value)))


@pytest.mark.parametrize("plan", [builders.two_cloud_plan(), patterns.pattern("split", "aws").plan])
def test_label_closure(plan: Plan) -> None:
    """Every key of a selector or an affinity to nodes is set by a created pool."""
    keys = {*gpu_node_labels(pool="p", market=Market.SPOT, gpu="g"), *cpu_node_labels()}
    for body in find.bodies(render(plan), "Deployment"):
        spec = find.pod(body)
        used = set(spec.get("nodeSelector", {}))
        affinity = spec.get("affinity", {}).get("nodeAffinity", {})
        for expression in find.expressions(affinity):
            used.add(expression["key"])
        assert used <= keys


def test_unit_cost_metric() -> None:
    """Requests per dollar equals requests over nodes x price: computed by Prometheus in test_alerts.py."""
    rules = {
        r.get("record"): r["expr"] for g in test_alerts.RULE["spec"]["groups"] for r in g["rules"]
    }
    assert str(test_alerts.USD_PER_REPLICA) in rules["outlay:usd_per_hour"]
    assert "outlay:requests_per_hour" in rules["outlay:requests_per_usd"]
    assert "outlay:usd_per_hour" in rules["outlay:requests_per_usd"]


def test_unit_cost_is_never_a_scaling_target() -> None:
    """G6: its vote would always be the smallest number of replicas."""
    assert not [e for e in expressions()[-4:] if "usd" in e]
    assert ServingSettings().alerts is False
