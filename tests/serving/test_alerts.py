"""Alerts and unit costs, by Prometheus' own rule tests: each fires, and stays silent just below its bound."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from outlay.serving.dashboard import PANELS, dashboard
from outlay.serving.render import render
from outlay.settings.serving import ServingSettings
from tests.serving import builders, find
from tools.cluster.fetch import promtool
from tools.setup.layout import REPOSITORY, Layout

ALERTS = ServingSettings.model_validate({"alerts": True, "ruleLabels": {"release": "prometheus"}})
# 730 USD a month are one an hour.
PLAN = builders.plan(budget_usd_per_month=Decimal(730))
MANIFESTS = render(PLAN, serving=ALERTS)
(RULE,) = find.bodies(MANIFESTS, "PrometheusRule")
WORKLOAD = builders.LLAMA
USD_PER_REPLICA = 0.8048
PICKER = f'{{namespace="llm-d",pod="{WORKLOAD}-epp-1"}}'
ENGINE = f'{{namespace="llm-d",llm_d_ai_guide="{WORKLOAD}",pod="{WORKLOAD}-x"}}'
GPU = f'{{namespace="llm-d",pod="{WORKLOAD}-x",gpu="0"}}'
Series = Mapping[str, str]


def ready(values: str) -> Series:
    """Return the picker's count of ready replicas."""
    return {f"llm_d_epp_ready_endpoints{PICKER}": values}


def mean_seconds(what: str, seconds: float) -> Series:
    """Return a latency's histogram with one request a second."""
    metric = f"llm_d_epp_request_{what}_seconds"
    return {
        f"{metric}_sum{PICKER}": f"0+{60 * seconds:g}x200",
        f"{metric}_count{PICKER}": "0+60x200",
    }


def engine(running: int) -> Series:
    """Return an engine that has reserved its memory, with that many requests."""
    return {
        f"vllm:num_requests_running{ENGINE}": f"{running}x200",
        f"vllm:num_requests_waiting{ENGINE}": "0x200",
        f"DCGM_FI_DEV_FB_USED{GPU}": "21000x200",
        f"DCGM_FI_DEV_FB_FREE{GPU}": "2000x200",
    }


def busy_gpu(share: float) -> Series:
    """Return a GPU's activity."""
    return {f"DCGM_FI_PROF_GR_ENGINE_ACTIVE{GPU}": f"{share}x200"}


def spending(yesterday: int, today: int) -> Series:
    """Return ready replicas of a day and the next hours; the picker's pod is another one today."""
    other = PICKER.replace("epp-1", "epp-2")
    return {
        f"llm_d_epp_ready_endpoints{PICKER}": f"{yesterday}x1500",
        f"llm_d_epp_ready_endpoints{other}": f"_x1501 {today}x120",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Series, the minute to look at, and whether the alert fires then."""

    alert: str
    series: Series
    minute: int
    fires: bool


CASES: Mapping[str, Case] = {
    "idle GPUs": Case(
        alert="LowGPUUtilization",
        series={**busy_gpu(0.29), **ready("2x200")},
        minute=70,
        fires=True,
    ),
    "GPUs at work": Case(
        alert="LowGPUUtilization",
        series={**busy_gpu(0.31), **ready("2x200")},
        minute=70,
        fires=False,
    ),
    "idle GPUs before the time": Case(
        alert="LowGPUUtilization",
        series={**busy_gpu(0.1), **ready("2x200")},
        minute=25,
        fires=False,
    ),
    "GPUs of replicas that start": Case(
        alert="LowGPUUtilization",
        series={**busy_gpu(0.0), **ready("0x200")},
        minute=70,
        fires=False,
    ),
    "no GPU metrics": Case(
        alert="LowGPUUtilization", series=ready("2x200"), minute=70, fires=False
    ),
    "idle engine with its memory reserved": Case(
        alert="IdleEngine", series=engine(0), minute=80, fires=True
    ),
    "engine with one request": Case(alert="IdleEngine", series=engine(1), minute=80, fires=False),
    "1.51 times yesterday, with replaced pods": Case(
        alert="CostAnomaly", series=spending(100, 151), minute=1580, fires=True
    ),
    "1.49 times yesterday": Case(
        alert="CostAnomaly", series=spending(100, 149), minute=1580, fires=False
    ),
    "no yesterday": Case(alert="CostAnomaly", series=ready("5x200"), minute=100, fires=False),
    "from nothing to nearly nothing": Case(
        alert="CostAnomaly",
        series={f"llm_d_epp_ready_endpoints{PICKER}": "0.05x1500 0.19x120"},
        minute=1580,
        fires=False,
    ),
    "more replicas than planned": Case(
        alert="PlannedCostExceeded", series=ready("3x200"), minute=40, fires=True
    ),
    "as planned": Case(alert="PlannedCostExceeded", series=ready("2x200"), minute=40, fires=False),
    "over the budget": Case(alert="BudgetHourSpent", series=ready("2x200"), minute=20, fires=True),
    "within the budget": Case(
        alert="BudgetHourSpent", series=ready("1x200"), minute=20, fires=False
    ),
    "slow first token": Case(
        alert="TTFTPromiseBroken", series=mean_seconds("ttft", 2.1), minute=90, fires=True
    ),
    "first token in time": Case(
        alert="TTFTPromiseBroken", series=mean_seconds("ttft", 1.9), minute=90, fires=False
    ),
    "slow tokens": Case(
        alert="TPOTPromiseBroken",
        series=mean_seconds("streaming_tpot", 0.051),
        minute=90,
        fires=True,
    ),
    "tokens in time": Case(
        alert="TPOTPromiseBroken",
        series=mean_seconds("streaming_tpot", 0.049),
        minute=90,
        fires=False,
    ),
    "no replica": Case(alert="NoReplicaReady", series=ready("0x200"), minute=5, fires=True),
    "a replica": Case(alert="NoReplicaReady", series=ready("1x200"), minute=5, fires=False),
    "no replica for a moment": Case(
        alert="NoReplicaReady", series=ready("0x1 1x200"), minute=5, fires=False
    ),
    "two of five replicas gone": Case(
        alert="SpotReclaims", series=ready("5x30 3x200"), minute=60, fires=True
    ),
    "one of five replicas gone": Case(
        alert="SpotReclaims", series=ready("5x30 4x200"), minute=60, fires=False
    ),
}


def run(
    folder: Path, command: str, document: Mapping[str, Any]
) -> subprocess.CompletedProcess[str]:
    """Run promtool on the rendered rules, or on tests of them."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(RULE["spec"]), encoding="utf-8")
    file = folder / ("tests.yaml" if command == "test" else "rules.yaml")
    if command == "test":
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
    tool = promtool(Layout.of(REPOSITORY))
    return subprocess.run(
        [tool, command, "rules", file], check=False, capture_output=True, text=True, cwd=folder
    )


def rule_tests(tests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return promtool's file of tests."""
    return {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": list(tests)}


def one_test(case: Case) -> dict[str, Any]:
    """Return promtool's test of a case."""
    expression = f'count(ALERTS{{alertname="{case.alert}",alertstate="firing"}})'
    samples = [{"labels": "{}", "value": 1}] if case.fires else []
    return {
        "interval": "1m",
        "input_series": [{"series": s, "values": v} for s, v in case.series.items()],
        "promql_expr_test": [
            {"expr": expression, "eval_time": f"{case.minute}m", "exp_samples": samples}
        ],
    }


def test_rules_load(tmp_path: Path) -> None:
    done = run(tmp_path, "check", {})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_an_alert(case: Case, tmp_path: Path) -> None:
    done = run(tmp_path, "test", rule_tests([one_test(case)]))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_fires_and_stays_silent_somewhere() -> None:
    names = {r["alert"] for g in RULE["spec"]["groups"] for r in g["rules"] if "alert" in r}
    assert {c.alert for c in CASES.values() if c.fires} == names
    assert {c.alert for c in CASES.values() if not c.fires} == names


def test_a_wrong_expectation_fails(tmp_path: Path) -> None:
    """The tests above can fail."""
    wrong = Case(alert="NoReplicaReady", series=ready("1x200"), minute=5, fires=True)
    assert run(tmp_path, "test", rule_tests([one_test(wrong)])).returncode != 0


def test_unit_costs(tmp_path: Path) -> None:
    """Requests per dollar are requests over nodes x price; a million tokens cost what the hour did."""
    success = f"vllm:request_success_total{ENGINE}"
    prompt, answer = (f"vllm:{what}_tokens_total{ENGINE}" for what in ("prompt", "generation"))
    series = {
        **ready("2x100"),
        success: "0+60x100",
        prompt: "0+30000x100",
        answer: "0+15000x100",
    }
    usd_per_hour = 2 * USD_PER_REPLICA
    expected = {
        "outlay:usd_per_hour": usd_per_hour,
        "outlay:requests_per_usd": 3600 / usd_per_hour,
        "outlay:usd_per_million_tokens": usd_per_hour / (750 * 3600) * 1e6,
    }
    labels = {"outlay_workload": WORKLOAD, "outlay_namespace": "llm-d"}
    text = ",".join(f'{key}="{value}"' for key, value in labels.items())
    checks = [
        {
            "expr": f"abs({name} / {value!r} - 1) < bool 1e-6",
            "eval_time": "60m",
            "exp_samples": [{"labels": f"{{{text}}}", "value": 1}],
        }
        for name, value in expected.items()
    ]
    test = {
        "interval": "1m",
        "input_series": [{"series": s, "values": v} for s, v in series.items()],
        "promql_expr_test": checks,
    }
    done = run(tmp_path, "test", rule_tests([test]))
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_finds_rules_and_monitors_by_the_settings_labels() -> None:
    for kind in ("PrometheusRule", "PodMonitor"):
        for body in find.bodies(MANIFESTS, kind):
            assert body["metadata"]["labels"]["release"] == "prometheus"


def test_opencost_gets_the_plan_s_price_and_a_dashboard_every_recorded_series() -> None:
    prices = find.one(MANIFESTS, "ConfigMap", "opencost-custom-pricing")["data"]["default.json"]
    assert json.loads(prices)["GPU"] == "0.804800"
    drawn = find.one(MANIFESTS, "ConfigMap", "outlay-dashboard")["data"]["outlay.json"]
    assert json.loads(drawn) == dashboard("aws-us-east-1")
    records = {r["record"] for g in RULE["spec"]["groups"] for r in g["rules"] if "record" in r}
    shown = " ".join(expression for _, expression, _ in PANELS)
    assert {name for name in records if name in shown} >= {
        "outlay:usd_per_hour",
        "outlay:usd_per_million_tokens",
        "outlay:requests_per_usd",
    }
