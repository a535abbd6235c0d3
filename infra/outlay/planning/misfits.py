"""Why replicas do not run, merged: one line for all group sizes, precisions and GPUs of a kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from outlay.sizing.types import DoesNotRun

NUMBER = re.compile(r"\d[\d,.]*")


def merged(label: str, misfits: Iterable[DoesNotRun]) -> list[str]:
    """Return one line a kind of reason, the largest groups first.

    Sizes and precisions of a GPU that fail for the same kind of reason share the line; it gives the
    figures of the largest group, which comes closest. GPUs whose lines read alike share one too.
    """
    kinds: dict[tuple[str, str], list[DoesNotRun]] = {}
    for misfit in misfits:
        kinds.setdefault((misfit.gpu, NUMBER.sub("#", misfit.reason)), []).append(misfit)
    gpus: dict[tuple[int, str, str, str], list[str]] = {}
    for (gpu, _), group in kinds.items():
        sizes = sorted({m.tensor_parallel for m in group})
        precisions = dict.fromkeys(m.weight_precision.value for m in group)
        line = (-sizes[-1], either(map(str, sizes)), either(precisions), _nearest(group).reason)
        gpus.setdefault(line, []).append(gpu)
    return [
        f"{label} on {sizes} x {either(names)} at {precision}: {reason}"
        for (_, sizes, precision, reason), names in sorted(gpus.items(), key=lambda g: g[0][0])
    ]


def either(names: Iterable[str]) -> str:
    """Join names as `a, b or c`."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _nearest(group: Sequence[DoesNotRun]) -> DoesNotRun:
    """The largest group; of its precisions, the one whose figure is least above what is allowed."""
    return min(group, key=lambda m: (-m.tensor_parallel, _figure(m.reason)))


def _figure(reason: str) -> float:
    found = NUMBER.search(reason)
    return float(found[0].rstrip(".,").replace(",", "")) if found else 0.0
