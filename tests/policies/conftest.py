"""A stack's settings, a small price book, and a run of the pack's rules without an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pulumi
import pytest

from outlay.variables import BUDGET_VARIABLE, ENVIRONMENT_VARIABLE, STACK_LIMITS_VARIABLE
from policies import declared
from policies.build import DRY_RUN
from tests.policies.resources import OUTLAY
from tests.pricing.book import RATES


@pytest.fixture(autouse=True)
def price_book(monkeypatch: pytest.MonkeyPatch) -> None:
    """Round prices instead of the real ones."""
    monkeypatch.setattr(declared, "rates", lambda: RATES)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A stack without settings, in a preview."""
    settings = pulumi.runtime.Settings(project="shop", stack="main", dry_run=True)
    monkeypatch.setattr(pulumi.runtime.settings, "SETTINGS", settings)
    monkeypatch.setenv(DRY_RUN, "true")
    monkeypatch.delenv(BUDGET_VARIABLE, raising=False)
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.delenv(STACK_LIMITS_VARIABLE, raising=False)
    pulumi.runtime.set_all_config({})
    yield
    pulumi.runtime.set_all_config({})


@pytest.fixture
def setting() -> Callable[[str, str], None]:
    """Set one setting of the stack, without its `outlay:`."""
    return lambda key, text: pulumi.runtime.set_config(f"{OUTLAY}:{key}", text)


@pytest.fixture
def updating(monkeypatch: pytest.MonkeyPatch) -> None:
    """An update instead of a preview."""
    settings = pulumi.runtime.Settings(project="shop", stack="main", dry_run=False)
    monkeypatch.setattr(pulumi.runtime.settings, "SETTINGS", settings)
