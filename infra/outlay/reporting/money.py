"""One way to write money."""

from __future__ import annotations

from decimal import Decimal

CENT = Decimal("0.01")


def usd(amount: Decimal) -> str:
    """Write an amount with the digits that matter: $12,345, $123.45, $0.0123 or $0.00001234."""
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size.quantize(CENT) >= 1000:
        return f"{sign}${size:,.0f}"
    if size >= 1 or size == 0:
        return f"{sign}${size:,.2f}"
    if size >= Decimal("0.001"):
        return f"{sign}${size:.4f}"
    return f"{sign}${size:.8f}"
