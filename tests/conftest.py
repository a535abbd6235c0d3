"""Settings of all property tests, and what tests of several packages need."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest
from hypothesis import settings

from outlay.catalog import PROVIDERS

# A shell starts background jobs with interrupts ignored, and their children inherit it; some tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is slow at times; what takes too long has tests of its own.
settings.register_profile("outlay", deadline=None)
settings.load_profile("outlay")


@pytest.fixture
def lambda_is_priced_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever outlay provisions by now: Lambda is a provider that it can only price."""
    changed = [replace(p, provisioned=p.provisioned and p.name != "lambda") for p in PROVIDERS]
    monkeypatch.setattr("outlay.catalog.providers.PROVIDERS", tuple(changed))
