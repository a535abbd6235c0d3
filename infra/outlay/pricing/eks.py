"""Which EKS versions AWS charges extra for.

Source: the EKS version calendar as aws-samples' "EKS operation review" shows it, verified on 2026-04-24.
"""

from __future__ import annotations

import re

from outlay.pricing.inputs import Inputs, NoPriceError

# The last day of each version's standard support.
STANDARD_SUPPORT_ENDS = {
    (1, 29): "2025-03-23",
    (1, 30): "2025-07-23",
    (1, 31): "2025-11-26",
    (1, 32): "2026-03-23",
    (1, 33): "2026-07-29",
    (1, 34): "2026-12-02",
    (1, 35): "2027-03-27",
}
VERSION = re.compile(r"(\d+)\.(\d+)")


def in_extended_support(cluster: Inputs, *, on: str) -> bool:
    """Whether a cluster's version is past standard support on a day (ISO), and AWS does not upgrade it.

    Without a version EKS takes its newest default; a version newer than the calendar is in standard
    support. Raises NoPriceError for a version that is none.
    """
    version = cluster.optional_text("version")
    if version is None or cluster.child("upgradePolicy").optional_text("supportType") == "STANDARD":
        return False
    found = VERSION.match(version)
    if found is None:
        raise NoPriceError(f"version must be like 1.34, got {version!r}")
    number = (int(found[1]), int(found[2]))
    if number < min(STANDARD_SUPPORT_ENDS):
        return True
    return STANDARD_SUPPORT_ENDS.get(number, on) < on
