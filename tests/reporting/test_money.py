"""Money is written with the digits that matter."""

from __future__ import annotations

from decimal import Decimal

import pytest

from outlay.reporting.money import usd


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"),
        ("0.00001234", "$0.00001234"),
        ("0.0123456", "$0.0123"),
        ("0.9999", "$0.9999"),
        ("1", "$1.00"),
        ("123.456", "$123.46"),
        ("999.994", "$999.99"),
        ("999.995", "$1,000"),
        ("1000", "$1,000"),
        ("12345.6", "$12,346"),
        ("1e12", "$1,000,000,000,000"),
        ("-5", "-$5.00"),
    ],
)
def test_usd(amount: str, text: str) -> None:
    assert usd(Decimal(amount)) == text
