"""The command, and answers that many tests look at."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.command import MODEL, Command, Finished, outlay

Json = dict[str, Any]
# Production's stack with fewer GPU types, so that it is planned in a moment.
TWO_MODELS = """\
workloads:
  - {model: llama-3.1-8b, targetRps: 40}
  - {model: llama-3.3-70b, targetRps: 8, inputTokens: 1024}
gpus: [L4, H100]
regions: [us-*]
surviveDomain: provider
surviveFraction: 0.5
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command inside this process."""
    return Command(monkeypatch, capsys)


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A plan of two models that must outlive either of two clouds, as JSON."""
    file = tmp_path_factory.mktemp("settings") / "two.yaml"
    file.write_text(TWO_MODELS)
    return outlay("plan", "--settings", str(file), "--json")


@pytest.fixture(scope="session")
def plan(planned: Finished) -> Json:
    """That plan."""
    value: Json = json.loads(planned.out)
    return value


@pytest.fixture(scope="session")
def compared() -> Finished:
    """A comparison in which Lambda cannot serve, having no spot market, as JSON."""
    return outlay("compare", *MODEL, "--market", "spot", "--json")


@pytest.fixture(scope="session")
def comparison(compared: Finished) -> Json:
    """That comparison."""
    value: Json = json.loads(compared.out)
    return value
