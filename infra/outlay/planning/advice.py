"""What each precision would cost for a workload: one plan per option, ranked.

The cost of an option is that of the cheapest plan with nothing but this option allowed, found by
the same program that makes the real plan; a saving is the difference of two such plans.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from outlay.catalog import Catalog, Gpu, Model
from outlay.errors import InputError, NoFeasiblePlanError
from outlay.planning.candidates import traffic
from outlay.planning.plan import Placement, Plan, Pool
from outlay.planning.planner import make_plan
from outlay.settings import Settings, WorkloadSettings
from outlay.sizing.advisor import (
    SIXTEEN_BIT,
    Method,
    Retention,
    base_method,
    checkpoint_of,
    methods_for,
    retention,
    saved_share,
    weight_bytes,
)
from outlay.sizing.capacity import size_replica
from outlay.sizing.features import GIB, card_bytes
from outlay.sizing.memory import GPU_MEMORY_UTILIZATION, memory_budget
from outlay.sizing.precision import native_16bit
from outlay.sizing.types import ReplicaShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One precision with the cheapest plan that uses nothing else.

    `saved_share` is of the weights' bytes against the base. `speed` is the capacity of the plan's
    main replica against the base on the same GPUs; None where the base does not run on them.
    `saving_usd_per_month` is None when the base has no plan.
    """

    method: Method
    plan: Plan
    weights_gib: float
    saved_share: float
    retention: Retention | None
    checkpoint: str
    checkpoint_exists: bool
    speed: float | None
    saving_usd_per_month: Decimal | None

    @property
    def main(self) -> Placement:
        """The placement that carries most of the demand."""
        return main_placement(self.plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """A precision that is no option here, and why."""

    method: Method
    retention: Retention | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Options for one workload, cheapest per million tokens first."""

    workload: WorkloadSettings
    base: Method
    base_plan: Plan | None
    choices: tuple[Choice, ...]
    excluded: tuple[Excluded, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an option must keep: share of the quality, and memory of the one GPU it must fit on."""

    min_quality: float = 0.0
    gpu_memory_gib: float | None = None


def advise(settings: Settings, catalog: Catalog, *, limits: Limits) -> Advice:
    """Return every precision of the workload's model, ranked by cost per million tokens.

    With a memory limit only GPUs of at most that much are bought, and weights, runtime and one
    sequence must fit on one of them.

    Raises:
        InputError: the settings have several workloads, or no GPU on sale is within the limit.
    """
    if len(settings.workloads) != 1:
        raise InputError("precisions are compared for one workload; name one model")
    field = _Field(_within(settings, catalog, limits), catalog, limits)
    base = field.base
    base_plan = field.plan(base)
    results = [field.judge(m, base_plan=base_plan) for m in methods_for(field.model)]
    choices = [result for result in results if isinstance(result, Choice)]
    return Advice(
        workload=field.workload,
        base=base,
        base_plan=base_plan if isinstance(base_plan, Plan) else None,
        choices=tuple(sorted(choices, key=_cheapest_first)),
        excluded=tuple(result for result in results if isinstance(result, Excluded)),
    )


def _within(settings: Settings, catalog: Catalog, limits: Limits) -> Settings:
    if limits.gpu_memory_gib is None:
        return settings
    allowed = settings.gpus or tuple(sorted({offer.gpu for offer in catalog.offers}))
    small = tuple(g for g in allowed if _memory_gib(catalog.gpu(g)) <= limits.gpu_memory_gib)
    if not small:
        least = min(_memory_gib(catalog.gpu(g)) for g in allowed)
        raise InputError(
            f"no GPU has at most {limits.gpu_memory_gib:g} GiB; the smallest allowed has {least:.0f}"
        )
    return settings.model_copy(update={"gpus": small})


def _memory_gib(gpu: Gpu) -> float:
    return card_bytes(gpu) / GIB


def _cheapest_first(choice: Choice) -> tuple[Decimal, float, str]:
    kept = choice.retention.low if choice.retention else 0.0
    return choice.plan.usd_per_million_tokens, -kept, choice.method.name


class _Field:
    """Plans of one workload by method; methods that are stored alike share a plan."""

    def __init__(self, settings: Settings, catalog: Catalog, limits: Limits) -> None:
        self.settings = settings
        self.catalog = catalog
        self.limits = limits
        self.workload = settings.workloads[0]
        self.model: Model = catalog.model(self.workload.model)
        self.base = base_method(self.model)
        self._plans: dict[tuple[object, ...], Plan | str] = {}

    def judge(self, method: Method, *, base_plan: Plan | str) -> Choice | Excluded:
        kept = retention(self.model, method)
        reason = self._quality_refusal(method, kept) or self._memory_refusal(method)
        plan = reason or self.plan(method)
        if isinstance(plan, str):
            return Excluded(method=method, retention=kept, reason=plan)
        checkpoint, exists = checkpoint_of(self.model, method)
        return Choice(
            method=method,
            plan=plan,
            weights_gib=weight_bytes(self.model, method.precision) / GIB,
            saved_share=saved_share(self.model, method),
            retention=kept,
            checkpoint=checkpoint or self.model.hf_id,
            checkpoint_exists=exists,
            speed=self._speed(plan),
            saving_usd_per_month=realised_saving(base_plan, plan),
        )

    def plan(self, method: Method) -> Plan | str:
        """Return the cheapest plan in this precision alone, or why there is none."""
        key = (method.precision, method.kv_precision, method.makes_itself)
        if key not in self._plans:
            self._plans[key] = self._make_plan(method)
        return self._plans[key]

    def _make_plan(self, method: Method) -> Plan | str:
        only = self.workload.model_copy(
            update={
                "precisions": (method.precision,),
                "kv_precision": method.kv_precision,
                "checkpoint": checkpoint_of(self.model, method)[0],
            }
        )
        try:
            return make_plan(self.settings.model_copy(update={"workloads": (only,)}), self.catalog)
        except NoFeasiblePlanError as error:
            return "; ".join(error.reasons) or str(error)

    def _quality_refusal(self, method: Method, kept: Retention | None) -> str | None:
        least = self.limits.min_quality
        if least <= 0 or method == self.base:
            return None
        if kept is None:
            return f"no source for the quality it keeps, {least:.1%} is asked for"
        if kept.low < least:
            return f"keeps {kept.low:.1%} of the quality, {least:.1%} is asked for"
        return None

    def _memory_refusal(self, method: Method) -> str | None:
        limit = self.limits.gpu_memory_gib
        if limit is None:
            return None
        largest = max((self.catalog.gpu(name) for name in self.settings.gpus), key=card_bytes)
        tokens = self.workload.input_tokens + self.workload.output_tokens
        budget = memory_budget(
            self.model,
            largest,
            tensor_parallel=1,
            precision=method.precision,
            kv_precision=method.kv_precision or native_16bit(self.model, largest),
        )
        if budget.sequences(tokens) >= 1:
            return None
        return (
            f"needs {budget.needed_gib(tokens):.1f} GiB for weights, runtime and one sequence;"
            f" of {limit:g} GiB the engine may use {limit * GPU_MEMORY_UTILIZATION:.1f}"
        )

    def _speed(self, plan: Plan) -> float | None:
        shape = main_placement(plan).shape
        gpu = self.catalog.gpu(shape.gpu)
        precision = self.base.precision
        if precision in SIXTEEN_BIT:
            precision = native_16bit(self.model, gpu)
        base = size_replica(
            self.model,
            gpu,
            tensor_parallel=shape.tensor_parallel,
            precision=precision,
            traffic=traffic(self.workload),
        )
        if not isinstance(base, ReplicaShape):
            return None
        return shape.capacity_rps.expected / base.capacity_rps.expected


def main_placement(plan: Plan) -> Placement:
    """Return the placement with the most capacity."""
    return max(plan.placements, key=lambda p: (p.shape.capacity_rps.low * p.replicas, p.shape.key))


def realised_saving(before: Plan | str, after: Plan) -> Decimal | None:
    """Return what the bill of a month shrinks by: 0 when the same nodes are bought.

    Smaller weights alone also shrink the nodes' disks a little; that is not claimed.
    """
    if isinstance(before, str):
        return None
    if bought(before) == bought(after):
        return Decimal(0)
    return before.usd_per_month - after.usd_per_month


def bought(plan: Plan) -> tuple[tuple[str, ...], ...]:
    """Return the nodes of a plan as comparable values."""
    return tuple(sorted(_nodes(pool) for pool in plan.pools))


def _nodes(pool: Pool) -> tuple[str, ...]:
    return (pool.provider, pool.region, pool.instance_type, pool.market, str(pool.nodes))


def reasons(excluded: Iterable[Excluded]) -> dict[str, tuple[str, ...]]:
    """Return the excluded methods' names by reason, in order."""
    names: dict[str, list[str]] = {}
    for item in excluded:
        names.setdefault(item.reason, []).append(item.method.name)
    return {reason: tuple(group) for reason, group in names.items()}
