"""Fit the sizing model, and measure how far it is from published measurements.

python -m tools.accuracy            refit with parts held out, write docs/accuracy.md (minutes)
python -m tools.accuracy fit        fit the constants and write them into the product
python -m tools.accuracy without    print what each term of the model pays
"""

from __future__ import annotations

import argparse
from pathlib import Path

from outlay.catalog import load_catalog
from tools.accuracy.ablation import ablations
from tools.accuracy.fitting import fit
from tools.accuracy.holdout import complete, quick
from tools.accuracy.intervals import SCHEMES, bounds
from tools.accuracy.report import report
from tools.accuracy.study import problem_of, shipped, study
from tools.accuracy.write import MODULE, fitted_source
from tools.setup.layout import REPOSITORY

PAGE = REPOSITORY / "docs" / "accuracy.md"
MARK = "<!-- made by `make accuracy`: everything below -->\n"


def main() -> None:
    """Run one of the jobs."""
    parser = argparse.ArgumentParser(prog="python -m tools.accuracy", description=__doc__)
    parser.add_argument("job", nargs="?", choices=("report", "fit", "without"), default="report")
    job = parser.parse_args().job
    if job == "fit":
        write_constants(MODULE)
    elif job == "without":
        print(ablations(problem_of(load_catalog())[0].samples))
    else:
        write_page(PAGE)


def write_constants(path: Path) -> None:
    """Fit from the priors on and write the module of constants, effects and bounds."""
    problem, _ = problem_of(load_catalog())
    vector = fit(problem)
    p = problem.parameters
    path.write_text(
        fitted_source(
            p.constants_of(vector),
            p.effects_of(vector),
            bounds(study(problem, vector, quick, SCHEMES).ratios),
        )
    )
    print(f"wrote {path}")


def write_page(path: Path) -> None:
    """Write the figures of the shipped constants below the mark of the page."""
    problem, left_out = problem_of(load_catalog())
    made = report(study(problem, shipped(problem), complete), left_out)
    head, mark, _ = path.read_text(encoding="utf-8").partition(MARK)
    path.write_text(f"{head}{mark}\n{made}", encoding="utf-8")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
