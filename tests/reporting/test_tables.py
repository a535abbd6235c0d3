"""The tables hold what a reader must know, at every width, and colours only where they are wanted."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from outlay.planning.whatif import By
from outlay.reporting.compare import print_comparison
from outlay.reporting.tables import PIPE_WIDTH, print_plan
from tests.reporting.builders import comparison, full_plan

PLAN = """\
$4,088/month   $0.2025 per million tokens   $0.6076 per million output tokens
gpu $3,358 + cpu $584.00 + storage $36.50 + network $36.50 + management $73.00
proven cheapest for the prices of 2026-08-10 (book 000000000000)
expected with spot coming and going: 99.5 % of requests served, $4,066/month paid (your events)
$5,782/month with every pool at its most nodes, over the budget
82% of the budget of $5,000/month

Where          Market     Nodes                  GPUs of each  $/node-h  $/month
aws us-east-1  on-demand  2 (2-3) x g6.xlarge    1 x L4         $0.8000   $1,168
aws us-east-1  spot       2 (2-3) x g6.12xlarge  4 x L4           $1.50   $2,190

llama-3-1-8b  Llama-3.1-8B, 10 req/s of 512 + 256 tokens; capacity 12.0 (9.6-14.4) req/s
Replicas          Grade       Req/s each  TTFT ms  TPOT ms
2 on 1 x L4 bf16  covered  2.0 (1.6-2.4)      300       40
4 on 2 x L4 bf16  covered  2.0 (1.6-2.4)      300       40

Where          Also paid   What                                         $/month
aws us-east-1  management  EKS control plane                             $73.00
aws us-east-1  cpu         1 x m7i.4xlarge for routers                  $584.00
aws us-east-1  storage     disks                                         $36.50
aws us-east-1  network     NAT gateway, egress of llama-3-1-8b (usage)   $36.50

Left out: azure, lambda: not provisioned
Left out: aws/eu-west-1: no price
Warning: spot nodes can be taken away
"""
COMPARISON = """\
Provider  GPUs     Market            Region     $/M tokens  $/month
aws       10 x L4  on-demand + spot  us-east-1     $0.2025   $4,088

not feasible: azure, gcp:
  - chat on 1 x L4: too slow
  - chat on 2 x L4: too slow
"""


def test_a_plan_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(full_plan())
    assert capsys.readouterr().out == PLAN


def test_a_comparison_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    print_comparison(comparison(), by=By.PROVIDER)
    assert capsys.readouterr().out == COMPARISON


def test_lines_in_a_pipe_are_not_broken(capsys: pytest.CaptureFixture[str]) -> None:
    """What a program reads line by line stays on one line."""
    warning = "word " * PIPE_WIDTH
    print_plan(replace(full_plan(), warnings=(warning,)))
    assert f"Warning: {warning}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"mip_gap": 0.0123}, "within 1.23% of the cheapest for the prices of 2026-08-10"),
        ({"budget_usd_per_month": Decimal(4000)}, "OVER the budget of $4,000/month by $88.00"),
        ({"budget_usd_per_month": Decimal(4088)}, "100% of the budget of $4,088/month"),
    ],
)
def test_the_headline(
    capsys: pytest.CaptureFixture[str], changes: dict[str, object], line: str
) -> None:
    print_plan(replace(full_plan(), **changes))  # type: ignore[arg-type]  # the cases' keys are fields
    assert line in capsys.readouterr().out


def test_without_a_budget_none_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(replace(full_plan(), budget_usd_per_month=None))
    assert "budget" not in capsys.readouterr().out


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, *, columns: int) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.parametrize("columns", [80, 100, 130])
def test_no_name_is_broken_and_no_line_is_too_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    on_a_terminal(monkeypatch, columns=columns)
    monkeypatch.delenv("FORCE_COLOR")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    print_plan(full_plan())
    print_comparison(comparison(), by=By.PROVIDER)
    out = capsys.readouterr().out
    assert max(len(line.rstrip()) for line in out.splitlines() if "\x1b" not in line) <= columns
    for name in ("g6.12xlarge", "us-east-1", "on-demand", "covered", "feasible", "m7i.4xlarge"):
        assert name in out


def test_a_terminal_gets_colours_unless_it_asks_for_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_a_terminal(monkeypatch, columns=100)
    print_plan(full_plan())
    assert "\x1b[33mWarning: spot" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    print_plan(full_plan())
    assert "\x1b[33m" not in capsys.readouterr().out
