"""Turn a Plan into contexts, and refuse what cannot be rendered before anything is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from outlay.catalog.labels import cpu_node_labels, gpu_node_taints
from outlay.catalog.llm_d import RELEASES, Release
from outlay.catalog.types import Market
from outlay.errors import RenderError
from outlay.planning.plan import Cluster, Placement, Plan, Pool, Role, Workload
from outlay.serving.context import (
    ClusterContext,
    RouterContext,
    WorkloadContext,
)
from outlay.serving.costs import opencost_prices, workload_cost
from outlay.serving.names import dns_label, label_value
from outlay.serving.patterns import check_patterns
from outlay.serving.precedence import Precedence
from outlay.serving.replicas import ReplicaMaker
from outlay.serving.versions import habits
from outlay.settings.serving import ServingSettings

# Room for `-epp`, which must fit into a label of 63 characters, and for a hash.
LONGEST_POOL_NAME = 56
# These exist in every cluster; declaring one again would fail.
BUILT_IN_NAMESPACES = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """A plan and how its models are to be served."""

    plan: Plan
    serving: ServingSettings
    hf_token: bool

    @property
    def release(self) -> Release:
        """The llm-d line that the settings name."""
        return RELEASES[self.serving.line]


def cluster_contexts(
    plan: Plan, *, serving: ServingSettings, hf_token: bool
) -> tuple[ClusterContext, ...]:
    """Return one context per cluster of the plan, in its order.

    Raises:
        RenderError: a provider, GPU, name or pattern of the plan cannot be rendered.
    """
    rendering = Rendering(plan=plan, serving=serving, hf_token=hf_token)
    return tuple(_cluster(rendering, cluster) for cluster in plan.clusters)


def _cluster(rendering: Rendering, cluster: Cluster) -> ClusterContext:
    check_patterns(cluster, rendering.serving)
    plan = rendering.plan
    known = habits(cluster.provider)
    order = Precedence.of(cluster)
    return ClusterContext(
        name=cluster.name,
        provider=cluster.provider,
        namespace=plan.namespace,
        declares_namespace=plan.namespace not in BUILT_IN_NAMESPACES,
        priority_classes=order.classes,
        needs_device_plugin=known.needs_device_plugin,
        installs_inference_pool=known.installs_inference_pool,
        workloads=_workloads(rendering, cluster, order=order),
        prices=opencost_prices(cluster),
        serving=rendering.serving,
        release=rendering.release,
    )


def _placed(placements: Iterable[Placement]) -> list[Placement]:
    return [placement for placement in placements if placement.replicas > 0]


def _workloads(
    rendering: Rendering, cluster: Cluster, *, order: Precedence
) -> tuple[WorkloadContext, ...]:
    contexts = []
    for workload in rendering.plan.workloads:
        placements = [p for p in _placed(cluster.placements) if p.workload == workload.name]
        if placements:
            contexts.append(
                _workload(rendering, cluster, workload, placements=placements, order=order)
            )
    _refuse_twins([context.name for context in contexts], what="workloads")
    return tuple(contexts)


def _refuse_twins(names: Sequence[str], *, what: str) -> None:
    twins = sorted(name for name, count in Counter(names).items() if count > 1)
    if twins:
        raise RenderError(f"two {what} would both be called {twins[0]!r} in Kubernetes; rename one")


def _workload(
    rendering: Rendering,
    cluster: Cluster,
    workload: Workload,
    *,
    placements: Sequence[Placement],
    order: Precedence,
) -> WorkloadContext:
    name = dns_label(workload.name, longest=LONGEST_POOL_NAME)
    pools = {pool.name: pool for pool in cluster.pools}
    maker = ReplicaMaker(
        workload=workload,
        placements=tuple(placements),
        order=order,
        serving=rendering.serving,
        release=rendering.release,
    )
    replicas = tuple(maker.replica(p, pool=_pool(pools, p)) for p in placements)
    _refuse_twins([replica.name for replica in replicas], what="placements")
    return WorkloadContext(
        name=name,
        namespace=rendering.plan.namespace,
        hf_id=workload.hf_id,
        model_label=label_value(workload.model),
        max_model_len=min(p.shape.max_model_len for p in placements),
        is_split=any(p.role is not Role.BOTH for p in placements),
        router=_router(cluster, name=name, placements=placements),
        replicas=replicas,
        cost=workload_cost(rendering.plan, placements, cluster.pools),
        ttft_slo_ms=workload.ttft_slo_ms,
        tpot_slo_ms=workload.tpot_slo_ms,
        weights_gib=ceil(max(p.shape.weights_gib for p in placements)),
        hf_token_optional=not rendering.hf_token,
        serving=rendering.serving,
        release=rendering.release,
    )


def _pool(pools: dict[str, Pool], placement: Placement) -> Pool:
    try:
        return pools[placement.pool]
    except KeyError:
        raise RenderError(
            f"the plan places {placement.workload} on pool {placement.pool!r}, which cluster"
            f" {placement.cluster} does not have; make the plan again"
        ) from None


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
    """Mean of a replica that prefills, since the picker takes one value for all of them."""
    prefilling = [p for p in placements if p.role is not Role.DECODE]
    total = sum(p.replicas * p.shape.prefill_tokens_per_s for p in prefilling)
    return max(1, round(total / sum(p.replicas for p in prefilling)))
