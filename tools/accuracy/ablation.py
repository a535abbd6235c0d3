"""What each term of the speed model pays: the errors without it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from outlay.sizing.interval import Quantity
from tools.accuracy.fitting import Problem, fit, parameters
from tools.accuracy.holdout import Held, held_out, quick
from tools.accuracy.priors import PRIORS
from tools.accuracy.report import kind
from tools.accuracy.samples import Samples
from tools.accuracy.score import promises, score

ENGINES = ("trtllm", "sglang", "tgi", "other")


def _ones(*parts: str) -> dict[str, float]:
    return {name: 1.0 for name in PRIORS if name.startswith(parts)}


# What is left of a term when it is switched off.
WITHOUT: dict[str, Mapping[str, float]] = {
    "nothing left out": {},
    "tensor rate falls with narrow shards": {"half_width": 1e-3},
    "expert rate falls with narrow experts": {"expert_half_width": 1e-3},
    "expert imbalance": {"expert_imbalance": 1.0},
    "a launch overhead of experts": {"expert_layer_s": 1e-9},
    "operations hidden behind reads": {f"decode_visible_{f}": 1.0 for f in ("16bit", "fp8", "fp4")},
    "KV reads slower in groups of heads": {"kv_group_power": 1e-3},
    "overheads by GPU generation": {"blackwell_overhead": 1.0, "ampere_overhead": 1.0},
    "engines": _ones(*ENGINES),
    "engine age": _ones("old_vllm_", "old_trtllm_"),
    "not NVIDIA": _ones("foreign_", "old_foreign_"),
    "expert parallel": {"expert_parallel_slowdown": 1.0},
    "server and burst loads": {"server_share": 1.0, "burst_share": 1.0},
}
KINDS = ("dense, NVIDIA", "experts, NVIDIA", "dense, other GPUs")


def ablations(samples: Samples) -> str:
    """Return the table: refit without each term, errors on unseen curves and unseen models."""
    lines = ["| without | " + " | ".join([*KINDS, "TPOT", "TTFT", "dense, unseen model"]) + " |"]
    lines.append("|---" * 7 + "|")
    lines += [f"| {name} | {_row(samples, pinned)} |" for name, pinned in WITHOUT.items()]
    return "\n".join(lines)


def _row(samples: Samples, pinned: Mapping[str, float]) -> str:
    problem = Problem(samples, parameters(samples, pinned))
    vector = fit(problem)
    refit = quick(problem, vector)
    found = held_out(problem, vector, Held.CURVE, refit)
    kinds = np.array([kind(samples, row) for row in range(len(samples))])
    throughput = promises(samples, found, Quantity.THROUGHPUT)
    every = np.ones(len(samples), dtype=bool)
    unseen = promises(samples, held_out(problem, vector, Held.MODEL, refit), Quantity.THROUGHPUT)
    scores = [score(throughput, kinds == name) for name in KINDS]
    scores += [score(promises(samples, found, q), every) for q in (Quantity.TPOT, Quantity.TTFT)]
    scores.append(score(unseen, kinds == KINDS[0]))
    return " | ".join("" if s is None else f"{100 * s.median_error:.1f} %" for s in scores)
