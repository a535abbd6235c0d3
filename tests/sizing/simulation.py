"""A discrete-event simulation of one engine: Poisson arrivals, chunked prefill, a limited number of places."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from outlay.sizing.features import Real
from outlay.sizing.loads import Curve
from outlay.sizing.memory import PREFILL_CHUNK_TOKENS

WARM_UP = 0.2  # share of the requests that is not counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What requests saw, without the parts of TTFT that every request pays."""

    waits_s: Real
    tpots_s: Real
    running: float


def simulate(curve: Curve, *, rate: float, places: int, requests: int, seed: int) -> Simulated:
    """Run an engine step by step; each step decodes what runs and prefills what came, in order."""
    steps = [float(curve.step_s(max(n, 1.0))[0]) for n in range(places + 1)]
    token_s = float(curve.speed.prefill_in_tpot[0] * curve.prefill_s[0]) / float(
        curve.prefill_tokens
    )
    prompt, output = float(curve.prefill_tokens), int(curve.output_tokens)
    arrivals = np.cumsum(np.random.default_rng(seed).exponential(1 / rate, requests)).tolist()
    now, step, running, first, came = 0.0, 0, 0, 0, 0
    held_s = 0.0
    left: deque[float] = deque()  # tokens to prefill of those admitted, in order
    ends: dict[int, list[int]] = {}
    firsts, lasts = np.zeros(requests), np.zeros(requests)
    while first < requests or ends:
        if not running and not left and came < requests:
            now = max(now, arrivals[came])
        while came < requests and arrivals[came] <= now and running + len(left) < places:
            left.append(prompt)
            came += 1
        budget, done = float(PREFILL_CHUNK_TOKENS), 0
        while left and budget > 0:
            taken = min(budget, left[0])
            budget -= taken
            left[0] -= taken
            if left[0] <= 0:
                left.popleft()
                done += 1
        taken_s = steps[running] + (PREFILL_CHUNK_TOKENS - budget) * token_s
        held_s += running * taken_s
        now += taken_s
        for request in ends.pop(step, []):
            lasts[request] = now
            running -= 1
        for request in range(first, first + done):
            firsts[request] = now
            ends.setdefault(step + output - 1, []).append(request)
        first, running, step = first + done, running + done, step + 1
    counted = slice(int(WARM_UP * requests), None)
    return Simulated(
        waits_s=(firsts - np.array(arrivals))[counted],
        tpots_s=((lasts - firsts) / (output - 1))[counted],
        running=held_s / now,
    )
