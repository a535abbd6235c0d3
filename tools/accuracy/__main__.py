"""Print how far the sizing model is from public measurements.

Run: python -m tools.accuracy
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from outlay.catalog import load_catalog
from outlay.sizing.interval import FACTORS, Group, Quantity
from tools.accuracy.intervals import Coverage, coverages, grade_coverage, usable
from tools.accuracy.points import Point, Score, predicted, quantile, score
from tools.accuracy.records import read_records
from tools.accuracy.slo import Capacity, capacities

HEADER = f"{'':42}{'n':>6}{'MdAPE':>8}{'w25':>6}{'bias':>7}{'p90':>7}"


def main() -> None:
    """Score all records and print the tables."""
    records, left_out = read_records(load_catalog())
    points = [predicted(record) for record in records]
    fitting = [point for point in points if point.fits]
    _print_scope(points, left_out)
    _print_scores(fitting)
    _print_intervals(coverages(usable(points)))
    _print_grades(usable(points))
    _print_capacity(capacities(fitting))


def _print_scope(points: Sequence[Point], left_out: dict[str, int]) -> None:
    refused = sum(not point.fits for point in points)
    print(f"{len(points) - refused} measurements scored")
    print(f"  {refused:5d} left out: by our memory model they do not fit the GPUs")
    for reason, count in sorted(left_out.items(), key=lambda item: -item[1]):
        print(f"  {count:5d} left out: {reason}")
    print("\nMdAPE = median |predicted / measured - 1|; w25 = share within 25 %;")
    print("bias = median predicted / measured; p90 = error that 90 % of points stay below")


def _kind(point: Point) -> str:
    return "experts" if point.record.model.is_moe else "dense"


def _print_scores(points: Sequence[Point]) -> None:
    _table("all", lambda _: "all", points)
    _table("kind", _kind, points)
    _table("GPU and kind", lambda p: f"{p.record.gpu.name}, {_kind(p)}", points)
    _table("source", lambda p: p.record.source, points)
    _table("precision", lambda p: str(p.record.precision), points)
    _table("load", lambda p: str(p.record.load.kind), points)


def _table(title: str, key: Callable[[Point], str], points: Iterable[Point]) -> None:
    groups: dict[str, list[Point]] = {}
    for point in points:
        groups.setdefault(key(point), []).append(point)
    print(f"\n== by {title}\n{HEADER}")
    for name in sorted(groups):
        for quantity in Quantity:
            found = score(groups[name], quantity)
            if found is not None:
                print(_score_line(f"{name}: {quantity}", found))


def _score_line(name: str, found: Score) -> str:
    return (
        f"{name:42}{found.count:6d}{found.median_error:8.1%}{found.within_25:6.0%}"
        f"{found.bias:7.2f}{found.p90_error:7.0%}"
    )


def _print_intervals(found: Sequence[Coverage]) -> None:
    print("\n== 80 % intervals as measured / predicted")
    print("unseen curve, unseen source = coverage of data that the bounds were made without;")
    print("holds = share inside the shipped bounds")
    print(
        f"{'':36}{'n':>6}{'curves':>7}{'from data':>15}{'unseen curve':>14}{'unseen source':>15}"
        f"{'shipped':>15}{'holds':>7}"
    )
    for line in found:
        print(
            f"{line.group + ': ' + line.quantity:36}{line.count:6d}{line.curves:7d}"
            f"{line.factors.low:9.2f}{line.factors.high:6.2f}{line.curve_held_out:14.0%}"
            f"{line.source_held_out:15.0%}{line.shipped.low:9.2f}{line.shipped.high:6.2f}{line.shipped_holds:7.0%}"
        )


def _print_grades(points: Sequence[Point]) -> None:
    print("\n== share of measurements inside the shipped 80 % intervals, by grade")
    for (grade, quantity), (count, share) in sorted(grade_coverage(points).items()):
        print(f"{grade + ': ' + quantity:36}{count:6d}{share:7.0%}")


def _print_capacity(found: Sequence[Capacity]) -> None:
    print("\n== capacity under TPOT 50 ms and TTFT 2 s; promise = predicted / measured")
    print(
        f"{'':34}{'n':>6}{'MdAPE':>8}{'w25':>6}{'bias':>7}{'p90':>7}{'> 1.25':>8}{'safe > 1.25':>13}"
    )
    for group in Group:
        members = [c for c in found if c.point.judgement.group is group]
        if members:
            print(_capacity_line(group, members))


def _capacity_line(group: Group, members: Sequence[Capacity]) -> str:
    promises = sorted(c.predicted / c.measured for c in members)
    errors = sorted(abs(promise - 1) for promise in promises)
    low = FACTORS[group].capacity.low
    return (
        f"{group:34}{len(promises):6d}{quantile(errors, 0.5):8.1%}"
        f"{sum(e <= 0.25 for e in errors) / len(errors):6.0%}{quantile(promises, 0.5):7.2f}"
        f"{quantile(promises, 0.9):7.2f}{sum(p > 1.25 for p in promises) / len(promises):8.0%}"
        f"{sum(p * low > 1.25 for p in promises) / len(promises):13.0%}"
    )


if __name__ == "__main__":
    main()
