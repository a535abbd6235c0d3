"""Everything that is known of the model's errors: a fit, and predictions with parts held out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from outlay.catalog import Catalog
from outlay.sizing.batch import Predictions
from outlay.sizing.features import Real
from outlay.sizing.fitted import FITTED, GPU_EFFECTS
from tools.accuracy.fitting import Problem, parameters
from tools.accuracy.holdout import Held, Refit, held_out
from tools.accuracy.intervals import Ratio, ratios
from tools.accuracy.samples import Samples, read_samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Samples, and what is predicted and compared under each way of holding out."""

    samples: Samples
    predictions: dict[Held, Predictions]
    ratios: dict[Held, list[Ratio]]


def problem_of(catalog: Catalog) -> tuple[Problem, dict[str, int]]:
    """Return what is fitted, and how many measurements were left out for which reason."""
    samples, left_out = read_samples(catalog)
    return Problem(samples, parameters(samples)), left_out


def shipped(problem: Problem) -> Real:
    """Return the vector of the shipped constants."""
    return problem.parameters.vector_of(FITTED, GPU_EFFECTS)


def study(
    problem: Problem,
    vector: Real,
    refits: Callable[[Problem, Real], Refit],
    held: Iterable[Held] = tuple(Held),
) -> Study:
    """Hold out by each of some schemes."""
    refit = refits(problem, vector)
    predictions = {scheme: held_out(problem, vector, scheme, refit) for scheme in held}
    return Study(
        samples=problem.samples,
        predictions=predictions,
        ratios={scheme: ratios(problem.samples, found) for scheme, found in predictions.items()},
    )
