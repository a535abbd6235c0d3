"""Requests of several lengths on the same replicas, reduced to one load curve."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from outlay.sizing.features import Number, Real
from outlay.sizing.loads import Curve, load_curve
from outlay.sizing.speed import Lengths, Speed
from outlay.sizing.types import Bucket, Traffic


def traffic_curve(speed: Speed, traffic: Traffic) -> Curve:
    """Return the load curve of a workload's requests.

    Prompts cost their mean; a running sequence is one of a class in proportion to the tokens that
    the class generates, since all decode at the same pace.
    """
    curves = [load_curve(speed, _lengths(b, traffic)) for b in traffic.parts]
    if len(curves) == 1:
        return curves[0]
    shares = [b.share for b in traffic.parts]
    running = _running_shares(traffic)

    def mean(of: Callable[[Curve], Number], weights: list[float] = shares) -> Real:
        return np.asarray(sum(w * of(c) for w, c in zip(weights, curves, strict=True)))

    prefill = mean(lambda c: c.prefill_s)
    return Curve(
        speed=speed,
        input_tokens=mean(lambda c: c.input_tokens),
        output_tokens=mean(lambda c: c.output_tokens),
        prefill_tokens=mean(lambda c: c.prefill_tokens),
        prefill_s=prefill,
        prompt_s=mean(lambda c: c.prompt_s),
        sequence_s=mean(lambda c: c.sequence_s, running),
        prefill_variation=np.maximum(mean(lambda c: c.prefill_s**2) / prefill**2 - 1, 0.0),
    )


def held_context(traffic: Traffic) -> float:
    """Return the mean context that a running sequence holds in the KV cache."""
    pairs = zip(_running_shares(traffic), traffic.parts, strict=True)
    return float(sum(share * _lengths(b, traffic).held_context for share, b in pairs))


def _lengths(bucket: Bucket, traffic: Traffic) -> Lengths:
    return Lengths.of(bucket, cached_share=traffic.prefix_cache_hit_share)


def _running_shares(traffic: Traffic) -> list[float]:
    generated = [b.share * b.output_tokens for b in traffic.parts]
    return [tokens / sum(generated) for tokens in generated]
