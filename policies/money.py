"""Amounts and numbers as people read them in a violation."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal


def usd(amount: Decimal) -> str:
    """Return an amount in cents, rounded up: a spend just above a limit never reads as equal to it."""
    return f"${amount.quantize(Decimal('0.01'), rounding=ROUND_UP):,}"


def counted(number: int, what: str) -> str:
    """Return a number of things, such as `1 GPU` and `2 GPUs`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def percent(share: Decimal) -> str:
    """Return a share in percent, with a digit after the point where it is small."""
    value = share * 100
    return f"{value:,.0f} %" if value >= 10 else f"{value:.1f} %"
