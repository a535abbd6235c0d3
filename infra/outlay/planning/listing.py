"""Every way to serve one workload that costs no more than a limit.

An entry is some replicas on one offer: the most capacity for its GPUs. A way is a set of entries that
holds the demand, and what must survive when any one domain is lost. Ways are found by depth, largest
entry first. What a partial way lacks can only be had from entries no larger than its last; the least
that this costs is a small knapsack, and partial ways that cannot stay below the limit are dropped. So
the list is complete: no way below the limit is missing, but those with an entry that they do not need.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outlay.errors import OutlayError
from outlay.planning.arrays import Bools, Floats, Ints

# The knapsack counts capacity in shares of the demand.
STEPS = 64
ROUNDING = 1e-9
# Pairs of a partial way and an entry that are looked at together.
BLOCK = 200_000
MOST_PARTIAL = 60_000


class TooManyWaysError(OutlayError):
    """There are more ways below a limit than can be listed; the caller proves less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """Replicas of one workload on one offer each, as columns, largest capacity first.

    `domain` is -1 where nothing is lost together. `usd` is what the entry costs where it is used.
    """

    slot: Ints
    site: Ints
    domain: Ints
    gpus: Ints
    rps: Floats
    usd: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Demand of one workload, and what of it must survive the loss of any one domain."""

    rps: float
    kept_rps: float


@dataclass(frozen=True, slots=True)
class Listed:
    """Ways as rows of entry numbers, filled up with -1, and what each costs."""

    entries: Ints
    usd: Floats


def cheapest(entries: Entries, need: Need, site_usd: Floats, *, limit_usd: float) -> Listed:
    """Return every way that costs no more than the limit, cheapest first.

    `site_usd` is added once for each site that a way uses.

    Raises:
        TooManyWaysError: the limit is too high for a list.
    """
    return _Listing(entries, need, site_usd, limit_usd).ways()


@dataclass(frozen=True, slots=True)
class _Partial:
    """Rows of entries so far, their cost, their capacity."""

    entries: Ints
    usd: Floats
    rps: Floats


class _Listing:
    def __init__(self, entries: Entries, need: Need, site_usd: Floats, limit_usd: float) -> None:
        self._all, self._need, self._site_usd = entries, need, site_usd
        self._limit = limit_usd
        self._unit = need.rps / STEPS
        self._size = np.ceil(entries.rps / self._unit - ROUNDING).clip(1, STEPS).astype(np.int64)
        self._rest = _knapsacks(self._size, entries.usd)

    def ways(self) -> Listed:
        found: list[tuple[Ints, Floats]] = []
        partial = _Partial(np.empty((1, 0), dtype=np.int64), np.zeros(1), np.zeros(1))
        while len(partial.usd):
            grown = self._grown(partial)
            lacks = self._lacks(grown)
            whole = lacks <= ROUNDING * self._need.rps
            found.append((grown.entries[whole], grown.usd[whole]))
            partial = _rows(grown, ~whole)
            if len(partial.usd) > MOST_PARTIAL:
                raise TooManyWaysError("too many ways below the limit")
        return _sorted(found)

    def _grown(self, partial: _Partial) -> _Partial:
        """Add one entry to each row: no larger than its last, of another offer, below the limit."""
        rows = max(1, BLOCK // max(1, len(self._all.rps)))
        blocks = [
            self._block(_rows(partial, np.arange(start, min(start + rows, len(partial.usd)))))
            for start in range(0, len(partial.usd), rows)
        ]
        return _Partial(
            np.concatenate([b.entries for b in blocks]),
            np.concatenate([b.usd for b in blocks]),
            np.concatenate([b.rps for b in blocks]),
        )

    def _block(self, partial: _Partial) -> _Partial:
        entries = self._all
        added = np.arange(len(entries.rps))
        usd = partial.usd[:, None] + entries.usd + self._opening(partial)
        fits = usd <= self._limit
        if partial.entries.shape[1]:
            fits &= added > partial.entries[:, -1:]
        for column in partial.entries.T:
            fits &= entries.slot[column][:, None] != entries.slot
        row, entry = np.nonzero(fits)
        grown = _Partial(
            np.concatenate([partial.entries[row], entry[:, None]], 1),
            usd[row, entry],
            partial.rps[row] + entries.rps[entry],
        )
        lacks = self._lacks(grown)
        steps = np.ceil(lacks / self._unit - ROUNDING).clip(0, STEPS).astype(np.int64)
        least = grown.usd + self._rest[self._size[entry], steps]
        return _rows(grown, least <= self._limit)

    def _opening(self, partial: _Partial) -> Floats:
        """What the site of each entry costs where a row does not use it yet."""
        entries = self._all
        cost = np.broadcast_to(
            self._site_usd[entries.site], (len(partial.usd), len(entries.rps))
        ).copy()
        for column in partial.entries.T:
            cost[entries.site[column][:, None] == entries.site] = 0.0
        return cost

    def _lacks(self, partial: _Partial) -> Floats:
        """Capacity that each row still needs, for the demand or for when a domain is lost."""
        lacks = self._need.rps - partial.rps
        for column in partial.entries.T:
            lost = self._all.domain[column]
            gone = np.zeros(len(lacks))
            for other in partial.entries.T:
                gone += np.where(self._all.domain[other] == lost, self._all.rps[other], 0.0)
            short = self._need.kept_rps - (partial.rps - gone)
            lacks = np.maximum(lacks, np.where(lost >= 0, short, 0.0))
        return lacks


def _rows(partial: _Partial, chosen: Ints | Bools) -> _Partial:
    return _Partial(partial.entries[chosen], partial.usd[chosen], partial.rps[chosen])


def _sorted(found: list[tuple[Ints, Floats]]) -> Listed:
    widest = max((entries.shape[1] for entries, usd in found if len(usd)), default=0)
    padded = [
        np.pad(entries, ((0, 0), (0, widest - entries.shape[1])), constant_values=-1)
        for entries, usd in found
        if len(usd)
    ]
    if not padded:
        return Listed(np.empty((0, 0), dtype=np.int64), np.empty(0))
    rows = np.concatenate(padded)
    usd = np.concatenate([usd for _, usd in found if len(usd)])
    order = np.argsort(usd, kind="stable")
    return Listed(rows[order], usd[order])


def _knapsacks(size: Ints, usd: Floats) -> Floats:
    """Return the least cost to reach steps (column) with entries of at most a size (row)."""
    best = np.full(STEPS + 1, np.inf)
    np.minimum.at(best, size, usd)
    costs = np.full((STEPS + 1, STEPS + 1), np.inf)
    costs[:, 0] = 0.0
    for largest in range(1, STEPS + 1):
        row = costs[largest]
        row[:] = costs[largest - 1]
        if not np.isfinite(best[largest]):
            continue
        row[1 : largest + 1] = np.minimum(row[1 : largest + 1], best[largest])
        for start in range(largest + 1, STEPS + 1, largest):
            steps = slice(start, start + largest)
            before = row[start - largest : start][: len(row[steps])]
            row[steps] = np.minimum(row[steps], best[largest] + before)
    return costs
