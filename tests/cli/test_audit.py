"""What an audit tells the policy pack, which gets no settings of the stack."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from outlay.cli.audit import pack_variables
from outlay.cli.engine import Engine
from outlay.variables import BUDGET_VARIABLE, ENVIRONMENT_VARIABLE, STACK_LIMITS_VARIABLE

OWN = "config:\n  outlay:environment: dev\n  outlay:limits: {largest-pool: {maxGpus: 8}}\n"


@pytest.mark.parametrize(
    ("settings", "runners", "environment", "limits"),
    [
        (OWN, None, "dev", '{"largest-pool": {"maxGpus": 8}}'),
        (OWN, "prod", "prod", '{"largest-pool": {"maxGpus": 8}}'),
        ("config: {}\n", None, "eu-prod", "{}"),
    ],
)
def test_the_runners_environment_goes_before_the_stacks_and_that_before_its_name(
    *,
    settings: str,
    runners: str | None,
    environment: str,
    limits: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "Pulumi.eu-prod.yaml").write_text(settings)
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    if runners is not None:
        monkeypatch.setenv(ENVIRONMENT_VARIABLE, runners)
    told = pack_variables(Engine(project=tmp_path, stack="eu-prod"), Decimal(100))
    assert told == {
        ENVIRONMENT_VARIABLE: environment,
        BUDGET_VARIABLE: "100",
        STACK_LIMITS_VARIABLE: limits,
    }
