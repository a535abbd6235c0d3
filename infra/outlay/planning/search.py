"""From ways to a proven fleet: list the ways that could matter, and prove that no other does.

Ways are listed where the relaxation's prices ask for them, until none is missing that could make it
cheaper: its optimum is then a lower bound. Prices come from the middle of all that are optimal, since
those of a corner jump about from round to round. At last all ways are listed that a fleet better than
the best known could use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from outlay.planning.arrays import Floats
from outlay.planning.joint import Choice, Joint, Prices, Question, Way
from outlay.planning.listing import Need, TooManyWaysError, cheapest

# Rounds times units; few units are proven further.
MOST_LISTS = 1000
WAYS_PER_ROUND = 40
# Ways of more entries than that are not kept as columns; the last list has them all the same.
WIDEST = 8
# The bound is good enough when it no longer grows by this share in so many rounds.
GROWTH, PATIENCE = 1e-3, 8
# How close the bound must come to the relaxation before the proof goes on with what it has.
CLOSE = 2e-4
# Limits of a list of the cheapest ways, as shares of the cheapest that is known.
LADDER = (0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.94, 0.97, 1.0)
SLACK_USD_PER_HOUR = 1e-6
# With more units the program stops this close to its optimum; a gap below the last counts as none.
FEW_UNITS = 12
GAP = 5e-4
PROVEN = 1e-7
# More ways than that are no longer solved in the time that the bound took.
MOST_WAYS = 4000


class Search:
    """The ways that are known of each unit, and the bound that they prove."""

    def __init__(self, question: Question, ways: Iterable[Iterable[Way]]) -> None:
        self._question = question
        self.ways: list[dict[Way, None]] = [{} for _ in question.units]
        self.bound_usd = 0.0
        self._columns: list[tuple[list[list[int]], list[list[int]], list[float]]] = [
            ([], [], []) for _ in question.units
        ]
        self._rung = [0] * len(question.units)
        self._prices: Prices | None = None
        for unit, mine in enumerate(ways):
            self._add(unit, mine)

    def solve(self, *, known_usd: float, time_limit_s: float) -> Choice | None:
        """Return the best choice, proven as far as lists of ways can be made.

        `known_usd` is what a known fleet costs. None when the time is over before any choice is found.
        """
        self._improve_bound()
        found = self._solved(self._worth(known_usd), time_limit_s)
        if found is None or found.gap == 0:
            return found
        try:
            complete = self._complete(found.usd)
        except TooManyWaysError:
            return found
        best = self._solved(complete, time_limit_s, is_complete=True)
        return best if best is not None and best.usd <= found.usd else found

    def _solved(
        self, ways: list[list[Way]], time_limit_s: float, *, is_complete: bool = False
    ) -> Choice | None:
        joint = Joint(self._question, ways, whole=True)
        enough = 0.0 if len(ways) <= FEW_UNITS else GAP
        choice = joint.solved(time_limit_s=time_limit_s, gap=enough)
        if choice is None:
            return None
        proven = choice.usd * (1 - choice.gap) if is_complete else 0.0
        gap = 1 - max(self.bound_usd, proven) / choice.usd
        return replace(choice, gap=gap if gap > PROVEN else 0.0)

    def _add(self, unit: int, ways: Iterable[Way]) -> int:
        """Keep ways that are new; return how many."""
        known, site = self.ways[unit], self._question.frontiers[unit].site
        steps, sites, egress = self._columns[unit]
        before = len(known)
        for way in (tuple(sorted(way)) for way in ways):
            if way not in known and len(way) <= WIDEST:
                known[way] = None
                steps.append(_padded(way))
                sites.append(_padded(sorted({int(site[step]) for step in way})))
                egress.append(self._question.egress_usd(unit, way))
        return len(known) - before

    def _improve_bound(self) -> None:
        """List ways until the bound meets the relaxation, or hardly grows any more."""
        bounds: list[float] = []
        for _ in range(max(4, MOST_LISTS // len(self.ways))):
            relaxed_usd, own = Joint(
                self._question, list(map(list, self.ways)), whole=False
            ).relaxed()
            bounds.append(self.bound_usd)
            is_slow = len(bounds) > PATIENCE and self.bound_usd < bounds[-PATIENCE] * (1 + GROWTH)
            if is_slow or self.bound_usd >= relaxed_usd * (1 - CLOSE):
                return
            if not self._round(own):
                return

    def _round(self, prices: Prices) -> int:
        """List the cheapest ways at some prices; their least costs together are a bound."""
        added, bound = 0, -prices.limits_usd
        for unit in range(len(self._question.units)):
            ways, usd = self._cheapest(unit, prices)
            added += self._add(unit, ways[:WAYS_PER_ROUND])
            bound += usd
        if bound > self.bound_usd:
            self.bound_usd, self._prices = bound, prices
        return added

    def _cheapest(self, unit: int, prices: Prices) -> tuple[list[Way], float]:
        """Return the cheapest ways at some prices, and the least cost; 0 where it is not known."""
        usd = self._step_usd(unit, prices)
        known = float(self._known_usd(unit, usd, prices).min())
        base = self._least_egress_usd(unit)
        least = 0.0
        for rung in range(max(0, self._rung[unit] - 1), len(LADDER)):
            limit = (known - base) * LADDER[rung] + SLACK_USD_PER_HOUR
            try:
                ways, found = self._listed(unit, usd, prices, limit, all_ways=False)
            except TooManyWaysError:
                self._rung[unit] = 0
                return [], least
            self._rung[unit] = rung
            if ways:
                return ways, found + base
            least = min(known, limit + base)
        return [], known

    def _step_usd(self, unit: int, prices: Prices) -> Floats:
        found = self._question.frontiers[unit]
        # One period after the other: all at once would be large.
        usd: Floats = np.zeros(len(found.slot))
        for period in range(len(self._question.weights)):
            usd += prices.gpu_usd[period, found.slot] * found.gpus_in[period]
            usd += prices.node_usd[period, unit, found.slot] * found.nodes_in[period]
        return usd

    def _known_usd(self, unit: int, usd: Floats, prices: Prices) -> Floats:
        """Return what each known way costs at some prices."""
        steps, sites, egress = self._columns[unit]
        # The last of each, -1, stands for nothing.
        total: Floats = np.append(usd, 0.0)[np.array(steps)].sum(1) + np.array(egress)
        total += np.append(prices.site_usd[unit], 0.0)[np.array(sites)].sum(1)
        return total

    def _least_egress_usd(self, unit: int) -> float:
        asked = self._question.units[unit]
        return float(self._question.offers.egress_usd[:, asked.workload].min())

    def _listed(
        self, unit: int, usd: Floats, prices: Prices, limit: float, *, all_ways: bool
    ) -> tuple[list[Way], float]:
        """Return ways that cost no more than a limit, answers not counted, and the least cost."""
        found, asked = self._question.frontiers[unit], self._question.units[unit]
        site_usd = prices.site_usd[unit]
        entries, steps = (
            found.entries(usd, below_usd=limit)
            if all_ways
            else found.best_entries(usd, site_usd, below_usd=limit)
        )
        need = Need(rps=asked.rps, kept_rps=asked.kept_rps)
        listed = cheapest(entries, need, site_usd, limit_usd=limit)
        ways = [tuple(int(steps[e]) for e in row if e >= 0) for row in listed.entries.tolist()]
        return ways, float(listed.usd[0]) if ways else limit

    def _worth(self, known_usd: float) -> list[list[Way]]:
        """Return the known ways that a fleet cheaper than a known one could use."""
        if self._prices is None or not np.isfinite(known_usd):
            return [list(mine) for mine in self.ways]
        spare = known_usd - self.bound_usd + SLACK_USD_PER_HOUR
        kept: list[list[Way]] = []
        for unit, mine in enumerate(self.ways):
            usd = self._step_usd(unit, self._prices)
            costs = self._known_usd(unit, usd, self._prices).tolist()
            most = min(costs) + spare
            kept.append([way for way, cost in zip(mine, costs, strict=True) if cost <= most])
        return kept

    def _complete(self, known_usd: float) -> list[list[Way]]:
        """Return all ways that a fleet cheaper than the known one could use."""
        prices = self._prices
        if prices is None:
            raise TooManyWaysError("no bound")
        spare = known_usd - self.bound_usd + SLACK_USD_PER_HOUR
        complete: list[list[Way]] = []
        for unit in range(len(self._question.units)):
            usd = self._step_usd(unit, prices)
            least = self._cheapest(unit, prices)[1]
            limit = least + spare - self._least_egress_usd(unit)
            ways, _ = self._listed(unit, usd, prices, limit, all_ways=True)
            complete.append(ways)
            if sum(map(len, complete)) > MOST_WAYS:
                raise TooManyWaysError("too many ways to solve with")
        return complete


def _padded(numbers: Sequence[int]) -> list[int]:
    return [*numbers, *(-1 for _ in range(WIDEST - len(numbers)))]
