"""Turn one placement of the Plan into the context of its model servers."""

from __future__ import annotations

from dataclasses import dataclass

from outlay.catalog import load_catalog
from outlay.catalog.labels import GPU_LABEL, gpu_node_labels, gpu_node_taints, provider_taints
from outlay.catalog.llm_d import Release
from outlay.errors import RenderError
from outlay.planning.plan import Placement, Pool, Role, Workload
from outlay.serving.context import Pairs, ReplicaContext
from outlay.serving.engine import engine_args, wide_engine_args
from outlay.serving.names import dns_label, require_label_value
from outlay.serving.patterns import pattern
from outlay.serving.precedence import Precedence
from outlay.serving.scaling import scaler
from outlay.serving.versions import drain, habits
from outlay.settings.serving import Fabric, ServingSettings

SHM_MAX_GIB = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaMaker:
    """Makes the replicas of one workload in one cluster."""

    workload: Workload
    placements: tuple[Placement, ...]
    order: Precedence
    serving: ServingSettings
    release: Release

    def replica(self, placement: Placement, *, pool: Pool) -> ReplicaContext:
        """Return the context of a placement.

        Raises:
            RenderError: the pool's GPUs, its name or the number of nodes cannot be rendered.
        """
        _require_nvidia(pool)
        shape = placement.shape
        nodes = self._nodes_per_replica(placement, pool)
        return ReplicaContext(
            name=self._name(placement),
            pool=pool.name,
            role=placement.role,
            image=self._image(nodes),
            fallback_pools=self.order.fallbacks.get(pool.name, ()),
            replicas=placement.replicas // nodes,
            nodes_per_replica=nodes,
            gpus=shape.gpus,
            cpus=placement.cpus,
            memory_gib=placement.memory_gib,
            shm_gib=max(1, min(SHM_MAX_GIB, placement.memory_gib // 2)),
            args=self._args(placement, pool=pool, nodes=nodes),
            env=habits(pool.provider).engine_env,
            pattern=pattern(
                placement,
                hf_id=self.workload.hf_id,
                serving=self.serving,
                release=self.release,
                provider=pool.provider,
            ),
            node_selector=_node_selector(pool, movable=pool.name in self.order.fallbacks),
            tolerations=(
                *gpu_node_taints(pool.market),
                *provider_taints(pool.provider, pool.market),
            ),
            drain=drain(pool.provider, pool.market),
            packs=pool.name in self.order.mixed,
            priority_class=self.order.priority_class(placement),
            scaler=scaler(
                placement,
                siblings=[p for p in self.placements if p.role is placement.role],
                workload=self.workload,
                serving=self.serving,
            ),
        )

    def _name(self, placement: Placement) -> str:
        shape = placement.shape
        parts = [self.workload.name, placement.pool]
        if placement.role is not Role.BOTH:
            parts.append(placement.role)
        return dns_label("-".join([*parts, f"tp{shape.tensor_parallel}", shape.weight_precision]))

    def _args(self, placement: Placement, *, pool: Pool, nodes: int) -> tuple[str, ...]:
        finish_s = drain(pool.provider, pool.market).finish_s
        make = engine_args if nodes == 1 else wide_engine_args
        return make(placement.shape, hf_id=self.workload.hf_id, finish_s=finish_s)

    def _image(self, nodes: int) -> str:
        if nodes > 1:
            return self.release.wide_image
        uses_efa = self.serving.kv_fabric is Fabric.EFA
        return (self.release.efa_image if uses_efa else None) or self.release.engine_image

    def _nodes_per_replica(self, placement: Placement, pool: Pool) -> int:
        nodes = self.serving.expert_parallel_nodes
        if nodes == 1:
            return 1
        where = f"{self.workload.name} on pool {pool.name}"
        if not load_catalog().model(self.workload.model).is_moe:
            raise RenderError(
                f"{where}: expertParallelNodes is {nodes}, but {self.workload.model} has no experts;"
                " leave it out"
            )
        if placement.shape.gpus != pool.gpus_per_node or placement.replicas % nodes:
            raise RenderError(
                f"{where}: expertParallelNodes is {nodes}, but the plan has {placement.replicas} replicas"
                f" of {placement.shape.gpus} GPUs on nodes of {pool.gpus_per_node}; it needs whole nodes,"
                f" a multiple of {nodes}"
            )
        return nodes


def _require_nvidia(pool: Pool) -> None:
    vendor = load_catalog().gpu(pool.gpu).vendor
    if vendor != "nvidia":
        raise RenderError(
            f"pool {pool.name}: only NVIDIA GPUs can be rendered, {pool.gpu} is of {vendor};"
            " leave that GPU out of the settings"
        )


def _node_selector(pool: Pool, *, movable: bool) -> Pairs:
    labels = gpu_node_labels(pool=pool.name, market=pool.market, gpu=pool.gpu)
    if movable:  # an affinity names the pools
        labels = {GPU_LABEL: labels[GPU_LABEL]}
    return tuple(
        (key, require_label_value(value, what=f"{key} of pool {pool.name}"))
        for key, value in labels.items()
    )
