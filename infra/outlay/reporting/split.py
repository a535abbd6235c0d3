"""One pool against two: costs, the KV transfer, and the verdict, as text and as JSON."""

from __future__ import annotations

from decimal import Decimal

from outlay.planning.split import SAME_COST, PricedPool, RatioPoint, SplitComparison
from outlay.reporting.layout import Json, line, percent, table
from outlay.reporting.money import usd
from outlay.reporting.tables import console


def split_json(comparison: SplitComparison) -> Json:
    """Return a comparison as JSON values; money in USD, shares 0 to 1."""
    economics, split = comparison.economics, comparison.split
    return {
        "model": comparison.workload.model,
        "target_rps": comparison.workload.target_rps,
        "market": comparison.market.value,
        "aggregated": _pool_json(comparison.aggregated),
        "prefill": _pool_json(split.prefill),
        "decode": _pool_json(split.decode),
        "transfer": {
            "bytes_per_prompt": round(split.transfer.bytes),
            "link_gbit_per_s": split.transfer.link_gbit_per_s,
            "ms_per_prompt": round(split.transfer.seconds * 1e3, 3),
            "link_utilization_share": round(split.link_utilization, 4),
        },
        "split_ttft_ms": round(split.ttft_ms, 3),
        "aggregated_usd_per_hour": round(economics.aggregated_usd_per_hour, 6),
        "split_usd_per_hour": round(economics.split_usd_per_hour, 6),
        "aggregated_usd_per_request": round(economics.aggregated_usd_per_request, 9),
        "split_usd_per_request": round(economics.split_usd_per_request, 9),
        "cost_ratio": round(economics.cost_ratio, 6),
        "saving_share": round(economics.saving_share, 6),
        "break_even_requests_per_hour": round(economics.requests_per_hour_to_save(0.0), 3),
        "verdict": economics.verdict,
        "uncertainty_share": round(comparison.uncertainty_share, 4),
        "within_the_error": comparison.is_too_close,
        "prefill_on_spot_usd_per_hour": comparison.prefill_on_spot_usd_per_hour,
        "break_even_prompt_to_output_ratios": [round(r, 4) for r in comparison.break_even_ratios],
        "ratios": [_ratio_json(point) for point in comparison.ratios],
    }


def _pool_json(pool: PricedPool) -> Json:
    shape = pool.role.shape
    return {
        "provider": pool.offer.provider,
        "region": pool.offer.region,
        "instance_type": pool.offer.instance_type,
        "nodes": pool.nodes,
        "replicas": pool.replicas,
        "gpu": shape.gpu,
        "tensor_parallel": shape.tensor_parallel,
        "precision": shape.weight_precision.value,
        "capacity_rps": {
            "low": round(pool.role.capacity_rps.low, 6),
            "expected": round(pool.role.capacity_rps.expected, 6),
            "high": round(pool.role.capacity_rps.high, 6),
        },
        "grade": shape.grade.value,
        "utilization_share": round(pool.utilization, 4),
        "usd_per_hour": round(pool.usd_per_hour, 6),
    }


def _ratio_json(point: RatioPoint) -> Json:
    return {
        "input_tokens": point.input_tokens,
        "output_tokens": point.output_tokens,
        "aggregated_usd_per_million_tokens": point.aggregated_usd_per_million_tokens,
        "split_usd_per_million_tokens": point.split_usd_per_million_tokens,
        "cost_ratio": point.cost_ratio,
    }


def print_split(comparison: SplitComparison) -> None:
    """Print both fleets, the transfer, the verdict with its margin, and the break-even."""
    out = console()
    w, split = comparison.workload, comparison.split
    line(
        out,
        f"{w.model}, {w.target_rps:g} req/s of {w.input_tokens} + {w.output_tokens} tokens,"
        f" {comparison.market} GPU nodes alone",
    )
    out.print()
    out.print(_pools(comparison))
    out.print()
    line(
        out,
        f"KV transfer: {split.transfer.bytes / 1e6:,.1f} MB a prompt,"
        f" {split.transfer.seconds * 1e3:.1f} ms at {split.transfer.link_gbit_per_s:g} Gbit/s,"
        f" link {percent(split.link_utilization, digits=0)} busy;"
        f" TTFT with it {split.ttft_ms:,.0f} ms",
    )
    for text in _verdict(comparison):
        line(out, text)
    out.print()
    out.print(_ratios(comparison))
    line(out, _break_even(comparison))


def _pools(comparison: SplitComparison) -> object:
    made = table(
        "Role", "Where", "Nodes", "Replicas", ">Req/s each", ">Busy", ">$/hour",
        wrapped={"Where", "Nodes", "Replicas"},
    )  # fmt: skip
    for role, pool in (
        ("both", comparison.aggregated),
        ("prefill", comparison.split.prefill),
        ("decode", comparison.split.decode),
    ):
        shape, capacity = pool.role.shape, pool.role.capacity_rps
        made.add_row(
            role,
            f"{pool.offer.provider} {pool.offer.region}",
            f"{pool.nodes} x {pool.offer.instance_type}",
            f"{pool.replicas} on {shape.gpus} x {shape.gpu} {shape.weight_precision}",
            f"{capacity.expected:.1f} ({capacity.low:.1f}-{capacity.high:.1f})",
            percent(pool.utilization, digits=0),
            _usd(pool.usd_per_hour),
        )
    return made


def _verdict(comparison: SplitComparison) -> list[str]:
    economics = comparison.economics
    costs = f"{_usd(economics.split_usd_per_hour)}/hour against {_usd(economics.aggregated_usd_per_hour)}/hour"
    lines = [f"Split: {economics.verdict}: {costs} for the same demand"]
    if comparison.is_too_close and economics.cost_ratio != 1:
        lines.append(
            "The difference is smaller than the error of the estimates"
            f" ({percent(comparison.uncertainty_share, digits=0)}): measure before splitting"
        )
    spot = comparison.prefill_on_spot_usd_per_hour
    if spot is not None:
        lines.append(
            f"With prefill on spot nodes its pool costs {_usd(spot)}/hour"
            f" instead of {_usd(comparison.split.prefill.usd_per_hour)}/hour:"
            " an effect of the market, not of the split"
        )
    return lines


def _ratios(comparison: SplitComparison) -> object:
    made = table(
        ">Prompt", ">Output", ">One pool $/M tokens", ">Split $/M tokens", ">Split/one pool"
    )
    for point in comparison.ratios:
        made.add_row(
            f"{point.input_tokens}",
            f"{point.output_tokens}",
            _or_dash(point.aggregated_usd_per_million_tokens),
            _or_dash(point.split_usd_per_million_tokens),
            "-" if point.cost_ratio is None else f"{point.cost_ratio:.2f}x",
        )
    return made


def _or_dash(amount: float | None) -> str:
    return "-" if amount is None else _usd(amount)


def _break_even(comparison: SplitComparison) -> str:
    known = [p.cost_ratio for p in comparison.ratios if p.cost_ratio is not None]
    if comparison.break_even_ratios:
        at = ", ".join(f"{ratio:.2g}:1" for ratio in comparison.break_even_ratios)
        return f"With GPUs bought in fractions, break-even at a prompt:output ratio of {at}"
    if not known:
        return "No ratio of prompt to output can be served both ways"
    if all(abs(ratio - 1) < SAME_COST for ratio in known):
        return "With GPUs bought in fractions, both cost the same at every ratio"
    which = "never dearer" if min(known) < 1 - SAME_COST else "never cheaper"
    return f"With GPUs bought in fractions, the split is {which}, whatever the ratio"


def _usd(amount: float) -> str:
    return usd(Decimal(repr(amount)))
