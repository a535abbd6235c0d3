"""Compare plans with what people do instead: `python -m tools.scenarios [--only NAME] [--write]`."""

from __future__ import annotations

import argparse
import sys

from outlay.catalog import load_catalog
from tools.scenarios.instant import measure
from tools.scenarios.neighbour import steps
from tools.scenarios.page import section, write
from tools.scenarios.questions import QUESTIONS
from tools.scenarios.run import STRATEGIES, Answer, answer

# Costs are sums of a few dozen prices: less is rounding.
LEAST_LOSS = -1e-9


def main() -> None:
    """Print the tables, or put them into docs/benchmarks.md; exit with 1 when a strategy is cheaper."""
    parser = argparse.ArgumentParser(prog="python -m tools.scenarios", description=__doc__)
    parser.add_argument("--only", action="append", help="name of a scenario; repeatable")
    parser.add_argument("--write", action="store_true", help="write into docs/benchmarks.md")
    arguments = parser.parse_args()
    if arguments.write and arguments.only:
        parser.error("--write is for all scenarios")
    chosen = [q for q in QUESTIONS if not arguments.only or q.name in arguments.only]
    if not chosen:
        parser.error(f"no such scenario; there are: {', '.join(q.name for q in QUESTIONS)}")
    instant = measure()  # first, while nothing is warm
    catalog = load_catalog()
    answers: list[Answer] = []
    for number, question in enumerate(chosen, start=1):
        print(f"{number}/{len(chosen)} {question.name}", file=sys.stderr, flush=True)
        answers.append(answer(question, catalog))
    text = section(answers, steps(catalog), instant)
    if arguments.write:
        write(text)
    else:
        print(text)
    dearer = lost(answers)
    if dearer:
        sys.exit("dearer than a plain strategy:\n" + "\n".join(dearer))


def lost(answers: list[Answer]) -> list[str]:
    """Return a line for each strategy that is cheaper than the planner's plan."""
    return [
        f"  {each.question.name}: {name} by {-saving:.3%}, proven gap {each.ours.mip_gap:.3%}"
        for each in answers
        for name in STRATEGIES
        if (saving := each.saving(name)) is not None and saving < LEAST_LOSS
    ]


if __name__ == "__main__":
    main()
