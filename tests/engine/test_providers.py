"""Each provider alone on the real engine: bought, unchanged, given back."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.ledger import Ledger
from tests.engine.conftest import MakeStack
from tests.engine.harness import Project

pytestmark = [pytest.mark.engine, pytest.mark.slow]

ADMIN = "11111111-2222-3333-4444-555555555555"
BASE: Mapping[str, Any] = {
    "outlay:model": "llama-3.1-8b",
    "outlay:targetRps": "10",
    "outlay:environment": "dev",
    "outlay:budgetUsdPerMonth": "100000",
}
# What a stack says of its account, for the providers that need it.
ACCOUNTS: Mapping[str, Mapping[str, str]] = {
    "azure": {"azure:adminObjectId": ADMIN},
    "coreweave": {},
    "lambda": {"lambda:region": "us-west-1", "lambda:sshKeyName": "mine"},
}


def settings(provider: str, **more: Any) -> str:
    """Return the settings of a stack on one provider."""
    own = {"outlay:providers": [provider], **ACCOUNTS[provider], **more}
    return yaml.safe_dump({"config": {**BASE, **own}})


@contextmanager
def lambda_api(project: Project) -> Iterator[dict[str, str]]:
    """Run Lambda's API on a project's ledger; yield the variables that lead to it."""
    api = project.sandbox.start_lambda(Path(sys.executable))
    try:
        yield api.environment
    finally:
        api.process.terminate()
        api.process.wait(timeout=10)


@pytest.mark.parametrize("provider", ACCOUNTS)
def test_a_stack_is_bought_stays_as_it_is_and_is_given_back(
    provider: str, stack_project: MakeStack
) -> None:
    """One `up` makes all, a second changes nothing, nothing is left behind."""
    project = stack_project(settings(provider))
    with lambda_api(project) as env:
        made = project.up(env=env).ok().changes()
        again = project.up(env=env).ok().changes()
        assert again == {"same": made["create"]}
        assert project.destroy(env=env).ok().changes() == {"delete": made["create"]}
    assert Ledger(project.sandbox.ledger).records() == []


def test_lambda_heals_after_a_want_of_capacity_and_keeps_its_secrets(
    stack_project: MakeStack,
) -> None:
    """The next `up` makes what is missing; no key, token or private key lies open in the state."""
    project = stack_project(settings("lambda"))
    ledger = Ledger(project.sandbox.ledger)
    ledger.add_fault(
        operation="create", match="lambda:instance", kind="capacity", message="", seconds=0, times=1
    )
    with lambda_api(project) as env:
        own = env | {"LAMBDA_API_KEY": "only-in-the-environment"}
        failed = project.up(env=own)
        assert failed.code != 0
        assert "insufficient-capacity" in failed.text
        project.up(env=own).ok()
        assert len(ledger.records("lambda:instance")) == 1
        written = [path.read_text() for path in project.sandbox.state.rglob("*.json")]
        project.destroy(env=own).ok()
    assert written
    for text in (*written, failed.text):
        assert "only-in-the-environment" not in text
        assert "PRIVATE KEY" not in text
        assert "K3S_TOKEN" not in text
    assert ledger.records() == []
