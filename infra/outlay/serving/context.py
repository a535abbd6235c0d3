"""Turn a Plan into what the templates read: one context per cluster, one per workload in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from outlay.catalog import load_catalog
from outlay.catalog.labels import (
    GPU_LABEL,
    GPU_RESOURCE,
    GPU_TAINT,
    MARKET_LABEL,
    PLACEMENT_LABEL,
    SPOT_TAINT,
    Taint,
    cpu_node_labels,
    gpu_node_labels,
    gpu_node_taints,
    provider_taints,
)
from outlay.catalog.llm_d import (
    ENVOY_CPUS,
    ENVOY_MEMORY_GIB,
    EPP_CPUS,
    EPP_MEMORY_GIB,
    Release,
)
from outlay.catalog.types import Market
from outlay.errors import RenderError
from outlay.planning.plan import Cluster, Placement, Plan, Pool, Workload
from outlay.serving.engine import engine_args
from outlay.serving.names import dns_label, label_value, require_label_value
from outlay.serving.versions import LLM_D, Drain, drain, habits

# Room for `-epp`, which must fit into a label of 63 characters, and for a hash.
LONGEST_POOL_NAME = 56
# These exist in every cluster; declaring one again would fail.
BUILT_IN_NAMESPACES = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
HF_SECRET = "llm-d-hf-token"  # noqa: S105 - the name of the Secret, not its content
HF_SECRET_KEY = "HF_TOKEN"  # noqa: S105 - as above
SHM_MAX_GIB = 20
# Longer than any model server's, since answers stream through the router. Source: llm-d-router chart.
ROUTER_GRACE_S = 130

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaContext:
    """One Deployment of model servers: the replicas of one placement."""

    name: str
    pool: str
    replicas: int
    gpus: int
    cpus: int
    memory_gib: int
    shm_gib: int
    args: tuple[str, ...]
    env: Pairs
    node_selector: Pairs
    tolerations: tuple[Taint, ...]
    drain: Drain
    priority_class: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterContext:
    """Where the router of one workload runs and what it asks for."""

    name: str
    node_selector: Pairs
    tolerations: tuple[Taint, ...]
    epp_cpus: int = EPP_CPUS
    epp_memory_gib: int = EPP_MEMORY_GIB
    envoy_cpus: int = ENVOY_CPUS
    envoy_memory_gib: int = ENVOY_MEMORY_GIB
    grace_s: int = ROUTER_GRACE_S
    peak_prefill_tokens_per_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadContext:
    """One workload in one cluster; `name` is that of its InferencePool."""

    name: str
    namespace: str
    model_label: str
    router: RouterContext
    replicas: tuple[ReplicaContext, ...]
    hf_token_optional: bool
    release: Release = LLM_D
    hf_secret: str = HF_SECRET
    hf_secret_key: str = HF_SECRET_KEY
    gpu_resource: str = GPU_RESOURCE
    market_label: str = MARKET_LABEL
    placement_label: str = PLACEMENT_LABEL


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityClassContext:
    """Lets replicas of more GPUs push smaller ones off a node, so that a full pool can be packed."""

    name: str
    gpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterContext:
    """What one cluster needs besides its workloads."""

    name: str
    provider: str
    namespace: str | None
    priority_classes: tuple[PriorityClassContext, ...]
    needs_device_plugin: bool
    installs_inference_pool: bool
    workloads: tuple[WorkloadContext, ...]
    release: Release = LLM_D
    gpu_label: str = GPU_LABEL
    gpu_tolerations: tuple[Taint, ...] = (GPU_TAINT, SPOT_TAINT)


def cluster_contexts(plan: Plan, *, hf_token: bool) -> tuple[ClusterContext, ...]:
    """Return one context per cluster of the plan, in its order.

    Raises:
        RenderError: a provider, GPU or name of the plan cannot be rendered.
    """
    return tuple(_cluster(plan, cluster, hf_token=hf_token) for cluster in plan.clusters)


def _cluster(plan: Plan, cluster: Cluster, *, hf_token: bool) -> ClusterContext:
    known = habits(cluster.provider)
    mixed = _mixed_sizes(cluster)
    return ClusterContext(
        name=cluster.name,
        provider=cluster.provider,
        namespace=None if plan.namespace in BUILT_IN_NAMESPACES else plan.namespace,
        priority_classes=tuple(
            PriorityClassContext(name=_priority_class(gpus), gpus=gpus)
            for gpus in sorted({gpus for sizes in mixed.values() for gpus in sizes})
        ),
        needs_device_plugin=known.needs_device_plugin,
        installs_inference_pool=known.installs_inference_pool,
        workloads=_workloads(plan, cluster, mixed=frozenset(mixed), hf_token=hf_token),
    )


def _mixed_sizes(cluster: Cluster) -> dict[str, frozenset[int]]:
    """Return the replica sizes, in GPUs, of the pools that hold more than one size.

    The planner counts GPUs, which is exact when large replicas are placed first. The scheduler
    places in any order and spreads; only preemption brings it back to the planner's packing.
    """
    sizes: dict[str, set[int]] = {}
    for placement in _placed(cluster.placements):
        sizes.setdefault(placement.pool, set()).add(placement.shape.gpus)
    return {pool: frozenset(found) for pool, found in sizes.items() if len(found) > 1}


def _priority_class(gpus: int) -> str:
    return f"outlay-replica-{gpus}-gpus"


def _placed(placements: Iterable[Placement]) -> list[Placement]:
    return [placement for placement in placements if placement.replicas > 0]


def _workloads(
    plan: Plan, cluster: Cluster, *, mixed: frozenset[str], hf_token: bool
) -> tuple[WorkloadContext, ...]:
    contexts = []
    for workload in plan.workloads:
        placements = [p for p in _placed(cluster.placements) if p.workload == workload.name]
        if placements:
            contexts.append(
                _workload(
                    plan, cluster, workload, placements=placements, mixed=mixed, hf_token=hf_token
                )
            )
    _refuse_twins([context.name for context in contexts], what="workloads")
    return tuple(contexts)


def _refuse_twins(names: Sequence[str], *, what: str) -> None:
    twins = sorted(name for name, count in Counter(names).items() if count > 1)
    if twins:
        raise RenderError(f"two {what} would both be called {twins[0]!r} in Kubernetes; rename one")


def _workload(
    plan: Plan,
    cluster: Cluster,
    workload: Workload,
    *,
    placements: Sequence[Placement],
    mixed: frozenset[str],
    hf_token: bool,
) -> WorkloadContext:
    name = dns_label(workload.name, longest=LONGEST_POOL_NAME)
    pools = {pool.name: pool for pool in cluster.pools}
    replicas = tuple(
        _replica(placement, pool=_pool(pools, placement), workload=workload, mixed=mixed)
        for placement in placements
    )
    _refuse_twins([replica.name for replica in replicas], what="placements")
    return WorkloadContext(
        name=name,
        namespace=plan.namespace,
        model_label=label_value(workload.model),
        router=_router(cluster, name=name, placements=placements),
        replicas=replicas,
        hf_token_optional=not hf_token,
    )


def _pool(pools: dict[str, Pool], placement: Placement) -> Pool:
    try:
        return pools[placement.pool]
    except KeyError:
        raise RenderError(
            f"the plan places {placement.workload} on pool {placement.pool!r}, which cluster"
            f" {placement.cluster} does not have; make the plan again"
        ) from None


def _replica(
    placement: Placement, *, pool: Pool, workload: Workload, mixed: frozenset[str]
) -> ReplicaContext:
    _require_nvidia(pool)
    shape = placement.shape
    how_to_stop = drain(pool.provider, pool.market)
    return ReplicaContext(
        name=dns_label(
            f"{workload.name}-{pool.name}-tp{shape.tensor_parallel}-{shape.weight_precision}"
        ),
        pool=pool.name,
        replicas=placement.replicas,
        gpus=shape.gpus,
        cpus=placement.cpus,
        memory_gib=placement.memory_gib,
        shm_gib=max(1, min(SHM_MAX_GIB, placement.memory_gib // 2)),
        args=engine_args(shape, hf_id=workload.hf_id, finish_s=how_to_stop.finish_s),
        env=habits(pool.provider).engine_env,
        node_selector=_node_selector(pool),
        tolerations=(*gpu_node_taints(pool.market), *provider_taints(pool.provider, pool.market)),
        drain=how_to_stop,
        priority_class=_priority_class(shape.gpus) if pool.name in mixed else None,
    )


def _require_nvidia(pool: Pool) -> None:
    vendor = load_catalog().gpu(pool.gpu).vendor
    if vendor != "nvidia":
        raise RenderError(
            f"pool {pool.name}: only NVIDIA GPUs can be rendered, {pool.gpu} is of {vendor};"
            " leave that GPU out of the settings"
        )


def _node_selector(pool: Pool) -> Pairs:
    labels = gpu_node_labels(pool=pool.name, market=pool.market, gpu=pool.gpu)
    return tuple(
        (key, require_label_value(value, what=f"{key} of pool {pool.name}"))
        for key, value in labels.items()
    )


def _router(cluster: Cluster, *, name: str, placements: Sequence[Placement]) -> RouterContext:
    has_cpu_pool = cluster.cpu_pool is not None
    return RouterContext(
        name=f"{name}-epp",
        node_selector=tuple(cpu_node_labels().items()) if has_cpu_pool else (),
        # Without a CPU pool the GPU nodes are all there is; spot stays out of bounds.
        tolerations=() if has_cpu_pool else gpu_node_taints(Market.ON_DEMAND),
        peak_prefill_tokens_per_s=_peak_prefill(placements),
    )


def _peak_prefill(placements: Sequence[Placement]) -> int:
    """Mean of a replica, since the picker takes one value for all of its replicas."""
    total = sum(p.replicas * p.shape.prefill_tokens_per_s for p in placements)
    return max(1, round(total / sum(p.replicas for p in placements)))
