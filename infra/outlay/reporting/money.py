"""One way to write money."""

from __future__ import annotations

from decimal import Decimal


def usd(amount: Decimal) -> str:
    """Write an amount with the digits that matter: $12,345, $123.45 or $0.0123."""
    if abs(amount) >= 1000:
        return f"${amount:,.0f}"
    if abs(amount) >= 1 or amount == 0:
        return f"${amount:,.2f}"
    return f"${amount:.4f}"
