"""Measure how long plans take and what is proven: `python -m tools.planning_times [--write]`.

Models and demands are fixed; profiles are of the clock, each workload with a peak of its own. Compare the
times within one run only. `--write` puts the table into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from outlay.catalog import Catalog, load_catalog
from outlay.planning.plan import Plan
from outlay.planning.planner import make_plan
from outlay.settings import Settings, parse_settings
from tools.marked import replaced

FILE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
COMMAND = "python -m tools.planning_times --write"
MODELS = (
    ("llama-3.1-8b", 10),
    ("qwen2.5-72b", 4),
    ("qwen3-32b", 25),
    ("mistral-7b", 1),
    ("gpt-oss-20b", 60),
    ("gemma-2-27b", 7),
    ("phi-4", 2),
    ("llama-3.3-70b", 15),
    ("qwen3-8b", 3),
    ("mixtral-8x7b", 30),
)
CASES = ((1, 1), (2, 1), (5, 1), (10, 1), (50, 1), (50, 24))
HOURS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One question: its size, the processor time that its plan took, and the plan."""

    workloads: int
    periods: int
    seconds: float
    plan: Plan


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(prog="python -m tools.planning_times", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write it into {FILE.name}")
    parser.add_argument("--most", type=int, default=50, help="most workloads; default: 50")
    arguments = parser.parse_args()
    catalog = load_catalog()
    make_plan(question(1, 1, catalog), catalog)  # the first loads libraries
    rows = [timed(w, p, catalog) for w, p in CASES if w <= arguments.most]
    part = table(rows)
    print(part)
    if arguments.write:
        text = FILE.read_text(encoding="utf-8")
        FILE.write_text(replaced(text, command=COMMAND, part=part), encoding="utf-8")


def question(workloads: int, periods: int, catalog: Catalog) -> Settings:
    """Return so many workloads, each model anew with more demand."""
    random_ = random.Random(1)
    asked = [
        {
            "name": f"w{number}",
            "model": MODELS[number % len(MODELS)][0],
            "targetRps": MODELS[number % len(MODELS)][1] * (1 + 0.3 * (number // len(MODELS))),
            "profile": list(_profile(random_.uniform(0, HOURS))) if periods > 1 else [],
        }
        for number in range(workloads)
    ]
    return parse_settings({"workloads": asked}, catalog, source="benchmark")


def _profile(peak: float) -> Iterator[dict[str, float]]:
    """A wave over the day, from a twentieth of the demand to all of it."""
    waves = [0.525 + 0.475 * math.cos((h - peak) / HOURS * 2 * math.pi) for h in range(HOURS)]
    for hour, wave in enumerate(waves):
        yield {"fromHour": hour, "toHour": hour + 1, "share": round(wave / max(waves), 3)}


def timed(workloads: int, periods: int, catalog: Catalog) -> Timed:
    """Plan once and take the time."""
    asked = question(workloads, periods, catalog)
    start = time.process_time()
    plan = make_plan(asked, catalog)
    return Timed(
        workloads=workloads, periods=periods, seconds=time.process_time() - start, plan=plan
    )


def table(rows: Sequence[Timed]) -> str:
    """Return the table as Markdown; the first row is what the others are compared with."""
    head = (
        "| workloads | periods | processor time | times the first | proven gap | USD an hour |\n"
        "| ---: | ---: | ---: | ---: | ---: | ---: |\n"
    )
    return head + "\n".join(
        f"| {r.workloads} | {r.periods} | {r.seconds:.2f} s | {r.seconds / rows[0].seconds:.0f} |"
        f" {r.plan.mip_gap:.2%} | {r.plan.usd_per_hour:.2f} |"
        for r in rows
    )


if __name__ == "__main__":
    main()
