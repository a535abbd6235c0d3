"""An LLMDeployment as a Plan: one pool a role, shapes from sizing. Rendering does the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from outlay.catalog import Catalog, Gpu, Market, Precision
from outlay.errors import InputError, UnknownNameError
from outlay.planning.plan import Cluster, Placement, Plan, Pool, Role, Workload
from outlay.serving import legacy
from outlay.serving.names import dns_label
from outlay.settings.serving import ServingSettings
from outlay.sizing.capacity import replica_shapes
from outlay.sizing.types import ReplicaShape, Traffic

NO_SLO_MS = 3.6e6
GPU_SELECTOR = "gpu-type"
SPOT_WORDS = frozenset({"spot", "preemptible"})
# What an engine can do while it loads ordinary weights.
PRECISIONS = {
    legacy.Quantization.FP16: Precision.FP16,
    legacy.Quantization.BF16: Precision.BF16,
    legacy.Quantization.FP8: Precision.FP8,
}
NEEDS_CHECKPOINT = {
    legacy.Quantization.INT8: Precision.INT8,
    legacy.Quantization.INT4: Precision.INT4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the document leaves open: where it runs, and weights that are already quantised."""

    provider: str
    gpu: str
    checkpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A plan to be rendered, how, and what became of fields that have no counterpart."""

    plan: Plan
    serving: ServingSettings
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The pool of one role, in one shape for whole and split deployments."""

    role: Role
    replicas: int
    resources: legacy.Resources
    max_sequences: int
    max_model_len: int | None
    node_selector: dict[str, str]
    tolerations: tuple[legacy.Toleration, ...]
    autoscaling: legacy.Autoscaling | None


def convert(deployment: legacy.Deployment, catalog: Catalog, *, request: Request) -> Converted:
    """Return the plan that an LLMDeployment stands for.

    Raises:
        InputError: a field asks for what no engine or cluster does; says what to write instead.
    """
    parts = tuple(_parts(deployment))
    model = catalog.model(deployment.spec.model.name)
    made = [_placed(part, deployment, catalog, request=request) for part in parts]
    workload = Workload(
        name=dns_label(deployment.metadata.name, longest=40),
        model=model.name,
        hf_id=request.checkpoint or model.hf_id,
        target_rps=1.0,
        input_tokens=1,
        output_tokens=1,
        ttft_slo_ms=NO_SLO_MS,
        tpot_slo_ms=NO_SLO_MS,
    )
    cluster = Cluster(
        name="converted",
        provider=request.provider,
        region="unknown",
        cpu_pool=None,
        pools=tuple(pool for pool, _ in made),
        placements=tuple(replace(p, workload=workload.name) for _, p in made),
    )
    return Converted(
        plan=_plan(deployment, workload, cluster, catalog),
        serving=_serving(deployment, parts),
        notes=tuple(_notes(deployment, parts)),
    )


def _plan(
    deployment: legacy.Deployment, workload: Workload, cluster: Cluster, catalog: Catalog
) -> Plan:
    return Plan(
        project="outlay",
        stack="converted",
        namespace=deployment.metadata.namespace,
        workloads=(workload,),
        clusters=(cluster,),
        fixed_costs=(),
        budget_usd_per_month=None,
        mip_gap=0.0,
        price_book=catalog.price_book,
        tags=(),
        left_out=(),
        warnings=(),
    )


def _parts(deployment: legacy.Deployment) -> Iterator[_Part]:
    spec = deployment.spec
    if spec.serving.mode == "disaggregated" or spec.prefill or spec.decode:
        if spec.prefill is None or spec.decode is None:
            raise InputError("spec: a disaggregated deployment needs both `prefill` and `decode`")
        for role, pool in ((Role.PREFILL, spec.prefill), (Role.DECODE, spec.decode)):
            yield _Part(
                role=role,
                replicas=pool.replicas,
                resources=pool.resources,
                max_sequences=pool.batch_size,
                max_model_len=pool.max_sequence_length,
                node_selector=pool.node_selector,
                tolerations=pool.tolerations,
                autoscaling=pool.autoscaling,
            )
        return
    if spec.resources is None:
        raise InputError("spec.resources: missing; a replica's GPUs and memory must be named")
    yield _Part(
        role=Role.BOTH,
        replicas=spec.replicas,
        resources=spec.resources,
        max_sequences=spec.serving.batch_size,
        max_model_len=None,
        node_selector=spec.node_selector,
        tolerations=spec.tolerations,
        autoscaling=spec.autoscaling,
    )


def _placed(
    part: _Part, deployment: legacy.Deployment, catalog: Catalog, *, request: Request
) -> tuple[Pool, Placement]:
    amounts, limits = part.resources.requests, part.resources.limits
    if limits and limits.gpus != amounts.gpus:
        raise InputError(
            f"spec: limits ask for {limits.gpus} GPUs, requests for {amounts.gpus}; Kubernetes takes"
            " only equal numbers"
        )
    gpu = _gpu(part, catalog, request=request)
    shape = _shape(part, deployment, catalog, gpu=gpu, request=request)
    market = Market.SPOT if _wants_spot(part) else Market.ON_DEMAND
    name = f"{gpu.name}x{amounts.gpus}-{part.role}-{market}".lower().replace("-both", "")
    scaling = part.autoscaling
    pool = Pool(
        name=name,
        cluster="converted",
        provider=request.provider,
        region="unknown",
        instance_type="unknown",
        market=market,
        gpu=gpu.name,
        gpus_per_node=amounts.gpus,
        vcpus=amounts.cpu,
        host_memory_gib=float(amounts.memory),
        nodes=part.replicas,
        min_nodes=scaling.min_replicas if scaling else part.replicas,
        max_nodes=max(part.replicas, scaling.max_replicas) if scaling else part.replicas,
        disk_gib=1,
        usd_per_node_hour=Decimal(0),
        disk_usd_per_node_hour=Decimal(0),
        price_as_of="",
        price_source="",
    )
    placement = Placement(
        workload="",
        pool=name,
        cluster="converted",
        replicas=part.replicas,
        min_replicas=pool.min_nodes,
        max_replicas=pool.max_nodes,
        shape=shape,
        cpus=amounts.cpu,
        memory_gib=amounts.memory,
        role=part.role,
    )
    return pool, placement


def _gpu(part: _Part, catalog: Catalog, *, request: Request) -> Gpu:
    named = request.gpu or part.node_selector.get(GPU_SELECTOR, "")
    if not named:
        raise InputError(f"no GPU is named; add nodeSelector `{GPU_SELECTOR}`, or use --gpu")
    try:
        return catalog.gpu(named)
    except UnknownNameError as error:
        raise InputError(f"nodeSelector {GPU_SELECTOR}: {error}; name one with --gpu") from None


def _shape(
    part: _Part,
    deployment: legacy.Deployment,
    catalog: Catalog,
    *,
    gpu: Gpu,
    request: Request,
) -> ReplicaShape:
    precision = _precision(deployment.spec.model, request)
    model = catalog.model(deployment.spec.model.name)
    length = part.max_model_len or 4096
    traffic = Traffic(
        input_tokens=max(1, length - 256),
        output_tokens=256,
        prefix_cache_hit_share=0.0,
        ttft_ms=NO_SLO_MS,
        tpot_ms=NO_SLO_MS,
    )
    gpus = part.resources.requests.gpus
    found = replica_shapes(
        model,
        [gpu],
        traffic=traffic,
        precisions=[precision],
        max_gpus=gpus,
        checkpoints={precision: request.checkpoint} if request.checkpoint else None,
    )
    case = next((shape for shape in found if shape.tensor_parallel == gpus), None)
    if not isinstance(case, ReplicaShape):
        why = f"a replica cannot have {gpus} GPUs" if case is None else case.reason
        raise InputError(f"{model.name} in {precision} on {gpus} x {gpu.name}: {why}")
    return replace(
        case,
        max_sequences=min(part.max_sequences, case.max_sequences),
        max_model_len=part.max_model_len or case.max_model_len,
    )


def _precision(model: legacy.ModelSpec, request: Request) -> Precision:
    if model.quantization is None:
        return Precision.BF16
    kind = model.quantization.type
    if kind in PRECISIONS:
        return PRECISIONS[kind]
    if kind in NEEDS_CHECKPOINT:
        if request.checkpoint:
            return NEEDS_CHECKPOINT[kind]
        raise InputError(
            f"quantization {kind}: the engine cannot make it while loading; name a repository of"
            " quantised weights with --checkpoint"
        )
    raise InputError(
        f"quantization {kind}: no engine serves it; write fp8, or fp16 and bf16 for 16 bit"
    )


def _wants_spot(part: _Part) -> bool:
    selected = {value.lower() for value in part.node_selector.values()}
    tolerated = {toleration.key for toleration in part.tolerations}
    return bool(selected & SPOT_WORDS) or "spot-instance" in tolerated


def _serving(deployment: legacy.Deployment, parts: tuple[_Part, ...]) -> ServingSettings:
    scaled = [part for part in parts if part.autoscaling and part.autoscaling.enabled]
    if not scaled:
        return ServingSettings.model_validate(_bounds(deployment))
    windows: dict[str, object] = {"autoscaling": True, **_bounds(deployment)}
    for part in scaled:
        scaling = part.autoscaling
        assert scaling is not None
        up, down = (
            ("prefillScaleUpWindowS", "prefillScaleDownWindowS")
            if part.role is Role.PREFILL
            else ("scaleUpWindowS", "scaleDownWindowS")
        )
        windows |= {up: scaling.scale_up_delay, down: scaling.scale_down_delay}
        if scaling.min_replicas == 0:
            windows["scaleToZero"] = True
    return ServingSettings.model_validate(windows)


def _bounds(deployment: legacy.Deployment) -> dict[str, object]:
    routing = deployment.spec.routing
    least = routing.prefill.min_prompt_length if routing else 0
    return {"leastSplitTokens": least} if least else {}


def _notes(deployment: legacy.Deployment, parts: tuple[_Part, ...]) -> Iterator[str]:
    spec = deployment.spec
    if spec.serving.port != 8000:
        yield f"serving.port {spec.serving.port}: engines listen on 8000; clients use the router's Service, port 80"
    if spec.model.quantization and spec.model.quantization.precision:
        yield "quantization.precision: belongs to the job that makes the checkpoint"
    if (
        spec.affinity
        or (spec.decode and spec.decode.affinity)
        or (spec.prefill and spec.prefill.affinity)
    ):
        yield "affinity: replaced by selectors and preferences on labels that outlay's pools carry"
    if spec.decode and spec.decode.max_tokens_per_request:
        yield "maxTokensPerRequest: a cap for the gateway, engines have none"
    if spec.routing and spec.routing.prefill.max_prompt_length:
        yield "maxPromptLength: replaced by maxSequenceLength, beyond which the engine refuses"
    if spec.routing and spec.routing.prefill.batching_timeout is not None:
        yield "batchingTimeout: engines batch continuously; a window belongs to the router in front"
    for part in parts:
        yield from _scaling_notes(part)


def _scaling_notes(part: _Part) -> Iterator[str]:
    scaling = part.autoscaling
    if scaling is None:
        return
    if scaling.target_gpu_utilization is not None:
        yield f"{part.role}: targetGPUUtilization is replaced by running and waiting requests; utilization stays an alert"
    if scaling.target_latency is not None:
        yield f"{part.role}: targetLatency is replaced by running and waiting requests; the promise is an alert"
    for metric in scaling.custom_metrics:
        yield f"{part.role}: custom metric {metric.name} is a report (serving.alerts), never a target"
