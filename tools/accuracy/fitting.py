"""Fit the constants and GPU effects: penalised robust least squares on logarithms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from outlay.sizing.batch import Part, Predictions, by_kind, predict_parts
from outlay.sizing.constants import Constants, GpuEffect
from outlay.sizing.features import Code, Real
from tools.accuracy.priors import PRIORS, Prior, bandwidth_effect, compute_effect
from tools.accuracy.samples import Samples
from tools.accuracy.score import TPOT_LOADS, TTFT_LOADS

STEP = 1e-4
ROUNDS = 25
CONVERGED = 1e-5
NOTHING_PINNED: Mapping[str, float] = {}
PINNED = 1e-3  # spread of a constant that is not fitted
OUTLIER = 0.25  # residuals beyond count linearly: a quarter off is no longer noise
# Weights: what plans rest on counts most; TTFT is mostly noise between benchmarks.
THROUGHPUT, TPOT, TTFT = 6.0, 3.0, 0.72


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Names, priors and bounds of everything that is fitted, as vectors of logarithms."""

    constants: tuple[str, ...]
    gpus: tuple[str, ...]
    prior: Real
    spread: Real
    low: Real
    high: Real

    def constants_of(self, vector: Real) -> Constants:
        """Return the constants of a vector."""
        values = np.exp(vector[: len(self.constants)])
        return Constants(**dict(zip(self.constants, values.tolist(), strict=True)))

    def effects_of(self, vector: Real) -> dict[str, GpuEffect]:
        """Return the GPU effects of a vector."""
        values = np.exp(vector[len(self.constants) :]).reshape(2, -1)
        return {
            name: GpuEffect(bandwidth=float(bandwidth), compute=float(compute))
            for name, bandwidth, compute in zip(self.gpus, *values, strict=True)
        }

    def vector_of(self, constants: Constants, effects: dict[str, GpuEffect]) -> Real:
        """Return the vector of constants and effects."""
        values = [getattr(constants, name) for name in self.constants]
        values += [effects[name].bandwidth for name in self.gpus]
        values += [effects[name].compute for name in self.gpus]
        return np.asarray(np.log(np.array(values)))


def parameters(samples: Samples, pinned: Mapping[str, float] = NOTHING_PINNED) -> Parameters:
    """Return what is fitted on some samples; pinned constants keep a value."""
    cards = {record.gpu.name: record.gpu for record in samples.records}
    gpus = tuple(sorted(cards))
    effects = [
        effect(cards[name]) for effect in (bandwidth_effect, compute_effect) for name in gpus
    ]
    priors = [
        Prior(pinned[name], PINNED, pinned[name], pinned[name]) if name in pinned else prior
        for name, prior in PRIORS.items()
    ] + effects
    return Parameters(
        constants=tuple(PRIORS),
        gpus=gpus,
        prior=np.log([p.value for p in priors]),
        spread=np.array([p.spread for p in priors]),
        low=np.log([p.low for p in priors]),
        high=np.log([p.high for p in priors]),
    )


@dataclass(frozen=True)
class Problem:
    """Samples to fit on; residual rows are those of throughput, then TPOT, then TTFT."""

    samples: Samples
    parameters: Parameters

    @cached_property
    def gpu_rows(self) -> Code:
        """Row of each sample's GPU among the fitted ones."""
        places = {name: row for row, name in enumerate(self.parameters.gpus)}
        return np.array([places[record.gpu.name] for record in self.samples.records])

    @cached_property
    def rows(self) -> tuple[Code, Code, Code]:
        """Samples that have throughput, TPOT and TTFT to compare."""
        s = self.samples
        return (
            np.flatnonzero(np.isfinite(s.output_tokens_per_s)),
            np.flatnonzero(np.isfinite(s.tpot_ms) & s.kinds(*TPOT_LOADS)),
            np.flatnonzero(np.isfinite(s.ttft_ms) & s.kinds(*TTFT_LOADS)),
        )

    @cached_property
    def row_samples(self) -> Code:
        """Sample of each residual."""
        return np.concatenate(self.rows)

    @cached_property
    def weights(self) -> Real:
        """Weight of each residual; a source with many rows of one kind does not outvote others."""
        keys = [
            (source, record.gpu.name, record.kind)
            for source, record in zip(self.samples.source, self.samples.records, strict=True)
        ]
        counts = Counter(keys)
        each = np.array([counts[key] ** -0.5 for key in keys])
        each = each / each.mean()
        return np.concatenate(
            [
                weight * each[rows]
                for weight, rows in zip((THROUGHPUT, TPOT, TTFT), self.rows, strict=True)
            ]
        )

    @cached_property
    def measured(self) -> Real:
        """Logarithm of each measured value."""
        s = self.samples
        columns = (s.output_tokens_per_s, s.tpot_ms, s.ttft_ms)
        joined = np.concatenate([c[r] for c, r in zip(columns, self.rows, strict=True)])
        return np.asarray(np.log(joined))

    @cached_property
    def parts(self) -> list[Part]:
        """The samples, split once."""
        return by_kind(self.samples.case)

    def predict(self, vector: Real) -> Predictions:
        """Predict all samples with the constants and effects of a vector."""
        effects = np.exp(vector[len(self.parameters.constants) :]).reshape(2, -1)
        parts = [self._with_effects(part, effects) for part in self.parts]
        return predict_parts(parts, self.parameters.constants_of(vector))

    def _with_effects(self, part: Part, effects: Real) -> Part:
        rows = self.gpu_rows[part.rows]
        gpus = replace(
            part.case.gpus, bandwidth_effect=effects[0][rows], compute_effect=effects[1][rows]
        )
        return replace(part, case=replace(part.case, gpus=gpus))

    def residuals(self, vector: Real) -> Real:
        """Return ln(predicted / measured) of every comparison."""
        found = self.predict(vector)
        columns = (found.output_tokens_per_s, found.tpot_ms, found.ttft_ms)
        joined = np.concatenate([c[r] for c, r in zip(columns, self.rows, strict=True)])
        return np.asarray(np.log(joined) - self.measured)

    def jacobian(self, vector: Real, residuals: Real) -> Real:
        """Return the derivatives of the residuals, by forward differences."""
        found = np.zeros((len(residuals), len(vector)))
        first = len(self.parameters.constants)
        for column in range(first):
            moved = vector.copy()
            moved[column] += STEP
            found[:, column] = (self.residuals(moved) - residuals) / STEP
        # A sample depends on the effects of its own GPU alone, so all GPUs are moved at once.
        own = self.gpu_rows[self.row_samples]
        for start in (first, first + len(self.parameters.gpus)):
            moved = vector.copy()
            moved[start : start + len(self.parameters.gpus)] += STEP
            found[np.arange(len(own)), start + own] = (self.residuals(moved) - residuals) / STEP
        return found


def robust_weights(residuals: Real) -> Real:
    """Return Huber's weights."""
    return np.asarray(np.where(np.abs(residuals) <= OUTLIER, 1.0, OUTLIER / np.abs(residuals)))


def _cost(problem: Problem, vector: Real, residuals: Real) -> float:
    size = np.abs(residuals)
    loss = np.where(size <= OUTLIER, size**2, 2 * OUTLIER * size - OUTLIER**2)
    penalty = ((vector - problem.parameters.prior) / problem.parameters.spread) ** 2
    return float((problem.weights * loss).sum() + penalty.sum())


def fit(problem: Problem, start: Real | None = None) -> Real:
    """Return the vector of least cost: Levenberg-Marquardt with reweighting."""
    p = problem.parameters
    vector: Real = p.prior.copy() if start is None else start.copy()
    residuals = problem.residuals(vector)
    cost, damping = _cost(problem, vector, residuals), 1e-2
    for _ in range(ROUNDS):
        jacobian = problem.jacobian(vector, residuals)
        weights = problem.weights * robust_weights(residuals)
        normal = jacobian.T @ (weights[:, None] * jacobian) + np.diag(p.spread**-2)
        slope = jacobian.T @ (weights * residuals) + (vector - p.prior) / p.spread**2
        while damping < 1e6:
            move = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), -slope)
            moved = np.clip(vector + np.clip(move, -1, 1), p.low, p.high)
            found = problem.residuals(moved)
            lower = _cost(problem, moved, found)
            if lower < cost:
                break
            damping *= 5
        else:
            return vector
        gain = cost - lower
        vector, residuals, cost, damping = moved, found, lower, max(damping / 5, 1e-6)
        if gain < CONVERGED * cost:
            return vector
    return vector
