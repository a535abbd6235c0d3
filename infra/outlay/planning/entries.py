"""What each offer can do for one workload: the most capacity for each number of GPUs.

Offers of one GPU type hold the same replicas, so each such frontier is computed once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, prod

import numpy as np

from outlay.planning.arrays import Floats, Ints
from outlay.planning.candidates import Candidate, Option
from outlay.planning.listing import Entries
from outlay.planning.market import Offers

Shapes = tuple[tuple[int, float], ...]
# Beyond, a list of ways is too long to be made: the caller has other means.
MOST_GPUS = 1024
# An entry is left out when as many entries in other domains hold as much for no more: exact for ways
# of up to so many entries.
RIVALS = 4
# More mixes of one GPU type's replicas than that take too long; then only the most capacity counts.
MOST_MIXES = 2_000
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Step:
    """Some GPUs of an offer and the replicas on them: how many of each of the offer's shapes."""

    gpus: int
    rps: float
    counts: tuple[int, ...]


def frontier(shapes: Shapes, needed_rps: float, *, most_gpus: int) -> tuple[Step, ...]:
    """Return the most capacity for each number of GPUs, up to the first that is enough.

    `shapes` are GPUs and capacity of one replica; numbers of GPUs that hold no more are left out.
    """
    best = [Step(0, 0.0, (0,) * len(shapes))]
    while best[-1].rps < needed_rps and len(best) <= most_gpus:
        best.append(_best_step(best, shapes))
    return tuple(step for last, step in pairwise(best) if step.rps > last.rps)


def _best_step(best: list[Step], shapes: Shapes) -> Step:
    """Return the best use of one GPU more."""
    gpus, last = len(best), best[-1]
    found = Step(gpus, last.rps, last.counts)
    for which, (size, rps) in enumerate(shapes):
        if size <= gpus and best[gpus - size].rps + rps > found.rps:
            before = best[gpus - size]
            counts = tuple(c + (i == which) for i, c in enumerate(before.counts))
            found = Step(gpus, before.rps + rps, counts)
    return found


def compositions(
    shapes: Shapes, needed_rps: float, *, shares: Sequence[float]
) -> tuple[Step, ...] | None:
    """Return every mix of replicas that may be cheapest when it shrinks with the demand.

    Left out is what another mix beats: as much capacity, up to the need, on no more GPUs in any
    period. None where there are too many mixes to try.
    """
    most = [ceil(needed_rps / rps - ROUNDING) for _, rps in shapes]
    if prod(count + 1 for count in most) > MOST_MIXES:
        return None
    sizes, capacity = (np.array(column) for column in zip(*shapes, strict=True))
    counts = np.indices([count + 1 for count in most]).reshape(len(shapes), -1).T[1:]
    rps = counts @ capacity
    in_use = np.array([_gpus_in(row, sizes, shares) for row in counts])
    useful = np.minimum(rps, needed_rps)
    kept: list[int] = []
    for mix in np.lexsort((in_use.sum(axis=1), -useful)).tolist():
        if not (in_use[kept] <= in_use[mix]).all(axis=1).any():
            kept.append(mix)
    return tuple(
        Step(int(counts[mix] @ sizes), float(rps[mix]), tuple(counts[mix].tolist()))
        for mix in sorted(kept, key=lambda mix: (useful[mix], mix))
    )


def _steps(
    shapes: Shapes, needed_rps: float, *, most_gpus: int, shares: Sequence[float]
) -> tuple[Step, ...]:
    """Return the frontier, or over a day or week every mix that may be cheapest."""
    if not shapes:
        return ()
    mixes = compositions(shapes, needed_rps, shares=shares) if min(shares) < 1 else None
    return mixes or frontier(shapes, needed_rps, most_gpus=most_gpus)


class Frontiers:
    """The steps of all offers for one workload, as columns; none that costs more than a fleet may.

    `is_whole` says that no step is missing: the GPUs that cost as much are few enough to be listed.
    """

    def __init__(
        self,
        offers: Offers,
        workload: int,
        *,
        needed_rps: float,
        most_usd: float,
        shares: Sequence[float],
    ) -> None:
        known: dict[Shapes, tuple[Step, ...]] = {}
        shapes_of = [_shapes(candidate, workload) for candidate in offers.candidates]
        most_gpus: dict[Shapes, float] = {}
        for shapes, usd in zip(shapes_of, (offers.usd / offers.gpus).tolist(), strict=True):
            most_gpus[shapes] = max(most_gpus.get(shapes, 0.0), most_usd / max(usd, 1e-9))
        slot: list[int] = []
        self.steps: list[Step] = []
        for number, shapes in enumerate(shapes_of):
            if shapes not in known:
                most = int(min(most_gpus[shapes], MOST_GPUS))
                known[shapes] = _steps(shapes, needed_rps, most_gpus=most, shares=shares)
            self.steps += known[shapes]
            slot += [number] * len(known[shapes])
        self.is_whole = all(
            steps[-1].rps >= needed_rps or most_gpus[shapes] <= MOST_GPUS
            for shapes, steps in known.items()
            if steps
        )
        self.slot: Ints = np.array(slot, dtype=np.int64)
        self.site: Ints = offers.site[self.slot]
        self.domain: Ints = offers.domain[self.slot]
        self.gpus: Ints = np.array([step.gpus for step in self.steps], dtype=np.int64)
        self.rps: Floats = np.array([step.rps for step in self.steps], dtype=np.float64)
        sizes = {shapes: np.array([gpus for gpus, _ in shapes]) for shapes in known}
        in_use = {
            shapes: [_gpus_in(np.array(step.counts), sizes[shapes], shares) for step in steps]
            for shapes, steps in known.items()
        }
        columns = [column for shapes in shapes_of for column in in_use.get(shapes, ())]
        # By period: the GPUs in use when the workload has a share of its demand, and nodes for them.
        self.gpus_in: Ints = np.array(columns, dtype=np.int64).reshape(-1, len(shares)).T
        self.nodes_in: Ints = -(-self.gpus_in // offers.gpus[self.slot])
        # Largest first, and the cheaper of equals is found by cost.
        self._order: Ints = np.argsort(-self.rps, kind="stable")

    def entries(self, usd: Floats, *, below_usd: float) -> tuple[Entries, Ints]:
        """Return the entries that cost no more than a limit, and the numbers of their steps."""
        chosen = self._order[usd[self._order] <= below_usd]
        return self._chosen(usd, chosen), chosen

    def best_entries(
        self, usd: Floats, site_usd: Floats, *, below_usd: float
    ) -> tuple[Entries, Ints]:
        """Return only entries without too many rivals: enough for the cheapest way."""
        chosen = self._order[usd[self._order] <= below_usd]
        chosen = chosen[np.lexsort((usd[chosen], -self.rps[chosen]))]
        kept: list[int] = []
        here: dict[tuple[int, int], float] = {}
        least: dict[int, float] = {}
        in_order: list[float] = []  # the least of each domain
        for step, cost, lost, site in zip(
            chosen.tolist(),
            usd[chosen].tolist(),
            self.domain[chosen].tolist(),
            self.site[chosen].tolist(),
            strict=True,
        ):
            # What is never lost beats all; what may be lost beats only what may be lost too.
            if here.get((site, lost), np.inf) <= cost or least.get(-1, np.inf) <= cost:
                continue
            own = least.get(lost, np.inf)
            if lost >= 0 and bisect_right(in_order, cost) - (own <= cost) >= RIVALS:
                continue
            kept.append(step)
            here[site, lost] = cost
            total = cost + float(site_usd[site])
            if total < own:
                least[lost] = total
                if lost >= 0:
                    if own < np.inf:
                        del in_order[bisect_left(in_order, own)]
                    insort(in_order, total)
        best = np.array(kept, dtype=np.int64)
        return self._chosen(usd, best), best

    def _chosen(self, usd: Floats, chosen: Ints) -> Entries:
        return Entries(
            slot=self.slot[chosen],
            site=self.site[chosen],
            domain=self.domain[chosen],
            gpus=self.gpus[chosen],
            rps=self.rps[chosen],
            usd=usd[chosen],
        )


def _gpus_in(counts: Ints, sizes: Ints, shares: Sequence[float]) -> Ints:
    """GPUs of replicas by period: each of their shapes shrinks alike, rounded up."""
    left = np.ceil(counts * np.array(shares)[:, None] - ROUNDING)
    result: Ints = (np.where(counts > 0, np.maximum(left, 1), 0) @ sizes).astype(np.int64)
    return result


def _shapes(candidate: Candidate, workload: int) -> Shapes:
    return tuple(
        (option.shape.gpus, option.shape.capacity_rps.low)
        for option in options(candidate, workload)
    )


def options(candidate: Candidate, workload: int) -> list[Option]:
    """Return the options of one workload on an offer, in their order."""
    return [option for option in candidate.options if option.workload == workload]
