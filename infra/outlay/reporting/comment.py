"""The pull-request comment: one for all stacks, found again by a hidden line and updated in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from outlay.pricing.diff import StackDiff
from outlay.pricing.events import PolicyResult
from outlay.pricing.types import HOURS_PER_MONTH
from outlay.reporting.diff import (
    SIGNS,
    by_reason,
    counts,
    is_nothing,
    least,
    resource_delta,
    side,
    signed,
    signed_percent,
    worst_case,
)
from outlay.reporting.markdown import block, code, escaped, folded, shortened, table
from outlay.reporting.money import usd

MARKER = "<!-- outlay:cost-comment -->"
# GitHub refuses more than 65,536; the rest is for what it adds.
LARGEST = 64_000
MESSAGE_LIMIT = 2_000
LISTED_UNPRICED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """How much of every list of a stack is shown, and of how many stacks."""

    each: int
    stacks: int

    def smaller(self) -> _Room:
        """Return less room: lists get shorter first, then stacks fewer."""
        if self.each:
            return replace(self, each=self.each // 2)
        return replace(self, stacks=self.stacks // 2)


def comment(diffs: Sequence[StackDiff]) -> str:
    """Return the comment for the stacks of one change, at most 64,000 characters long.

    What does not fit is left out of the details first, and the comment says so.
    """
    lists = (each for d in diffs for each in (d.changed, d.policies, d.unpriced))
    room = _Room(each=max(map(len, lists), default=0), stacks=len(diffs))
    text = _comment(diffs, room)
    while len(text) > LARGEST:
        room = room.smaller()
        text = _comment(diffs, room)
    return text


def _comment(diffs: Sequence[StackDiff], room: _Room) -> str:
    shown = _shown(diffs, room.stacks)
    lines = [MARKER, f"### {headline(diffs)}", "", *_stacks(shown), ""]
    if len(shown) < len(diffs):
        lines += [_more(len(diffs) - len(shown), "more stacks are"), ""]
    lines += [line for diff in shown for line in _reasons(diff)]
    lines += [line for diff in shown for line in (*_details(diff, room.each), "")]
    lines += [line for diff in shown for line in _unpriced(diff, room.each)]
    lines += [line for diff in shown for line in _policies(diff, room.each)]
    lines += [line for diff in shown for line in _notes(diff)]
    return "\n".join([*lines, _footer(diffs), ""])


def _shown(diffs: Sequence[StackDiff], count: int) -> list[StackDiff]:
    """Return the stacks that matter most, in their own order: what is stopped, then what moves most."""
    ranked = sorted(
        diffs, key=lambda d: (not d.failed_policies, -abs(d.usd_per_month_delta), d.stack)
    )
    kept = {id(diff) for diff in ranked[:count]}
    return [diff for diff in diffs if id(diff) in kept]


def _more(count: int, what: str) -> str:
    return f"{count} {what} in the log of the job."


def headline(diffs: Sequence[StackDiff]) -> str:
    """Say in words what happens to the monthly cost of all stacks together."""
    delta = sum((diff.usd_per_month_delta for diff in diffs), Decimal(0))
    before = sum((diff.usd_per_hour_before for diff in diffs), Decimal(0))
    uncertain = any(diff.uncertain for diff in diffs)
    if diffs and all(diff.is_new for diff in diffs):
        return f"New stack: {'≥ ' if uncertain else ''}{usd(delta)}/month"
    if is_nothing(delta):
        words = "may change: some prices are not known" if uncertain else "will not change"
        moves = any(not is_nothing(diff.usd_per_month_delta) for diff in diffs)
        return f"Monthly cost {words}{' in total' if moves else ''}"
    share = f" ({signed_percent(delta / (before * HOURS_PER_MONTH) * 100)})" if before else ""
    direction = "increase 📈" if delta > 0 else "decrease 📉"
    verb, _, sign = direction.partition(" ")
    about = "about " if uncertain else ""
    return f"Monthly cost will {verb} by {about}{usd(abs(delta))}{share} {sign}"


def _stacks(diffs: Sequence[StackDiff]) -> list[str]:
    header = ("Stack", ">Change", ">New monthly cost", ">At most", ">Deployed now", "Policies")
    return table(header, [_stack(diff) for diff in diffs])


def _stack(diff: StackDiff) -> tuple[str, ...]:
    head = diff.head_usd_per_hour
    share = "new" if diff.is_new else signed_percent(diff.percent) if diff.percent else "-"
    delta = "-" if is_nothing(diff.usd_per_month_delta) else signed(diff.usd_per_month_delta)
    return (
        code(f"{diff.project}/{diff.stack}"),
        delta if share == "-" else f"{delta} ({share})",
        f"{least(diff)}{usd(head.usd_per_month)}",
        f"{least(diff)}{usd(head.high * HOURS_PER_MONTH)}",
        usd(diff.deployed_usd_per_hour.usd_per_month),
        _verdict(diff),
    )


def _verdict(diff: StackDiff) -> str:
    advisory = len(diff.policies) - len(diff.failed_policies)
    if diff.failed_policies:
        return f"❌ {len(diff.failed_policies)} failed"
    if not diff.policies_checked:
        return "not run"
    return f"⚠️ {advisory} warned" if advisory else "✅ passed"


def _reasons(diff: StackDiff) -> list[str]:
    reason, worst = by_reason(diff), worst_case(diff)
    lines: list[str] = []
    if reason is not None:
        lines += [f"**{code(diff.stack)}: the price book changes too.** {escaped(reason)}.", ""]
    if worst is not None:
        lines += [f"{code(diff.stack)}: {escaped(worst)}.", ""]
    return lines


def _details(diff: StackDiff, rows: int) -> list[str]:
    changed = diff.changed
    if not changed:
        return [
            f"{code(diff.stack)}: no resource changes its cost (base: {escaped(diff.base_name)})."
        ]
    header = ("", "Resource", "Kind", ">Before $/month", ">After $/month", ">Change")
    lines = table(
        header,
        [
            (
                SIGNS[each.change],
                code(each.name),
                code(each.type),
                side(each.base),
                side(each.head),
                resource_delta(each),
            )
            for each in changed[:rows]
        ],
    )
    if len(changed) > rows:
        lines += ["", _more(len(changed) - rows, "more are")]
    summary = f"{escaped(diff.stack)}: {counts(diff)}, compared with {escaped(diff.base_name)}"
    return folded(summary, lines)


def _unpriced(diff: StackDiff, room: int) -> list[str]:
    listed, most = diff.unpriced, min(room, LISTED_UNPRICED)
    if not listed:
        return []
    lines = [f"**{code(diff.stack)}: {_resources(len(listed))} no price, so not counted:**", ""]
    for each in listed[:most]:
        reason = each.head.unpriced if each.head and each.head.unpriced else ""
        lines.append(f"- {code(each.name)} ({code(each.type)}): {escaped(reason)}")
    if len(listed) > most:
        lines.append(f"- {_more(len(listed) - most, 'more are')}")
    return [*lines, ""]


def _resources(count: int) -> str:
    return "1 resource has" if count == 1 else f"{count} resources have"


def _policies(diff: StackDiff, room: int) -> list[str]:
    if not diff.policies:
        return _passed(diff)
    failed, rest = diff.failed_policies, [p for p in diff.policies if not p.is_mandatory]
    lines: list[str] = []
    if failed:
        lines += [f"**{code(diff.stack)}: ❌ the change is stopped by policy:**", ""]
        lines += _listed(failed, room)
    if rest:
        warned = _listed(rest, room)
        noun = "warning" if len(rest) == 1 else "warnings"
        lines += [*folded(f"{escaped(diff.stack)}: ⚠️ {len(rest)} policy {noun}", warned), ""]
    return lines


def _listed(policies: Sequence[PolicyResult], room: int) -> list[str]:
    lines = [line for policy in policies[:room] for line in _policy(policy)]
    hidden = len(policies) - room
    return [*lines, _more(hidden, "more are"), ""] if hidden > 0 else lines


def _passed(diff: StackDiff) -> list[str]:
    if not diff.policies_checked:
        return []
    return [f"{code(diff.stack)}: ✅ {diff.policies_checked} policies passed.", ""]


def _policy(policy: PolicyResult) -> list[str]:
    name = policy.urn.rsplit("::", 1)[-1]
    where = f" on {code(name)}" if name else ""
    level = policy.level + (f", {policy.severity}" if policy.severity else "")
    message = block(shortened(policy.message, MESSAGE_LIMIT))
    return [f"{code(policy.policy)} ({escaped(level)}){where}", "", message, ""]


def _notes(diff: StackDiff) -> list[str]:
    return [line for note in diff.notes for line in (f"> {escaped(note)}", "")]


def _footer(diffs: Sequence[StackDiff]) -> str:
    books = dict.fromkeys((diff.price_book.date, diff.price_book.version) for diff in diffs)
    dated = ", ".join(f"{escaped(date)} (book {code(version)})" for date, version in books)
    return (
        f"<sub>Prices of {dated}; 730 hours a month; USD; usage such as traffic is not included."
        " This comment is updated with every push.</sub>"
    )
