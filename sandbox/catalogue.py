"""Which machine types exist, where, and in which markets: read from outlay's own catalogue."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.schema import nearest

DATA = Path(__file__).parent.parent / "infra" / "outlay" / "catalog" / "data"
ON_DEMAND = "on-demand"
SPOT = "spot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine type of one provider, with the markets that each region sells it in."""

    name: str
    vcpus: int
    gpu: str
    gpus: int
    markets: Mapping[str, frozenset[str]]


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        raise SandboxError(
            f"{path}: missing; the sandbox takes its machine types from the catalogue"
        )
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _not_sold() -> frozenset[tuple[str, str, str]]:
    rows = _rows(DATA / "not_sold.csv")
    return frozenset((row["provider"], row["instance_type"], row["market"]) for row in rows)


def _markets(row: Mapping[str, str], not_sold: frozenset[tuple[str, str, str]]) -> frozenset[str]:
    priced = {
        ON_DEMAND: row["price_ondemand_usd_per_hour"],
        SPOT: row["price_spot_usd_per_hour"],
    }
    return frozenset(
        market
        for market, price in priced.items()
        if price and (row["provider"], row["instance_type"], market) not in not_sold
    )


@lru_cache(maxsize=4)
def machines(provider: str) -> Mapping[str, Machine]:
    """Return the GPU and CPU machine types of a provider, by name.

    Raises SandboxError if the catalogue's files are missing.
    """
    not_sold = _not_sold()
    found: dict[str, Machine] = {}
    regions: dict[str, dict[str, frozenset[str]]] = defaultdict(dict)
    for row in _rows(DATA / "offers.csv"):
        if row["provider"] == provider:
            name = row["instance_type"]
            regions[name][row["region"]] = _markets(row, not_sold)
            found[name] = Machine(
                name=name,
                vcpus=int(float(row["vcpus"] or 0)),
                gpu=row["gpu"],
                gpus=int(float(row["gpu_count"])),
                markets=regions[name],
            )
    return {**_cpu_machines(provider), **found}


def _cpu_machines(provider: str) -> dict[str, Machine]:
    rows = [row for row in _rows(DATA / "cpu_offers.csv") if row["provider"] == provider]
    return {
        row["instance_type"]: Machine(
            name=row["instance_type"], vcpus=int(float(row["vcpus"])), gpu="", gpus=0, markets={}
        )
        for row in rows
    }


def regions(provider: str) -> tuple[str, ...]:
    """Return the regions of a provider in which the catalogue knows machine types with GPUs."""
    known = machines(provider).values()
    return tuple(sorted({region for machine in known for region in machine.markets}))


def refusal(provider: str, *, name: str, region: str, market: str) -> str:
    """Return why a machine type cannot be had in a region and market; empty if it can.

    CPU types are sold everywhere and in every market: the catalogue lists where GPUs are.
    """
    known = machines(provider)
    machine = known.get(name)
    if machine is None:
        return f"{provider} has no machine type {name!r} in the catalogue{nearest(name, known)}"
    if not machine.gpus:
        return ""
    if region not in machine.markets:
        return f"{name} is not sold in {region}; it is in {', '.join(sorted(machine.markets))}"
    if market not in machine.markets[region]:
        sold = ", ".join(sorted(machine.markets[region])) or "reservations only"
        return f"{name} is not sold {market} in {region} (sold there: {sold})"
    return ""


@lru_cache(maxsize=1)
def accelerators() -> Mapping[str, tuple[str, ...]]:
    """Return Google's accelerator names of each GPU of the catalogue."""
    return {
        row["gpu"]: tuple(
            alias for alias in row["aliases"].split(";") if alias.startswith("nvidia-")
        )
        for row in _rows(DATA / "gpus.csv")
    }
