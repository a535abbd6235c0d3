"""Pinned plans: what a stack decided to buy, without prices, as `plans/<stack>.json`."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from outlay.catalog import Market, Precision
from outlay.errors import InputError
from outlay.planning.plan import Cluster, Plan, Pool

FORMAT: Literal[1] = 1
FOLDER = "plans"
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PinnedReplicas(_Stored):
    """Replicas of one shape for one workload."""

    workload: str
    gpus: Literal[1, 2, 4, 8]
    precision: Precision
    replicas: Count


class PinnedPool(_Stored):
    """GPU nodes of one offer."""

    instance_type: str
    market: Market
    gpu: str
    nodes: Count
    replicas: tuple[PinnedReplicas, ...]


class PinnedCpu(_Stored):
    """CPU nodes of a cluster."""

    instance_type: str
    nodes: Count


class PinnedCluster(_Stored):
    """One cluster with its pools."""

    provider: str
    region: str
    cpu: PinnedCpu | None
    pools: Annotated[tuple[PinnedPool, ...], Field(min_length=1)]


class Pin(_Stored):
    """What was decided, and what it cost when it was."""

    format: Literal[1]
    stack: str
    price_book: str
    price_book_date: str
    usd_per_month: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
    clusters: Annotated[tuple[PinnedCluster, ...], Field(min_length=1)]


def pin_path(project: Path, stack: str) -> Path:
    """Return where a stack's plan is pinned."""
    return project / FOLDER / f"{stack}.json"


def pinned(plan: Plan) -> Pin:
    """Return what of a plan is pinned."""
    return Pin(
        format=FORMAT,
        stack=plan.stack,
        price_book=plan.price_book.version,
        price_book_date=plan.price_book.date,
        usd_per_month=round(plan.usd_per_month, 2),
        clusters=tuple(_cluster(cluster) for cluster in plan.clusters),
    )


def _cluster(cluster: Cluster) -> PinnedCluster:
    cpu = cluster.cpu_pool
    return PinnedCluster(
        provider=cluster.provider,
        region=cluster.region,
        cpu=PinnedCpu(instance_type=cpu.instance_type, nodes=cpu.nodes) if cpu else None,
        pools=tuple(_pool(cluster, pool) for pool in cluster.pools),
    )


def _pool(cluster: Cluster, pool: Pool) -> PinnedPool:
    return PinnedPool(
        instance_type=pool.instance_type,
        market=pool.market,
        gpu=pool.gpu,
        nodes=pool.nodes,
        replicas=tuple(
            PinnedReplicas.model_validate(
                {
                    "workload": p.workload,
                    "gpus": p.shape.gpus,
                    "precision": p.shape.weight_precision,
                    "replicas": p.replicas,
                }
            )
            for p in cluster.placements
            if p.pool == pool.name
        ),
    )


def write_pin(pin: Pin, path: Path) -> None:
    """Write a pin; the file is the same for the same decision, so that git shows what changed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pin.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None


def read_pin(path: Path, *, stack: str) -> Pin | None:
    """Return a stack's pin, or None when it has none.

    Raises:
        InputError: the file cannot be read, is damaged, is another stack's, or is of another format.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, stack, f"cannot be read ({error})") from None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unusable(path, stack, f"is no valid JSON ({error})") from None
    return _validated(value, path, stack)


def _validated(value: object, path: Path, stack: str) -> Pin:
    if not isinstance(value, dict) or "format" not in value:
        raise _unusable(path, stack, "is no pinned plan")
    if value["format"] != FORMAT:
        problem = f"has format {value['format']!r}, this outlay writes and reads {FORMAT}"
        raise _unusable(path, stack, problem)
    try:
        pin = Pin.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _unusable(path, stack, f"is damaged ({where}: {first['msg']})") from None
    if pin.stack != stack:
        raise _unusable(path, stack, f"is the plan of stack {pin.stack!r}, not of {stack!r}")
    return pin


def _unusable(path: Path, stack: str, problem: str) -> InputError:
    return InputError(
        f"{path} {problem}; pin the plan anew with `outlay plan --stack {stack} --write`,"
        " or delete the file to plan without a pin"
    )
