"""A stack's settings, a small price book, and a reporter that remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pulumi
import pytest

from policies import prices
from tests.pricing.book import RATES


@pytest.fixture(autouse=True)
def price_book(monkeypatch: pytest.MonkeyPatch) -> None:
    """Round prices instead of the real ones."""
    monkeypatch.setattr(prices, "rates", lambda: RATES)


@pytest.fixture(autouse=True)
def set_budget() -> Iterator[Callable[[str], None]]:
    """Set outlay:budgetUsdPerMonth of the stack; none is set at first."""
    pulumi.runtime.set_all_config({})
    yield lambda text: pulumi.runtime.set_config("outlay:budgetUsdPerMonth", text)
    pulumi.runtime.set_all_config({})


class Reports(list[tuple[str, str | None]]):
    """What a rule complained of."""

    def __call__(self, message: str, urn: str | None = None) -> None:
        """Remember one complaint."""
        self.append((message, urn))

    @property
    def messages(self) -> list[str]:
        """The complaints without their resources."""
        return [message for message, _ in self]


@pytest.fixture
def reports() -> Reports:
    return Reports()
