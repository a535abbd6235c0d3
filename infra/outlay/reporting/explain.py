"""Why a plan won, and what would change it, below the plan's own tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console

from outlay.planning.explain import Explanation, Rival
from outlay.planning.plan import Plan
from outlay.planning.sensitivity import SpotPool
from outlay.planning.switches import Switch
from outlay.reporting.layout import line, table
from outlay.reporting.money import usd
from outlay.reporting.tables import by_reason, console
from outlay.reporting.what import bought


def print_explanation(plan: Plan, explanation: Explanation) -> None:
    """Print the rivals that could serve with the reason that decided, those that could not, and more."""
    out = console()
    out.print()
    _print_rivals(out, explanation.rivals)
    out.print()
    line(out, "What would change it", style="bold")
    for text in _changes(plan, explanation):
        line(out, f"- {text}")


def _print_rivals(out: Console, rivals: Sequence[Rival]) -> None:
    shown = table("Instead", "", ">$/month", ">More", "Why not", wrapped={"Why not"})
    for rival in rivals:
        if rival.usd_per_month is not None and rival.more_usd_per_month is not None:
            mark = " alone" if rival.is_in_plan else ""
            more = usd(rival.more_usd_per_month)
            sign = "+" if rival.more_usd_per_month >= 0 else ""
            month, why = usd(rival.usd_per_month), "; ".join(rival.reasons)
            shown.add_row(rival.by, f"{rival.name}{mark}", month, f"{sign}{more}", why)
    out.print(shown)
    refused = (
        ("\n".join(r.reasons), f"{r.by} {r.name}") for r in rivals if r.usd_per_month is None
    )
    for reasons, names in by_reason(refused):
        for text in _refusal(names, reasons.split("\n")):
            line(out, text, style="dim")


def _refusal(names: str, reasons: Sequence[str]) -> Iterator[str]:
    # Several reasons take a line each.
    if len(reasons) == 1:
        yield f"cannot serve: {names}: {reasons[0]}"
        return
    yield f"cannot serve: {names}:"
    yield from (f"  - {reason}" for reason in reasons)


def _changes(plan: Plan, explanation: Explanation) -> Iterator[str]:
    found, unasked = explanation.sensitivity, explanation.unasked
    for word, switch in (("more", found.more), ("less", found.less)):
        if f"{word} demand" in unasked:
            continue
        if switch is None:
            yield f"ten times {word} demand changes neither GPU types nor markets"
        else:
            yield f"at {switch.high:.3g} requests/s: {_instead(switch)}"
    buys_spot = any(pool.market.value == "spot" for pool in plan.pools)
    if found.spot is not None:
        change = f"{found.spot.high - 1:+.0%}".replace("%", " %")
        yield f"with all spot prices {change}: {_instead(found.spot)}"
    elif buys_spot and "other spot prices" not in unasked:
        yield "all spot prices ten times as high change neither GPU types nor markets"
    yield from (_spot_pool(pool) for pool in found.spot_pools)
    if found.budget_rps is not None:
        yield f"the budget is reached at {found.budget_rps:.3g} requests/s"
    if unasked:
        yield f"not asked, since it would take longer: {', '.join(unasked)} (see --patience)"


def _instead(switch: Switch) -> str:
    plan = switch.after.plan
    month = f", {usd(plan.usd_per_month)}/month" if plan else ""
    return f"{bought(switch.after)}{month}"


def _spot_pool(spot: SpotPool) -> str:
    pool = spot.pool
    what = f"{pool.instance_type} on spot in {pool.provider} {pool.region}"
    if spot.without is None or spot.holds_until is None:
        return f"without {what} nothing serves it"
    return (
        f"{what} wins at least up to {usd(spot.holds_until)} a node-hour, now"
        f" {usd(pool.usd_per_node_hour)}; without it {usd(spot.without.usd_per_month)}/month"
    )
