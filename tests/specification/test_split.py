"""The specification's rows on prefill and decode apart; each test is named after its row.

The rows on role objects and on scaling per role are about Kubernetes objects that outlay does not
write yet: nothing here stands for them.
"""

from __future__ import annotations

import pytest

from outlay.sizing.disaggregation import path_of
from outlay.sizing.legacy import (
    LEGACY_AGGREGATED,
    LEGACY_PREFILL,
    legacy_split,
    legacy_split_at_one_price,
    legacy_utilization_percent,
)


def test_equal_demand_comparison() -> None:
    """Chapter data -> verdict "dearer, 4.18x"; break-even 10,035 req/h."""
    found = legacy_split()
    assert found.verdict == "dearer, 4.18x"
    assert found.requests_per_hour_to_save(0) == pytest.approx(10_035)
    assert found.requests_per_hour_to_save(0.3) == pytest.approx(14_336, abs=1)
    assert found.requests_per_hour_to_save(0.4) == pytest.approx(16_725)
    assert found.saving_share == pytest.approx(-3.18, abs=0.005)


def test_equal_demand_comparison_at_the_demand_of_the_split() -> None:
    """For 2,400 req/h two aggregated GPUs suffice: $4.80/h, $0.0020 per request."""
    two = 2 * LEGACY_AGGREGATED.usd_per_hour
    assert two == pytest.approx(4.80)
    assert two / legacy_split().split_requests_per_hour == pytest.approx(0.0020)


def test_derived_cost() -> None:
    """13.38 and 0.005575 computed, not typed."""
    found = legacy_split()
    assert found.split_usd_per_hour == pytest.approx(13.38)
    assert found.split_usd_per_request == pytest.approx(0.005575)
    assert found.aggregated_usd_per_request == pytest.approx(0.001333, abs=1e-6)
    assert LEGACY_PREFILL.usd_per_hour == pytest.approx(3.78)


def test_utilization() -> None:
    """68.3 % weighted, +23.3 points."""
    found = legacy_utilization_percent()
    aggregated = LEGACY_AGGREGATED.utilization_percent
    assert round(found, 1) == 68.3
    assert round(found - aggregated, 1) == 23.3
    assert round(100 * (found / aggregated - 1), 1) == 51.9


def test_spot_effect_separate() -> None:
    """One-price case $14.40/h."""
    found = legacy_split_at_one_price()
    assert found.split_usd_per_hour == pytest.approx(14.40)
    assert found.split_usd_per_request == pytest.approx(0.0060)


@pytest.mark.parametrize(
    ("prompt_tokens", "path"), [(99, "decode"), (100, "split"), (4000, "split"), (4001, "refused")]
)
def test_routing_bounds(prompt_tokens: int, path: str) -> None:
    """Prompts of 99, 100, 4,000, 4,001 each have a defined path."""
    assert path_of(prompt_tokens, least_split_tokens=100, max_model_len=4000) == path
