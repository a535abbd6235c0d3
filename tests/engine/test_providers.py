"""Each provider alone on the real engine: bought, unchanged, given back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from sandbox.ledger import Ledger
from tests.engine.conftest import MakeStack

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
}


def settings(provider: str, **more: Any) -> str:
    """Return the settings of a stack on one provider."""
    own = {"outlay:providers": [provider], **ACCOUNTS[provider], **more}
    return yaml.safe_dump({"config": {**BASE, **own}})


@pytest.mark.parametrize("provider", ACCOUNTS)
def test_a_stack_is_bought_stays_as_it_is_and_is_given_back(
    provider: str, stack_project: MakeStack
) -> None:
    """One `up` makes all, a second changes nothing, nothing is left behind."""
    project = stack_project(settings(provider))
    made = project.up().ok().changes()
    again = project.up().ok().changes()
    assert again == {"same": made["create"]}
    assert project.destroy().ok().changes() == {"delete": made["create"]}
    assert Ledger(project.sandbox.ledger).records() == []
