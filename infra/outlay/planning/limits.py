"""The settings that limit what may be bought, and how each can be relaxed step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from outlay.catalog import Grade, Market
from outlay.planning.plan import Plan
from outlay.settings import Settings, SurviveDomain, WorkloadSettings

# A latency limit is loosened by these factors, then lifted; a share by these parts of the way.
LATENCY_STEPS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
SHARE_STEPS = (0.25, 0.5, 0.75)
NO_LATENCY_LIMIT_MS = 3_600_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Settings with one limit loosened; `to` says how, as a plan under them would need it."""

    settings: Settings
    to: Callable[[Plan], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One setting that limits: `lifted` is without it, `steps` loosen it, the least first.

    `is_own` tells what the user set from what holds by default.
    """

    name: str
    value: str
    is_own: bool
    lift: Callable[[Settings], Settings]
    steps: Callable[[Settings], Iterable[Step]]

    @property
    def text(self) -> str:
        """The limit as its user wrote it."""
        return f"{self.name} {self.value}"


def limits(settings: Settings) -> tuple[Limit, ...]:
    """Return every limit that holds, those of the whole stack first."""
    own = [limit for index in range(len(settings.workloads)) for limit in _of(settings, index)]
    return (*_names(settings), *_of_stack(settings), *own)


def _names(settings: Settings) -> Iterator[Limit]:
    """Lists of what is allowed; the way out is to allow what the plan without the list uses."""
    used: tuple[tuple[str, Callable[[Plan], Iterable[str]]], ...] = (
        ("providers", lambda plan: (p.provider for p in plan.pools)),
        ("regions", lambda plan: (f"{p.provider}/{p.region}" for p in plan.pools)),
        ("gpus", lambda plan: (p.gpu for p in plan.pools)),
    )
    for field, names in used:
        if getattr(settings, field):
            yield _allow_list(settings, field, names, every=())
    every = tuple(Market)
    if set(settings.markets) < set(every):
        yield _allow_list(settings, "markets", lambda plan: (p.market for p in plan.pools), every)


def _allow_list(
    settings: Settings,
    field: str,
    used: Callable[[Plan], Iterable[str]],
    every: tuple[str, ...],
) -> Limit:
    allowed = tuple(getattr(settings, field))

    def lift(asked: Settings) -> Settings:
        return asked.model_copy(update={field: every})

    def to(plan: Plan) -> str:
        more = [name for name in dict.fromkeys(used(plan)) if name not in allowed]
        return f"also allow {', '.join(more)}" if more else "as they are"

    return Limit(
        name=field,
        value=", ".join(allowed),
        is_own=True,
        lift=lift,
        steps=lambda asked: [Step(settings=lift(asked), to=to)],
    )


def _of_stack(settings: Settings) -> Iterator[Limit]:
    yield from _left_out(settings)
    if settings.max_spot_share < 1:
        yield _number(settings, "max_spot_share", "maxSpotShare", loosest=1.0)
    if settings.survive_domain is not SurviveDomain.NONE and settings.survive_fraction > 0:
        also = ("survive_domain",)
        yield _number(settings, "survive_fraction", "surviveFraction", loosest=0.0, with_=also)
    if settings.headroom > 1:
        yield _number(settings, "headroom", "headroom", loosest=1.0)
    if settings.lowest_grade is not Grade.EXTRAPOLATED:
        yield _grade(settings)
    if settings.budget_usd_per_month is not None:
        yield _budget(settings)


def _left_out(settings: Settings) -> Iterator[Limit]:
    """Lists of what is left out, quotas and the number of clusters; the way out is to do without."""
    lists = ("exclude_providers", "exclude_regions", "exclude_gpus", "exclude_instance_types")
    for field in ("instance_types", *lists):
        names: tuple[str, ...] = getattr(settings, field)
        if names:
            yield _unset(settings, field, value=", ".join(names), to=_to("nothing"))
    if settings.quotas:
        value = ", ".join(f"{q.gpus} GPUs at {q.provider}" for q in settings.quotas)
        yield _unset(settings, "quotas", value=value, to=_to("more GPUs"))
    if settings.max_clusters is not None:
        value = str(settings.max_clusters)
        yield _unset(settings, "max_clusters", value=value, to=lambda plan: str(len(plan.clusters)))


def _unset(settings: Settings, field: str, *, value: str, to: Callable[[Plan], str]) -> Limit:
    info = type(settings).model_fields[field]

    def lift(asked: Settings) -> Settings:
        return asked.model_copy(update={field: info.default})

    return Limit(
        name=info.alias or field,
        value=value,
        is_own=True,
        lift=lift,
        steps=lambda asked: [Step(settings=lift(asked), to=to)],
    )


def _number(
    settings: Settings, field: str, name: str, *, loosest: float, with_: tuple[str, ...] = ()
) -> Limit:
    value: float = getattr(settings, field)
    between = [value + (loosest - value) * step for step in SHARE_STEPS]

    def at(asked: Settings, new: float) -> Settings:
        return asked.model_copy(update={field: round(new, 4)})

    return Limit(
        name=name,
        value=f"{value:g}",
        is_own=bool({field, *with_} & settings.model_fields_set),
        lift=lambda asked: at(asked, loosest),
        steps=lambda asked: [
            Step(settings=at(asked, new), to=_to(f"{round(new, 4):g}"))
            for new in (*between, loosest)
        ],
    )


def _to(text: str) -> Callable[[Plan], str]:
    return lambda _plan: text


def _grade(settings: Settings) -> Limit:
    def lift(asked: Settings) -> Settings:
        return asked.model_copy(update={"lowest_grade": Grade.EXTRAPOLATED})

    return Limit(
        name="lowestGrade",
        value=settings.lowest_grade,
        is_own="lowest_grade" in settings.model_fields_set,
        lift=lift,
        steps=lambda asked: [Step(settings=lift(asked), to=_to(Grade.EXTRAPOLATED))],
    )


def _budget(settings: Settings) -> Limit:
    def lift(asked: Settings) -> Settings:
        return asked.model_copy(update={"budget_usd_per_month": None})

    def to(plan: Plan) -> str:
        return f"${plan.usd_per_month:,.2f}"

    return Limit(
        name="budgetUsdPerMonth",
        value=f"${settings.budget_usd_per_month:,.2f}",
        is_own=True,
        lift=lift,
        steps=lambda asked: [Step(settings=lift(asked), to=to)],
    )


def _of(settings: Settings, index: int) -> Iterator[Limit]:
    workload = settings.workloads[index]
    for field, name in (("ttft_ms", "ttftMs"), ("tpot_ms", "tpotMs")):
        yield _latency(settings, index, field, name)
    if workload.precisions and not workload.checkpoint:
        yield _lifted_only(settings, index, "precisions", (), ", ".join(workload.precisions))


def _name(settings: Settings, index: int, name: str) -> str:
    return name if len(settings.workloads) == 1 else f"{settings.workloads[index].label}: {name}"


def _with(asked: Settings, index: int, changes: dict[str, object]) -> Settings:
    changed: list[WorkloadSettings] = list(asked.workloads)
    changed[index] = changed[index].model_copy(update=changes)
    return asked.model_copy(update={"workloads": tuple(changed)})


def _latency(settings: Settings, index: int, field: str, name: str) -> Limit:
    value: float = getattr(settings.workloads[index], field)
    between = [value * step for step in LATENCY_STEPS if value * step < NO_LATENCY_LIMIT_MS]
    return Limit(
        name=_name(settings, index, name),
        value=f"{value:g}",
        is_own=field in settings.workloads[index].model_fields_set,
        lift=lambda asked: _with(asked, index, {field: NO_LATENCY_LIMIT_MS}),
        steps=lambda asked: [
            Step(settings=_with(asked, index, {field: new}), to=_to(f"{new:g}"))
            for new in (*between, NO_LATENCY_LIMIT_MS)
        ],
    )


def _lifted_only(settings: Settings, index: int, field: str, loosest: object, value: str) -> Limit:
    def lift(asked: Settings) -> Settings:
        return _with(asked, index, {field: loosest})

    def to(plan: Plan) -> str:
        label = settings.workloads[index].label
        used = {p.shape.weight_precision for p in plan.placements if p.workload == label}
        return f"also allow {', '.join(sorted(used))}"

    return Limit(
        name=_name(settings, index, field),
        value=value,
        is_own=True,
        lift=lift,
        steps=lambda asked: [Step(settings=lift(asked), to=to)],
    )
