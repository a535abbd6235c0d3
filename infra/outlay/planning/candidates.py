"""What could be bought: every allowed offer with the replica shapes that fit it, losers with reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from math import ceil

from outlay.catalog import Catalog, Grade, Model, Offer, Precision
from outlay.catalog.llm_d import ROUTER_CPUS, ROUTER_MEMORY_GIB
from outlay.catalog.providers import ROUTERS_ON_GPU_NODES
from outlay.catalog.regions import matches
from outlay.planning.nodes import Allocatable, allocatable, replica_room
from outlay.planning.plan import LeftOut
from outlay.pricing.disks import node_disk_hour
from outlay.pricing.rates import Rates
from outlay.pricing.types import Unpriced
from outlay.settings import Settings, WorkloadSettings
from outlay.sizing.calibrated import Loaded, Results, calibrated, unused, use
from outlay.sizing.calibration_file import load_calibrations
from outlay.sizing.capacity import replica_shapes
from outlay.sizing.speculation import Speculation
from outlay.sizing.types import DoesNotRun, ReplicaShape, Traffic

# Operating system, container images and logs; then room for the weights of every replica of a node.
BASE_DISK_GIB = 60
WEIGHTS_DISK_FACTOR = 1.1
MOST_GPUS_PER_REPLICA = 8
GRADES = tuple(Grade)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One replica shape of one workload on one offer."""

    workload: int
    shape: ReplicaShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One offer that can serve at least one workload."""

    offer: Offer
    options: tuple[Option, ...]
    allocatable: Allocatable
    disk_gib: int
    disk_usd_per_hour: Decimal

    @property
    def usd_per_hour(self) -> Decimal:
        """One node with its disk."""
        return self.offer.usd_per_hour + self.disk_usd_per_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """The whole field of candidates, and who was left out of it."""

    candidates: tuple[Candidate, ...]
    left_out: tuple[LeftOut, ...]
    misfits: tuple[DoesNotRun, ...]


Shapes = dict[tuple[int, str], tuple[ReplicaShape, ...]]


def field(settings: Settings, catalog: Catalog) -> Field:
    """Return every offer that the settings allow, with the shapes that fit it."""
    left_out: list[LeftOut] = []
    offers = allowed_offers(settings, catalog)
    gpus = sorted({offer.gpu for offer in offers})
    shapes, misfits = _shapes(settings, catalog, gpus, left_out=left_out)
    rates = Rates(catalog)
    candidates: list[Candidate] = []
    for offer in offers:
        candidate = _candidate(offer, shapes, rates, workloads=len(settings.workloads))
        if isinstance(candidate, Candidate):
            candidates.append(candidate)
    return Field(candidates=tuple(candidates), left_out=tuple(left_out), misfits=misfits)


def allowed_offers(settings: Settings, catalog: Catalog) -> list[Offer]:
    """Return the offers that the settings allow, in a fixed order."""
    rules: Sequence[Callable[[Offer], bool]] = (
        lambda o: not settings.providers or o.provider in settings.providers,
        lambda o: o.provider not in settings.exclude_providers,
        lambda o: o.market in settings.markets,
        lambda o: not settings.gpus or o.gpu in settings.gpus,
        lambda o: o.gpu not in settings.exclude_gpus,
        lambda o: not settings.regions or _in_region(o, settings.regions),
        lambda o: not _in_region(o, settings.exclude_regions),
        lambda o: not settings.instance_types or _is_type(o, settings.instance_types),
        lambda o: not _is_type(o, settings.exclude_instance_types),
    )
    offers = (offer for offer in catalog.offers if all(rule(offer) for rule in rules))
    return sorted(offers, key=lambda offer: offer.key)


def _in_region(offer: Offer, patterns: Iterable[str]) -> bool:
    return any(matches(p, provider=offer.provider, region=offer.region) for p in patterns)


def _is_type(offer: Offer, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(offer.instance_type.lower(), p.lower()) for p in patterns)


def _shapes(
    settings: Settings, catalog: Catalog, gpus: Sequence[str], *, left_out: list[LeftOut]
) -> tuple[Shapes, tuple[DoesNotRun, ...]]:
    shapes: Shapes = {}
    misfits: list[DoesNotRun] = []
    calibrations = use(load_calibrations(settings.calibrations), catalog)
    sized: list[ReplicaShape | DoesNotRun] = []
    for index, workload in enumerate(settings.workloads):
        results = _sized(workload, catalog, gpus=gpus, calibrations=calibrations)
        sized += results
        misfits += [result for result in results if isinstance(result, DoesNotRun)]
        fits = [result for result in results if isinstance(result, ReplicaShape)]
        graded = _graded(fits, settings.lowest_grade, misfits)
        for gpu in gpus:
            shapes[index, gpu] = _worthwhile([shape for shape in graded if shape.gpu == gpu])
    left_out += [
        LeftOut(what=f"calibration {found.name}", reason=found.reason)
        for found in unused(calibrations, sized)
    ]
    return shapes, tuple(misfits)


def _sized(
    workload: WorkloadSettings,
    catalog: Catalog,
    *,
    gpus: Sequence[str],
    calibrations: Iterable[Loaded],
) -> Results:
    model = catalog.model(workload.model)
    wanted = precisions(workload, model)
    speculation = _speculation(workload, catalog)

    def size(load: Traffic) -> Results:
        return replica_shapes(
            model,
            [catalog.gpu(gpu) for gpu in gpus],
            traffic=load,
            precisions=wanted,
            max_gpus=MOST_GPUS_PER_REPLICA,
            kv_precision=workload.kv_precision,
            checkpoints=dict.fromkeys(wanted, workload.checkpoint) if workload.checkpoint else {},
            speculation=speculation,
        )

    # A calibration is of plain decoding.
    return calibrated(size, traffic(workload), () if speculation else calibrations)


def _speculation(workload: WorkloadSettings, catalog: Catalog) -> Speculation | None:
    asked = workload.speculation
    if asked is None:
        return None
    draft = catalog.model(asked.draft_model) if asked.draft_model else None
    return Speculation(draft_tokens=asked.draft_tokens, acceptance=asked.acceptance, draft=draft)


def traffic(workload: WorkloadSettings) -> Traffic:
    """Return what sizing needs to know of a workload."""
    return Traffic(
        input_tokens=workload.input_tokens,
        output_tokens=workload.output_tokens,
        prefix_cache_hit_share=workload.prefix_cache_hit_share,
        ttft_ms=workload.ttft_ms,
        tpot_ms=workload.tpot_ms,
        percentile=workload.slo_percentile,
    )


def precisions(workload: WorkloadSettings, model: Model) -> tuple[Precision, ...]:
    """Return the precisions to consider: the user's, else the checkpoint's own and lossless FP8."""
    if workload.precisions:
        return workload.precisions
    is_16_bit = model.native_precision in (Precision.BF16, Precision.FP16)
    return (model.native_precision, Precision.FP8) if is_16_bit else (model.native_precision,)


def _graded(
    shapes: Iterable[ReplicaShape], lowest: Grade, misfits: list[DoesNotRun]
) -> list[ReplicaShape]:
    kept: list[ReplicaShape] = []
    for shape in shapes:
        if GRADES.index(shape.grade) <= GRADES.index(lowest):
            kept.append(shape)
            continue
        misfits.append(
            DoesNotRun(
                model=shape.model,
                gpu=shape.gpu,
                tensor_parallel=shape.tensor_parallel,
                weight_precision=shape.weight_precision,
                reason=f"its estimate is {shape.grade}, below lowestGrade {lowest}",
            )
        )
    return kept


def _worthwhile(shapes: Sequence[ReplicaShape]) -> tuple[ReplicaShape, ...]:
    """Drop shapes that others make pointless; exact, since GPU counts are powers of two.

    Per GPU count only the highest safe capacity matters, and a shape of twice the GPUs only when
    it holds more than two of the smaller.
    """
    best: dict[int, ReplicaShape] = {}
    for shape in shapes:
        rival = best.get(shape.gpus)
        if rival is None or shape.capacity_rps.low > rival.capacity_rps.low:
            best[shape.gpus] = shape
    kept: list[ReplicaShape] = []
    for gpus in sorted(best):
        shape = best[gpus]
        if all(s.capacity_rps.low * (gpus // s.gpus) < shape.capacity_rps.low for s in kept):
            kept.append(shape)
    return tuple(kept)


def _candidate(offer: Offer, shapes: Shapes, rates: Rates, *, workloads: int) -> Candidate | None:
    node = allocatable(
        provider=offer.provider, vcpus=offer.vcpus, host_memory_gib=offer.host_memory_gib
    )
    if offer.provider in ROUTERS_ON_GPU_NODES:
        node = node.without(cpus=ROUTER_CPUS * workloads, memory_gib=ROUTER_MEMORY_GIB * workloads)
    options = tuple(
        Option(workload=index, shape=shape)
        for index in range(workloads)
        for shape in shapes.get((index, offer.gpu), ())
        if shape.gpus <= offer.gpus_per_node
        and replica_room(node, gpus_per_node=offer.gpus_per_node, gpus=shape.gpus).is_enough
    )
    if not options:
        return None
    disk_gib = _disk_gib(offer, options)
    disk = node_disk_hour(
        rates,
        provider=offer.provider,
        region=offer.region,
        instance_type=offer.instance_type,
        gib=disk_gib,
    )
    if isinstance(disk, Unpriced):
        return None
    return Candidate(
        offer=offer, options=options, allocatable=node, disk_gib=disk_gib, disk_usd_per_hour=disk
    )


def _download_gib(shape: ReplicaShape) -> float:
    """The checkpoint on disk: 16-bit, twice the size, when the engine quantises it while loading."""
    return shape.weights_gib * (2 if shape.quantize_online else 1)


def _disk_gib(offer: Offer, options: Iterable[Option]) -> int:
    """Room for what a full node downloads, whichever workload fills it, in steps of 10 GiB."""
    weights = max(_download_gib(o.shape) * (offer.gpus_per_node // o.shape.gpus) for o in options)
    return 10 * ceil((BASE_DISK_GIB + WEIGHTS_DISK_FACTOR * weights) / 10)
