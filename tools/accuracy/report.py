"""Write what is known of the model's errors as Markdown tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from outlay.catalog import Grade
from outlay.sizing.features import Flag
from outlay.sizing.interval import FACTORS, Group, Quantity
from outlay.sizing.record import judged
from tools.accuracy.holdout import Held
from tools.accuracy.intervals import SCHEMES, coverages, grade_coverage
from tools.accuracy.samples import Samples
from tools.accuracy.score import Score, promises, score
from tools.accuracy.slo import TPOT_MS, TTFT_MS, Capacity, capacities
from tools.accuracy.study import Study

FEWEST = 5  # comparisons that make a row
COMPARED = (Quantity.THROUGHPUT, Quantity.TPOT, Quantity.TTFT)
Label = Callable[[Samples, int], str]


def report(study: Study, left_out: dict[str, int]) -> str:
    """Return all tables."""
    parts = [
        _scope(study.samples, left_out),
        _by_kind(study),
        _capacity(study),
        _grades(study),
        _groups(study),
        *(_by(study, title, label) for title, label in TABLES.items()),
    ]
    return "\n\n".join(parts) + "\n"


def kind(samples: Samples, row: int) -> str:
    """Return dense or experts, and whether the GPU is NVIDIA's."""
    record = samples.records[row]
    made = "NVIDIA" if record.gpu.vendor == "nvidia" else "other GPUs"
    return f"{'experts' if record.model.is_moe else 'dense'}, {made}"


def _gpu(samples: Samples, row: int) -> str:
    record = samples.records[row]
    return f"{record.gpu.name}, {'experts' if record.model.is_moe else 'dense'}"


def _engine(samples: Samples, row: int) -> str:
    record = samples.records[row]
    return record.engine.name.lower() + (" (2023, 2024)" if record.old_engine else "")


TABLES: dict[str, Label] = {
    "GPU": _gpu,
    "model": lambda samples, row: samples.records[row].model.name,
    "source": lambda samples, row: samples.source[row],
    "precision": lambda samples, row: str(samples.records[row].precision),
    "load": lambda samples, row: str(samples.records[row].kind),
    "engine": _engine,
}


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _scope(samples: Samples, left_out: dict[str, int]) -> str:
    lines = [f"{len(samples):,} measurements are compared. Left out:", ""]
    lines += [
        f"* {count}: {reason}" for reason, count in sorted(left_out.items(), key=lambda i: -i[1])
    ]
    return "\n".join(lines)


def _cell(found: Score | None) -> str:
    if found is None:
        return ""
    return f"{found.median_error:.1%} ({found.within_25:.0%}; {found.bias:.2f})".replace("%", " %")


def _by_kind(study: Study) -> str:
    groups = _groups_of(study.samples, kind)
    rows = []
    for quantity in COMPARED:
        promise = {h: promises(study.samples, f, quantity) for h, f in study.predictions.items()}
        for name, members in groups.items():
            scores = {held: score(promise[held], members) for held in promise}
            first = scores[Held.CURVE]
            if first is not None and first.count >= FEWEST:
                cells = [_cell(found) for found in scores.values()]
                rows.append([f"{name}: {quantity}", f"{first.count:,}", *cells])
    header = ["", "n", *(_title(held) for held in study.predictions)]
    return "## By kind of model\n\n" + _table(header, rows)


def _title(held: Held) -> str:
    return str(held) if held is Held.NOTHING else f"unseen {held}"


def _groups_of(samples: Samples, label: Label) -> dict[str, Flag]:
    names = np.array([label(samples, row) for row in range(len(samples))])
    return {str(name): names == name for name in np.unique(names)}


def _by(study: Study, title: str, label: Label) -> str:
    schemes = [Held.CURVE] + [held for held in Held if str(held) == title]
    columns = [(quantity, held) for quantity in COMPARED for held in schemes]
    promise = {
        (quantity, held): promises(study.samples, study.predictions[held], quantity)
        for quantity, held in columns
    }
    rows = []
    for name, members in _groups_of(study.samples, label).items():
        scores = [score(promise[column], members) for column in columns]
        count = max((found.count for found in scores if found is not None), default=0)
        if count >= FEWEST:
            rows.append([name, f"{count:,}", *(_cell(found) for found in scores)])
    header = [title, "n", *(f"{quantity}, {_title(held)}" for quantity, held in columns)]
    return f"## By {title}\n\n" + _table(header, rows)


def _capacity(study: Study) -> str:
    rows = []
    for experts in (False, True):
        for held, found in study.predictions.items():
            members = [
                capacity
                for capacity in capacities(study.samples, found)
                if study.samples.experts[capacity.row] == experts
            ]
            rows.append(
                ["experts" if experts else "dense", _title(held), *_promised(study, members)]
            )
    text = (
        f"## Capacity inside TPOT {TPOT_MS:.0f} ms and TTFT {TTFT_MS / 1e3:.0f} s\n\n"
        "Promise = predicted / measured, of every series of at least three loads that the SLO cuts or"
        " not; safe = on the low side of the interval, which is what is bought.\n\n"
    )
    header = ["", "", "n", "MdAPE", "within 25 %", "bias", "promise > 1.25", "safe promise > 1.25"]
    return text + _table(header, rows)


def _promised(study: Study, members: Sequence[Capacity]) -> list[str]:
    promise = np.array([capacity.promise for capacity in members])
    low = np.array([safe_side(study.samples, capacity.row) for capacity in members])
    error = np.abs(promise - 1)
    return [
        str(len(members)),
        _percent(float(np.median(error)), digits=1),
        _percent(float(np.mean(error <= 0.25))),
        f"{np.median(promise):.2f}",
        _percent(float(np.mean(promise > 1.25))),
        _percent(float(np.mean(promise * low > 1.25)), digits=1),
    ]


def safe_side(samples: Samples, row: int) -> float:
    """Return the low bound of capacity that is shipped for a sample, as a factor."""
    return FACTORS[judged(samples.records[row]).group].capacity.low


def _percent(share: float, *, digits: int = 0) -> str:
    return "" if np.isnan(share) else f"{100 * share:.{digits}f} %"


def _grades(study: Study) -> str:
    held = {scheme: grade_coverage(study.ratios[scheme], grade_of) for scheme in study.ratios}
    rows = [
        [grade, str(quantity), f"{held[Held.CURVE][grade, quantity][0]:,}"]
        + [_percent(held[scheme][grade, quantity][1]) for scheme in held]
        for grade, quantity in sorted(held[Held.CURVE])
    ]
    text = "## Intervals by grade\n\nShare of measurements inside the shipped 80 % interval.\n\n"
    header = ["grade", "", "n", *(_title(scheme) for scheme in held)]
    return text + _table(header, rows)


def grade_of(grade: Grade, group: Group) -> str:
    """Return the name under which a grade's coverage is shown."""
    return f"{grade}, {'experts' if group.startswith('experts') else 'dense'}"


def _groups(study: Study) -> str:
    rows = [
        [
            f"{line.group}: {line.quantity}",
            f"{line.count:,}",
            str(line.curves),
            f"{line.shipped.low:.2f} to {line.shipped.high:.2f}",
            *(_percent(line.unseen[held]) for held in SCHEMES),
            *(_percent(line.holds[held]) for held in SCHEMES),
        ]
        for line in coverages(study.samples, study.ratios)
    ]
    text = (
        "## Intervals by group\n\nMeasured / predicted. Made without = bounds from data without the"
        " curves (models) that are tested; holds = the shipped bounds.\n\n"
    )
    header = ["group", "n", "curves", "shipped"]
    header += [f"made without {held}" for held in SCHEMES]
    header += [f"holds, unseen {held}" for held in SCHEMES]
    return text + _table(header, rows)
