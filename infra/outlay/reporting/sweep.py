"""Cost over load as a table and as JSON (docs/json.md describes every field)."""

from __future__ import annotations

from rich.text import Text

from outlay.planning.sweep import Point, Sweep
from outlay.planning.switches import Switch
from outlay.reporting.as_json import markets
from outlay.reporting.explain_json import answer_json, switch_json
from outlay.reporting.layout import Json, line, table
from outlay.reporting.money import usd
from outlay.reporting.tables import by_reason, console
from outlay.reporting.what import gpus

BAR = 8


def print_sweep(sweep: Sweep) -> None:
    """Print a row per load, and between the loads the points where GPU types or markets change."""
    out = console()
    names = (">Req/s", ">$/month", ">$/M tokens", "", "GPUs", "Market")
    shown = table(*names, wrapped={"GPUs"})
    dearest = max((_per_million(p) for p in sweep.points), default=0.0)
    rows: list[tuple[float, Point | Switch]] = [(p.rps, p) for p in sweep.points]
    rows += [(switch.high, switch) for switch in sweep.switches]
    for _, row in sorted(rows, key=lambda r: (r[0], isinstance(r[1], Point))):
        shown.add_row(*(_point(row, dearest) if isinstance(row, Point) else _switch(row)))
    out.print(shown)
    if sweep.switches:
        out.print()
        line(out, "> from here on other GPU types or markets win (to 1 %)")
    refused = (("; ".join(p.outcome.reasons), f"{p.rps:g}") for p in sweep.points)
    for reason, loads in by_reason(pair for pair in refused if pair[0]):
        line(out, f"not feasible at {loads} requests/s: {reason}")


def _point(point: Point, dearest: float) -> tuple[str, ...]:
    plan = point.outcome.plan
    if plan is None:
        return (f"{point.rps:g}", "-", "-", "", "not feasible", "")
    bar = "█" * max(1, round(BAR * _per_million(point) / dearest))
    return (
        f"{point.rps:g}",
        usd(plan.usd_per_month),
        usd(plan.usd_per_million_tokens),
        bar,
        gpus(plan),
        " + ".join(markets(plan)),
    )


def _switch(switch: Switch) -> tuple[str | Text, ...]:
    plan = switch.after.plan
    if plan is None:
        return (f"> {switch.high:.3g}", "", "", "", "nothing serves it", "")
    bought = (gpus(plan), " + ".join(markets(plan)))
    cells = (f"> {switch.high:.3g}", usd(plan.usd_per_month), usd(plan.usd_per_million_tokens))
    return tuple(Text(cell, style="cyan") for cell in (*cells, "", *bought))


def _per_million(point: Point) -> float:
    return float(point.outcome.plan.usd_per_million_tokens) if point.outcome.plan else 0.0


def sweep_json(sweep: Sweep) -> Json:
    """Return a sweep as JSON values, the lowest load first."""
    return {
        "points": [{"rps": point.rps, **answer_json(point.outcome)} for point in sweep.points],
        "switches": [switch_json(switch) for switch in sweep.switches],
    }
