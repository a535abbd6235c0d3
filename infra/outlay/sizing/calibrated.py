"""Use calibrations: a replica that was measured is corrected, no further than it was measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from outlay.catalog import Catalog, Grade
from outlay.errors import InputError, UnknownNameError
from outlay.sizing.calibration import Fit, Fits, fit_points
from outlay.sizing.calibration_file import Calibration, Measured
from outlay.sizing.types import DoesNotRun, Interval, ReplicaShape, Traffic

# Distances in (ln prompt, ln output, half of ln concurrency): measurements of another load help
# fully up to NEAR and beyond FAR not at all. Concurrency counts half, since step times are close to
# linear in it.
NEAR, FAR = 0.4, 1.0
LOAD_WEIGHT = 0.5
CALIBRATED_FROM = 0.5  # weight from which on an estimate rests more on the benchmark than the model

_NOT_USED = "calibration {} not used: "

Results = tuple[ReplicaShape | DoesNotRun, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A calibration with its constants under the model of today."""

    calibration: Calibration
    fits: Fits

    def is_of(self, shape: ReplicaShape | DoesNotRun) -> bool:
        """Whether a replica is what was measured; another GPU, tp or precision corrects nothing."""
        setup = self.calibration.setup
        key = (setup.model, setup.gpu, setup.tensor_parallel, setup.weight_precision)
        same = key == (shape.model, shape.gpu, shape.tensor_parallel, shape.weight_precision)
        kv = shape.kv_precision if isinstance(shape, ReplicaShape) else setup.kv_precision
        return same and kv is setup.kv_precision

    def easier(self, traffic: Traffic) -> Traffic:
        """Return the traffic whose SLO the model keeps exactly when reality keeps the real one."""
        return replace(
            traffic,
            ttft_ms=traffic.ttft_ms / self.fits.ttft.factor,
            tpot_ms=traffic.tpot_ms / self.fits.tpot.factor,
        )

    def distance(self, traffic: Traffic, concurrency: float | None) -> tuple[float, Measured]:
        """Return how far a load is from the nearest measurement, and that measurement.

        Without a concurrency only the lengths count.
        """
        return min(
            ((_distance(m, traffic, concurrency), m) for m in self.calibration.measured),
            key=lambda pair: pair[0],
        )


def _distance(measured: Measured, traffic: Traffic, concurrency: float | None) -> float:
    return math.hypot(
        math.log(traffic.input_tokens / measured.input_tokens),
        math.log(traffic.output_tokens / measured.output_tokens),
        LOAD_WEIGHT * math.log((concurrency or measured.concurrency) / measured.concurrency),
    )


def use(calibrations: Iterable[Calibration], catalog: Catalog) -> tuple[Loaded, ...]:
    """Fit calibrations under the model of today.

    Raises:
        InputError: one is of a model or GPU that the catalogue does not have.
    """
    try:
        return tuple(
            Loaded(
                calibration=c,
                fits=fit_points([m.point for m in c.measured], c.setup, catalog),
            )
            for c in calibrations
        )
    except UnknownNameError as error:
        raise InputError(f"a calibration is of something else: {error}") from None


def calibrated(
    size: Callable[[Traffic], Results], traffic: Traffic, calibrations: Iterable[Loaded]
) -> Results:
    """Size with calibrations: what was measured is corrected, everything else stays as it is.

    `size` sizes the same replicas in the same order for any SLO.
    """
    results = list(size(traffic))
    for loaded in calibrations:
        concerned = [i for i, result in enumerate(results) if loaded.is_of(result)]
        if concerned:
            eased = size(loaded.easier(traffic))
            for i in concerned:
                results[i] = adjust(results[i], eased[i], loaded=loaded, traffic=traffic)
    return tuple(results)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """A calibration that corrected nothing, and why."""

    name: str
    reason: str


def unused(
    calibrations: Iterable[Loaded], results: Sequence[ReplicaShape | DoesNotRun]
) -> list[Unused]:
    """Return the calibrations that corrected none of some results."""
    found = []
    for loaded in calibrations:
        name, setup = loaded.calibration.name, loaded.calibration.setup
        notes = [_note(result) for result in results if loaded.is_of(result)]
        if any(f"calibrated by {name}" in note for note in notes):
            continue
        reason = notes[0].partition(_NOT_USED.format(name))[2] if notes else ""
        found.append(
            Unused(
                name=name,
                reason=reason
                or f"no replica of {setup.model} on {setup.tensor_parallel} x {setup.gpu} in"
                f" {setup.weight_precision} is considered",
            )
        )
    return found


def _note(result: ReplicaShape | DoesNotRun) -> str:
    return result.grade_reason if isinstance(result, ReplicaShape) else result.reason


def adjust(
    result: ReplicaShape | DoesNotRun,
    eased: ReplicaShape | DoesNotRun,
    *,
    loaded: Loaded,
    traffic: Traffic,
) -> ReplicaShape | DoesNotRun:
    """Correct one replica by a calibration of it.

    `eased` is the same replica sized for `loaded.easier(traffic)`: its number of running sequences
    is the one that really keeps the SLO. Far from what was measured the correction fades, and the
    reason says so.
    """
    name = loaded.calibration.name
    probe = next((r for r in (eased, result) if isinstance(r, ReplicaShape)), None)
    running = None if probe is None else _running(probe, traffic)
    far, nearest = loaded.distance(traffic, running)
    why = _why(nearest, traffic, running)
    weight = min(1.0, max(0.0, (FAR - far) / (FAR - NEAR)))
    if isinstance(eased, DoesNotRun) and weight >= CALIBRATED_FROM:
        return replace(eased, reason=f"{eased.reason} (calibrated by {name})")
    if weight == 0.0 or isinstance(eased, DoesNotRun):
        return _noted(result, _NOT_USED.format(name) + why)
    if isinstance(result, DoesNotRun) and weight < CALIBRATED_FROM:
        return _noted(result, _NOT_USED.format(name) + why)
    return _correct(result, eased, loaded=loaded, weight=weight, why=why)


def _correct(
    result: ReplicaShape | DoesNotRun,
    eased: ReplicaShape,
    *,
    loaded: Loaded,
    weight: float,
    why: str,
) -> ReplicaShape:
    fits, calibration = loaded.fits, loaded.calibration
    blended = _blend(result, eased, weight) if isinstance(result, ReplicaShape) else eased
    note = f"calibrated by {calibration.name}, {len(calibration.measured)} measurements"
    if weight < 1.0:
        note += f", counted at {weight:.0%}: {why}"
    is_calibrated = weight >= CALIBRATED_FROM
    return replace(
        blended,
        capacity_rps=_corrected(blended.capacity_rps, fits.throughput, weight),
        ttft_ms=_corrected(blended.ttft_ms, fits.ttft, weight),
        tpot_ms=_corrected(blended.tpot_ms, fits.tpot, weight),
        grade=Grade.CALIBRATED if is_calibrated else blended.grade,
        grade_reason=note if is_calibrated else f"{blended.grade_reason}; {note}",
    )


def _running(shape: ReplicaShape, traffic: Traffic) -> float:
    """Sequences in flight at capacity, by Little's law."""
    decode_ms = (traffic.output_tokens - 1) * shape.tpot_ms.expected
    return max(1.0, shape.capacity_rps.expected * (shape.ttft_ms.expected + decode_ms) / 1e3)


def _blend(shape: ReplicaShape, eased: ReplicaShape, weight: float) -> ReplicaShape:
    def mean(a: Interval, b: Interval) -> Interval:
        return b.scaled((a.expected / b.expected) ** (1 - weight))

    return replace(
        eased,
        capacity_rps=mean(shape.capacity_rps, eased.capacity_rps),
        ttft_ms=mean(shape.ttft_ms, eased.ttft_ms),
        tpot_ms=mean(shape.tpot_ms, eased.tpot_ms),
    )


def _corrected(interval: Interval, fitted: Fit, weight: float) -> Interval:
    expected = interval.expected * fitted.factor**weight

    def side(prior: float) -> float:
        return math.sqrt(weight * fitted.side(prior) ** 2 + (1 - weight) * prior**2)

    return Interval(
        low=expected * math.exp(-side(math.log(interval.expected / interval.low))),
        expected=expected,
        high=expected * math.exp(side(math.log(interval.high / interval.expected))),
    )


def _noted(result: ReplicaShape | DoesNotRun, note: str) -> ReplicaShape | DoesNotRun:
    if isinstance(result, DoesNotRun):
        return replace(result, reason=f"{result.reason}; {note}")
    return replace(result, grade_reason=f"{result.grade_reason}; {note}")


def _why(nearest: Measured, traffic: Traffic, running: float | None) -> str:
    at_once = "" if running is None else f" at {running:.0f} at once"
    return (
        f"planned are {traffic.input_tokens} + {traffic.output_tokens} tokens{at_once}, the nearest"
        f" measurement has {nearest.input_tokens:.0f} + {nearest.output_tokens:.0f} at"
        f" {nearest.concurrency:.0f}"
    )
