"""Look into the sandbox's ledger and make its clouds misbehave: `python -m sandbox --help`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.faults import KINDS
from sandbox.ledger import Ledger, Record, ledger_path
from sandbox.packages import MARKETS, OPERATIONS, PACKAGES, UNITS
from sandbox.values import Props, put


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--ledger", type=Path, help="ledger file; default: $OUTLAY_SANDBOX")
    verbs = parser.add_subparsers(dest="verb", required=True)
    _verb(verbs, "ls", _ls, "list what exists")
    _verb(verbs, "ledger", _ledger, "list what exists and what it burns an hour")
    scenario = _verb(verbs, "scenario", _scenario, "plan the failures and limits of a YAML file")
    scenario.add_argument("file", type=Path)
    _verb(verbs, "empty", _empty, "exit 0 if nothing exists, else list it and exit 1")
    _verb(verbs, "calls", _calls, "list the operations that were asked for")
    _fault_verbs(verbs)
    _limit_verbs(verbs)
    _drift_verbs(verbs)
    return parser


def _verb(
    verbs: Any, name: str, run: Callable[[Ledger, argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def _fault_verbs(verbs: Any) -> None:
    kinds = "; ".join(f"{kind}: {text}" for kind, text in KINDS.items())
    add = _verb(verbs, "fault", _fault, "plan a failure")
    add.add_argument("kind", choices=KINDS, help=kinds)
    add.add_argument(
        "match", help="glob on the type token, the resource's name, its cloud name or its URN"
    )
    add.add_argument("--operation", choices=OPERATIONS, default="create")
    add.add_argument("--times", type=int, default=1, help="how often; default: once")
    add.add_argument("--message", default="", help="what the cloud shall say")
    add.add_argument("--seconds", type=float, default=5.0, help="for sleep and sleep_after")
    _verb(verbs, "faults", _faults, "list the failures still to come")
    _verb(verbs, "clear-faults", _clear_faults, "forget every planned failure")


def _limit_verbs(verbs: Any) -> None:
    capacity = _verb(
        verbs, "capacity", _capacity, "limit the nodes of a machine type that a region has"
    )
    _place(capacity)
    capacity.add_argument("sku", help="machine type")
    capacity.add_argument("market", choices=MARKETS)
    capacity.add_argument("nodes", type=int)
    quota = _verb(verbs, "quota", _quota, "set the account's quota in a region")
    _place(quota)
    quota.add_argument("market", choices=MARKETS)
    quota.add_argument("unit", choices=UNITS)
    quota.add_argument("amount", type=int)
    _verb(verbs, "clear-limits", _clear_limits, "drop every capacity limit and quota")


def _place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("provider", choices=PACKAGES)
    parser.add_argument("region")


def _drift_verbs(verbs: Any) -> None:
    change = _verb(verbs, "change", _change, "change a resource behind the program's back")
    change.add_argument("resource", help="id, cloud name or logical name")
    change.add_argument("path", help="such as scalingConfig.desiredSize")
    change.add_argument("value", help="JSON, or plain text")
    delete = _verb(verbs, "delete", _delete, "delete a resource behind the program's back")
    delete.add_argument("resource", help="id, cloud name or logical name")


def _ls(ledger: Ledger, _: argparse.Namespace) -> int:
    for record in ledger.records():
        usage = record.usage
        nodes = f"  {usage.nodes} x {usage.sku} {usage.market}" if usage.nodes else ""
        print(f"{record.token}  {record.id}  {record.region}{nodes}")
    return 0


def _ledger(ledger: Ledger, _: argparse.Namespace) -> int:
    from sandbox.burn import burn  # noqa: PLC0415 - one verb of many needs prices

    rows = burn(ledger)
    for row in rows:
        print(f"{row.usd_text:>12}  {row.token}  {row.name}  {row.region}")
    total = sum(row.usd_per_hour for row in rows if row.usd_per_hour is not None)
    print(f"{total:>12.4f}  USD/hour in all, {len(rows)} resources")
    return 0


def _scenario(ledger: Ledger, arguments: argparse.Namespace) -> int:
    from sandbox.scenario import play  # noqa: PLC0415 - one verb of many needs YAML

    print(f"{play(ledger, arguments.file)} steps planned")
    return 0


def _empty(ledger: Ledger, arguments: argparse.Namespace) -> int:
    records = ledger.records()
    if records:
        print(f"the sandbox still holds {len(records)} resources:", file=sys.stderr)
        _ls(ledger, arguments)
    return 1 if records else 0


def _calls(ledger: Ledger, _: argparse.Namespace) -> int:
    for call in ledger.calls():
        print(
            f"{call.at}  {call.process}  {call.operation}  {call.token}  {call.name}  {call.region}"
        )
    return 0


def _fault(ledger: Ledger, arguments: argparse.Namespace) -> int:
    ledger.add_fault(
        operation=arguments.operation,
        match=arguments.match,
        kind=arguments.kind,
        message=arguments.message,
        seconds=arguments.seconds,
        times=arguments.times,
    )
    return 0


def _faults(ledger: Ledger, _: argparse.Namespace) -> int:
    for fault in ledger.faults():
        print(f"{fault.kind} on {fault.operation} of {fault.match}, {fault.remaining} more time(s)")
    return 0


def _clear_faults(ledger: Ledger, _: argparse.Namespace) -> int:
    ledger.clear_faults()
    return 0


def _capacity(ledger: Ledger, arguments: argparse.Namespace) -> int:
    ledger.set_capacity(
        package=PACKAGES[arguments.provider],
        region=arguments.region,
        sku=arguments.sku,
        market=arguments.market,
        nodes=arguments.nodes,
    )
    return 0


def _quota(ledger: Ledger, arguments: argparse.Namespace) -> int:
    ledger.set_quota(
        package=PACKAGES[arguments.provider],
        region=arguments.region,
        market=arguments.market,
        unit=arguments.unit,
        amount=arguments.amount,
    )
    return 0


def _clear_limits(ledger: Ledger, _: argparse.Namespace) -> int:
    ledger.clear_limits()
    return 0


def _named(ledger: Ledger, name: str) -> Record:
    """Return the one resource that goes by a name.

    Raises SandboxError if none or several do.
    """
    found = [
        record
        for record in ledger.records()
        if name in (record.id, record.name, record.urn, record.urn.rsplit("::", 1)[-1])
    ]
    if len(found) != 1:
        names = (
            ", ".join(record.id for record in found) or "python -m sandbox ls shows what there is"
        )
        raise SandboxError(f"{len(found)} resources go by {name!r}: {names}")
    return found[0]


def _value(text: str) -> Any:
    import json  # noqa: PLC0415 - one verb of many needs it

    try:
        return json.loads(text)
    except ValueError:
        return text


def _change(ledger: Ledger, arguments: argparse.Namespace) -> int:
    record = _named(ledger, arguments.resource)
    changed: list[Props] = []
    for props in (record.inputs, record.outputs):
        try:
            put(props, arguments.path, _value(arguments.value))
        except ValueError as error:
            raise SandboxError(str(error)) from error
        changed.append(props)
    ledger.replace(record)
    return 0


def _delete(ledger: Ledger, arguments: argparse.Namespace) -> int:
    ledger.delete(_named(ledger, arguments.resource))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        code: int = parsed.run(Ledger(parsed.ledger or ledger_path()), parsed)
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    return code
