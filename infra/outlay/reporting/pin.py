"""What became of a pinned plan, and the way from it to a new one, as text, table and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from outlay.planning.moves import Move, moves
from outlay.planning.stability import Decision
from outlay.reporting.as_json import money
from outlay.reporting.layout import Json, line, table
from outlay.reporting.money import usd
from outlay.reporting.tables import console


def pin_note(decision: Decision) -> str:
    """Return in a sentence whether the pin is followed, and what a new plan would save."""
    stack = decision.pin.stack
    file = f"plans/{stack}.json"
    if decision.reasons:
        return (
            f"{file} is not followed: {'; '.join(decision.reasons)}. A new plan is followed instead:"
            f" outlay plan --stack {stack} --diff lists the moves, --write pins it"
        )
    saving = decision.saving_usd_per_month or Decimal(0)
    if saving <= 0:
        return f"the plan pinned in {file} is followed; no new one is cheaper"
    return (
        f"the plan pinned in {file} is followed; a new one would save {usd(saving)}/month"
        f" ({_share(decision)}): outlay plan --stack {stack} --diff"
    )


def print_diff(decision: Decision) -> None:
    """Print both plans' costs and the moves from the pinned one to the new one, in a safe order."""
    out = console()
    pin, new = decision.pin, decision.optimum.usd_per_month
    line(
        out,
        f"pinned   {_pinned_cost(decision)}   pinned at {usd(pin.usd_per_month)}/month,"
        f" prices of {pin.price_book_date}",
    )
    line(out, f"new      {usd(new)}/month   prices of {decision.optimum.price_book.date}")
    line(out, pin_note(decision))
    found = _moves(decision)
    if not found:
        return
    out.print()
    shown = table(">", "Move", "Where", "Market", "Nodes", ">$/month", wrapped={"Nodes"})
    for number, move in enumerate(found, start=1):
        shown.add_row(str(number), *_cells(move))
    out.print(shown)


def diff_json(decision: Decision) -> Json:
    """Return both plans' costs and the moves as JSON values."""
    pinned, saving = decision.pinned, decision.saving_usd_per_month
    return {
        "stack": decision.pin.stack,
        "followed": not decision.reasons,
        "reasons": list(decision.reasons),
        "pinned_at_usd_per_month": money(decision.pin.usd_per_month),
        "pinned_usd_per_month": money(pinned.usd_per_month) if pinned else None,
        "new_usd_per_month": money(decision.optimum.usd_per_month),
        "saving_usd_per_month": None if saving is None else money(saving),
        "moves": [_move(move) for move in _moves(decision)],
    }


def _moves(decision: Decision) -> Sequence[Move]:
    return moves(decision.pin, decision.optimum, priced=decision.pinned)


def _pinned_cost(decision: Decision) -> str:
    plan = decision.pinned
    return f"{usd(plan.usd_per_month)}/month" if plan else "cannot be priced"


def _share(decision: Decision) -> str:
    if decision.pinned is None:
        return "-"
    share = 1 - decision.optimum.usd_per_hour / decision.pinned.usd_per_hour
    return f"{share:.1%}".replace("%", " %")


def _cells(move: Move) -> tuple[str, ...]:
    change = "no price" if move.usd_per_month is None else _signed(move.usd_per_month)
    return (
        move.kind,
        f"{move.provider} {move.region}",
        move.market,
        f"{move.nodes_before} -> {move.nodes_after} x {move.instance_type}",
        change,
    )


def _signed(amount: Decimal) -> str:
    return f"{'+' if amount >= 0 else ''}{usd(amount)}"


def _move(move: Move) -> Json:
    return {
        "kind": move.kind.value,
        "provider": move.provider,
        "region": move.region,
        "instance_type": move.instance_type,
        "market": move.market,
        "nodes_before": move.nodes_before,
        "nodes_after": move.nodes_after,
        "usd_per_month": None if move.usd_per_month is None else money(move.usd_per_month),
    }
