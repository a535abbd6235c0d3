"""What a model can run on: a bar of the memory, a table of shapes, and the rest with reasons."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from outlay.reporting.layout import Json, line, table
from outlay.reporting.tables import console
from outlay.sizing.load_point import Offered
from outlay.sizing.overview import Memory, Overview, Sized, best_per_gpu, gb, gib
from outlay.sizing.types import DoesNotRun, Interval, Traffic

WIDEST_BAR = 72
WIDE = 110  # columns from which on there is room for latencies
# Block characters that differ without colour.
PARTS = (("weights", "█", "blue"), ("runtime", "▓", "yellow"), ("KV cache", "▒", "green"))
UNUSED = "·"


def overview_json(found: Overview) -> Json:
    """Return an overview as JSON values; every number's name ends in its unit."""
    return {
        "model": found.model.name,
        "input_tokens": found.traffic.input_tokens,
        "output_tokens": found.traffic.output_tokens,
        "buckets": [
            {
                "share": round(b.share, 6),
                "input_tokens": b.input_tokens,
                "output_tokens": b.output_tokens,
            }
            for b in found.traffic.buckets
        ],
        "ttft_slo_ms": found.traffic.ttft_ms,
        "tpot_slo_ms": found.traffic.tpot_ms,
        "slo_percentile": found.traffic.percentile.value,
        "shapes": [_sized_json(item) for item in found.sized],
        "refused": [
            {
                "gpu": refused.gpu,
                "gpus_per_replica": refused.tensor_parallel,
                "precision": refused.weight_precision.value,
                "reason": refused.reason,
            }
            for refused in found.refused
        ],
    }


def _sized_json(item: Sized) -> Json:
    shape, memory = item.shape, item.memory
    return {
        "gpu": shape.gpu,
        "gpus_per_replica": shape.gpus,
        "precision": shape.weight_precision.value,
        "kv_precision": shape.kv_precision.value,
        "capacity_rps": _interval(shape.capacity_rps),
        "ttft_ms": _interval(shape.ttft_ms),
        "tpot_ms": _interval(shape.tpot_ms),
        "limit": item.limit,
        "grade": shape.grade.value,
        "grade_reason": shape.grade_reason,
        "max_sequences": shape.max_sequences,
        "max_model_len_tokens": shape.max_model_len,
        **_memory_json(memory),
        **({"at_rate": _offered_json(item.offered, item.replicas)} if item.offered else {}),
    }


def _offered_json(seen: Offered, replicas: int | None) -> Json:
    return {
        "replicas": replicas,
        "replica_rps": round(seen.rate_rps, 4),
        "utilization": round(seen.utilization, 4),
        "running_sequences": round(seen.running, 2),
        "ttft_mean_ms": round(seen.ttft_mean_ms, 3),
        "ttft_p95_ms": round(seen.ttft_p95_ms, 3),
        "tpot_mean_ms": round(seen.tpot_mean_ms, 3),
        "tpot_p95_ms": round(seen.tpot_p95_ms, 3),
    }


def _memory_json(memory: Memory) -> Json:
    sizes = {
        "memory": memory.card,
        "weights": memory.weights,
        "runtime": memory.reserve,
        "kv_cache": memory.kv_cache,
    }
    gibs = {f"{name}_gib": round(gib(size), 4) for name, size in sizes.items()}
    gbs = {f"{name}_gb": round(gb(size), 4) for name, size in sizes.items()}
    return {**gibs, **gbs, "kv_cache_bytes_per_token": memory.kv_per_token}


def _interval(interval: Interval) -> Json:
    return {
        "low": round(interval.low, 4),
        "expected": round(interval.expected, 4),
        "high": round(interval.high, 4),
    }


def print_overview(found: Overview, *, every_shape: bool) -> None:
    """Print the best shape's memory and the shapes: all, or the best of each GPU type."""
    out = console()
    load = found.traffic
    line(
        out,
        f"{found.model.name}, requests of {_lengths(load)} tokens,"
        f" {load.percentile} TTFT within {load.ttft_ms:g} ms, TPOT within {load.tpot_ms:g} ms",
    )
    shown = found.sized if every_shape else best_per_gpu(found.sized)
    if shown:
        out.print()
        _print_memory(out, shown[0])
        out.print()
        out.print(_shapes(shown, wide=out.width >= WIDE))
        if shown[0].offered:
            out.print()
            out.print(_at_rate(shown))
        if not every_shape:
            line(out, "The best shape of each GPU type; --gpu shows all of one", style="dim")
        out.print()
        for reason, names in _grades(shown) if every_shape else ():
            line(out, f"{names}: {reason}", style="dim")
    _print_refused(out, found, every_shape=every_shape)


def _lengths(load: Traffic) -> str:
    if not load.buckets:
        return f"{load.input_tokens} + {load.output_tokens}"
    return ", ".join(f"{b.share:.0%} {b.input_tokens} + {b.output_tokens}" for b in load.buckets)


def _print_memory(out: Console, item: Sized) -> None:
    memory, shape = item.memory, item.shape
    line(
        out,
        f"{shape.gpus} x {shape.gpu}, {shape.weight_precision}: {gib(memory.card):.1f} GiB"
        f" ({gb(memory.card):.1f} GB), {memory.kv_per_token / 1024:g} KiB of KV cache a token",
    )
    out.print(memory_bar(memory, width=min(WIDEST_BAR, out.width)))
    sizes = (memory.weights, memory.reserve, memory.kv_cache)
    legend = [
        f"{mark} {name} {gib(size):.1f}" for (name, mark, _), size in zip(PARTS, sizes, strict=True)
    ]
    line(out, "  ".join([*legend, f"{UNUSED} not used {gib(memory.unused):.1f} GiB"]))


def memory_bar(memory: Memory, *, width: int) -> Text:
    """Return a bar of some characters whose parts are in proportion."""
    bar = Text()
    drawn, filled = 0.0, 0
    sizes = (memory.weights, memory.reserve, memory.kv_cache)
    for (_, mark, style), size in zip(PARTS, sizes, strict=True):
        drawn += size
        until = round(width * drawn / memory.card)
        bar.append(mark * (until - filled), style=style)
        filled = until
    bar.append(UNUSED * (width - filled), style="dim")
    return bar


def _shapes(shown: Iterable[Sized], *, wide: bool) -> object:
    extra = (">Safe/GPU", ">TTFT ms", ">TPOT ms") if wide else ()
    made = table("Shape", ">Req/s", ">At once", "Limit", "Grade", *extra, wrapped={"Shape"})
    for item in shown:
        shape, capacity = item.shape, item.shape.capacity_rps
        cells = (
            f"{shape.gpus} x {shape.gpu} {shape.weight_precision}",
            f"{_short(capacity.expected)} ({_short(capacity.low)}-{_short(capacity.high)})",
            f"{shape.max_sequences}",
            item.limit,
            shape.grade,
        )
        latencies = (f"{shape.ttft_ms.expected:.0f}", f"{shape.tpot_ms.expected:.0f}")
        made.add_row(*cells, *((_short(item.safe_rps_per_gpu), *latencies) if wide else ()))
    return made


def _at_rate(shown: Iterable[Sized]) -> object:
    made = table(
        "Shape", ">Replicas", ">Req/s each", ">Busy", ">TTFT ms, p95", ">TPOT ms, p95",
        wrapped={"Shape"},
    )  # fmt: skip
    for item in shown:
        shape, seen = item.shape, item.offered
        if seen is not None:
            made.add_row(
                f"{shape.gpus} x {shape.gpu} {shape.weight_precision}",
                f"{item.replicas}",
                _short(seen.rate_rps),
                f"{seen.utilization:.0%}",
                f"{seen.ttft_mean_ms:.0f}, {seen.ttft_p95_ms:.0f}",
                f"{seen.tpot_mean_ms:.1f}, {seen.tpot_p95_ms:.1f}",
            )
    return made


def _short(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _grades(shown: Iterable[Sized]) -> list[tuple[str, str]]:
    names: dict[str, list[str]] = {}
    for item in shown:
        group = names.setdefault(item.shape.grade_reason, [])
        if item.shape.gpu not in group:
            group.append(item.shape.gpu)
    return [(reason, ", ".join(group)) for reason, group in names.items()]


def _print_refused(out: Console, found: Overview, *, every_shape: bool) -> None:
    """Name what cannot run, one line a reason; mostly a GPU with another shape that runs is left out."""
    runs = set() if every_shape else {item.shape.gpu for item in found.sized}
    groups: dict[str, list[DoesNotRun]] = {}
    for refused in found.refused:
        if refused.gpu not in runs:
            groups.setdefault(refused.reason, []).append(refused)
    for reason, group in groups.items():
        line(out, f"Not possible: {_names(group)}: {reason}", style="dim")


def _names(group: Iterable[DoesNotRun]) -> str:
    """Write shapes that differ only in their number of GPUs as one: `1, 2 x L4 bf16`."""
    counts: dict[str, list[int]] = {}
    for refused in group:
        kind = f"{refused.gpu} {refused.weight_precision}"
        counts.setdefault(kind, []).append(refused.tensor_parallel)
    return "; ".join(f"{', '.join(map(str, many))} x {kind}" for kind, many in counts.items())
