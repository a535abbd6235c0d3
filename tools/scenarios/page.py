"""The tables of docs/benchmarks.md that `python -m tools.scenarios --write` fills in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from outlay.planning.plan import Plan
from outlay.reporting.money import usd
from outlay.reporting.what import gpus
from tools.scenarios.instant import Instant
from tools.scenarios.neighbour import Step
from tools.scenarios.run import STRATEGIES, Answer
from tools.setup.layout import REPOSITORY

PAGE = REPOSITORY / "docs" / "benchmarks.md"
START, END = "<!-- scenarios: start -->\n", "<!-- scenarios: end -->\n"


def write(section: str) -> None:
    """Put the section between its marks."""
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(START)
    _, tail = rest.split(END)
    PAGE.write_text(head + START + section + END + tail, encoding="utf-8")


def section(answers: Sequence[Answer], steps: Sequence[Step], instant: Instant) -> str:
    """Return the tables as Markdown."""
    book = answers[0].ours.price_book
    lines = [
        f"Price book {book.version} of {book.date}. USD a month; `-`: the strategy cannot keep the promises.",
        "",
        *_costs(answers),
        "",
        *_savings(answers),
        "",
        "### llm-d-planner's answer to the same task",
        "",
        *_steps(steps),
        "",
        "### What a what-if costs after the first answer",
        "",
        *_instant(instant),
    ]
    return "\n".join([*lines, ""])


def _costs(answers: Iterable[Answer]) -> Iterable[str]:
    yield from _table(("scenario", "outlay", "buys", *STRATEGIES))
    for answer in answers:
        ours = answer.ours
        gap = f" (gap {ours.mip_gap:.1%})" if ours.mip_gap > 0 else ""
        others = (_month(answer.others[name]) for name in STRATEGIES)
        yield _row((answer.question.name, f"**{_month(ours)}**{gap}", gpus(ours), *others))


def _savings(answers: Sequence[Answer]) -> Iterable[str]:
    yield from _table(("outlay against", "saves, median", "least", "most", "scenarios"))
    for name in STRATEGIES:
        found = [s for answer in answers if (s := answer.saving(name)) is not None]
        if found:
            shares = (f"{value:.0%}" for value in (median(found), min(found), max(found)))
            yield _row((name, *shares, f"{len(found)} of {len(answers)}"))


def _steps(steps: Iterable[Step]) -> Iterable[str]:
    yield from _table(("step", "GPUs", "USD a month", "what changes"))
    for step in steps:
        yield _row((step.what, step.gpus, usd(step.usd_per_month), step.why))


def _instant(found: Instant) -> Iterable[str]:
    yield (
        f"The same task. The first answer, from reading the catalogue on, took {found.first_s:.2f} s in"
        " this run; the catalogue is then kept."
    )
    yield ""
    yield from _table(("what-if", "asked", "median of the first answer's time", "slowest"))
    for kind, seconds in found.what_if_s.items():
        slowest = max(seconds) / found.first_s
        yield _row((kind, str(len(seconds)), f"{found.ratio(kind):.0%}", f"{slowest:.0%}"))


def _table(names: Sequence[str]) -> Iterable[str]:
    yield _row(names)
    yield _row(["---"] * len(names))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _month(plan: Plan | None) -> str:
    return usd(plan.usd_per_month) if plan else "-"
