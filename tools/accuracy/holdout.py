"""Predict each measurement with constants that were fitted without its curve, model, GPU or source."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from outlay.sizing.batch import Predictions
from outlay.sizing.features import Flag, Real
from tools.accuracy.fitting import Problem, fit, robust_weights
from tools.accuracy.samples import Samples

CURVE_FOLDS = 10
# Quick refits start at the full fit and keep its derivatives, so that one costs milliseconds;
# residuals are renewed at each step.
REFIT_STEPS = 4
LONGEST_MOVE = 0.7


class Held(StrEnum):
    """What is held out together."""

    NOTHING = "in-sample"
    CURVE = "curve"
    MODEL = "model"
    GPU = "GPU"
    SOURCE = "source"


# Fits without some samples (True = left out) and returns the vector.
Refit = Callable[[Flag], Real]


def labels(samples: Samples, held: Held) -> list[str]:
    """Return the group that each sample is held out with."""
    if held is Held.CURVE:
        # crc32, because hash() of a text differs between runs.
        return [str(zlib.crc32(curve.encode()) % CURVE_FOLDS) for curve in samples.curve]
    if held is Held.MODEL:
        return [record.model.name for record in samples.records]
    if held is Held.GPU:
        return [record.gpu.name for record in samples.records]
    return list(samples.source)


def held_out(problem: Problem, vector: Real, held: Held, refit: Refit) -> Predictions:
    """Predict every sample, each by a fit without its group; `vector` is the fit to all."""
    if held is Held.NOTHING:
        return problem.predict(vector)
    names = np.array(labels(problem.samples, held))
    found = np.full((3, len(names)), np.nan)
    for name in np.unique(names):
        out = names == name
        part = problem.predict(refit(out))
        columns = (part.output_tokens_per_s, part.ttft_ms, part.tpot_ms)
        found[:, out] = np.stack([column[out] for column in columns])
    return Predictions(output_tokens_per_s=found[0], ttft_ms=found[1], tpot_ms=found[2])


def complete(problem: Problem, vector: Real) -> Refit:
    """Return refits to the end: seconds each."""

    def refit(out: Flag) -> Real:
        kept = problem.samples.take(np.flatnonzero(~out))
        return fit(Problem(kept, problem.parameters), vector)

    return refit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Linear:
    jacobian: Real
    weights: Real
    normal: Real


def quick(problem: Problem, vector: Real) -> Refit:
    """Return refits that keep the derivatives of the full fit: milliseconds each, nearly as good.

    Their errors differ from those of complete refits by tenths of a percent, by up to two for
    sources; docs/accuracy.md has the complete ones.
    """
    residuals = problem.residuals(vector)
    jacobian = problem.jacobian(vector, residuals)
    weights = problem.weights * robust_weights(residuals)
    linear = _Linear(
        jacobian=jacobian, weights=weights, normal=jacobian.T @ (weights[:, None] * jacobian)
    )
    return lambda out: _quick_refit(problem, vector, linear, out[problem.row_samples])


def _quick_refit(problem: Problem, start: Real, linear: _Linear, out: Flag) -> Real:
    p, gone = problem.parameters, linear.jacobian[out]
    normal = linear.normal - gone.T @ (linear.weights[out][:, None] * gone) + np.diag(p.spread**-2)
    vector = start.copy()
    for _ in range(REFIT_STEPS):
        residuals = problem.residuals(vector)
        pull = problem.weights * robust_weights(residuals) * ~out * residuals
        slope = linear.jacobian.T @ pull + (vector - p.prior) / p.spread**2
        move = np.clip(np.linalg.solve(normal, -slope), -LONGEST_MOVE, LONGEST_MOVE)
        vector = np.clip(vector + move, p.low, p.high)
    return vector
