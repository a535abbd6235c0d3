"""A YAML file of failures and limits, for whole runs that shall go wrong in the same way each time.

```
- fault: capacity            # a kind of `python -m sandbox fault --help`
  match: "*spot*"            # type, name, cloud name or URN; default: everything
  operation: create          # default
  times: 2                   # default: 1
- capacity: {provider: azure, region: eastus, sku: Standard_NC4as_T4_v3, market: spot, nodes: 0}
- quota: {provider: lambda, region: us-west-1, market: on-demand, unit: gpus, amount: 8}
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.faults import KINDS
from sandbox.ledger import Ledger
from sandbox.packages import MARKETS, OPERATIONS, PACKAGES, UNITS

Step = Mapping[str, Any]
FAULT: dict[str, Any] = {
    "match": "*",
    "operation": "create",
    "times": 1,
    "message": "",
    "seconds": 5.0,
}
CAPACITY = ("provider", "region", "sku", "market", "nodes")
QUOTA = ("provider", "region", "market", "unit", "amount")


def play(ledger: Ledger, file: Path) -> int:
    """Plan every step of a file, or none; return how many there are.

    Raises SandboxError if the file or a step cannot be used; it names the step.
    """
    steps = [_planned(step, f"{file}: step {number}") for number, step in enumerate(_read(file), 1)]
    with ledger.transaction():
        for step in steps:
            step(ledger)
    return len(steps)


def _read(file: Path) -> list[Any]:
    import yaml  # noqa: PLC0415 - only scenarios need it

    try:
        found = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SandboxError(f"{file}: no scenario to be read: {error}") from error
    if not isinstance(found, list):
        raise SandboxError(f"{file}: a scenario is a list of steps: fault, capacity or quota")
    return found


def _planned(step: Any, where: str) -> Callable[[Ledger], None]:
    if isinstance(step, dict) and "fault" in step:
        return _fault(step, where)
    if isinstance(step, dict) and len(step) == 1:
        ((kind, fields),) = step.items()
        if kind == "capacity":
            return _limit(fields, CAPACITY, where, Ledger.set_capacity)
        if kind == "quota":
            return _limit(fields, QUOTA, where, Ledger.set_quota)
    raise SandboxError(f"{where}: must be one of fault, capacity, quota; is {step!r}")


def _fault(step: Step, where: str) -> Callable[[Ledger], None]:
    unknown = set(step) - {"fault", *FAULT}
    if unknown:
        raise SandboxError(f"{where}: a fault has no {', '.join(sorted(unknown))}")
    _among(step["fault"], KINDS, where, "kind of fault")
    given = {**FAULT, **{key: value for key, value in step.items() if key != "fault"}}
    _among(given["operation"], OPERATIONS, where, "operation")
    _whole(given["times"], where, "times")
    return lambda ledger: ledger.add_fault(kind=str(step["fault"]), **given)


def _limit(
    fields: Any, wanted: tuple[str, ...], where: str, apply: Callable[..., None]
) -> Callable[[Ledger], None]:
    if not isinstance(fields, dict) or set(fields) != set(wanted):
        raise SandboxError(f"{where}: needs exactly {', '.join(wanted)}")
    _among(fields["provider"], PACKAGES, where, "provider")
    _among(fields["market"], MARKETS, where, "market")
    if "unit" in wanted:
        _among(fields["unit"], UNITS, where, "unit")
    _whole(fields[wanted[-1]], where, wanted[-1])
    rest = {key: value for key, value in fields.items() if key != "provider"}
    return lambda ledger: apply(ledger, package=PACKAGES[fields["provider"]], **rest)


def _among(value: Any, known: Any, where: str, what: str) -> None:
    if value not in known:
        raise SandboxError(f"{where}: there is no {what} {value!r}; there are {', '.join(known)}")


def _whole(value: Any, where: str, what: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise SandboxError(f"{where}: {what} must be a whole number of 0 or more, is {value!r}")
