"""The page of providers says what the price book says."""

from __future__ import annotations

from tools.idle import PAGE, written


def test_the_costs_of_empty_clusters_are_those_of_the_price_book() -> None:
    """After a change of prices: `python -m tools.idle`."""
    page = PAGE.read_text()
    assert written(page) == page
    assert "| Azure | eastus | 0.15 |" in page
