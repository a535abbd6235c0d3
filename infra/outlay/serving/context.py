"""What the templates read: one context per cluster, one per workload in it, one per placement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from outlay.catalog.labels import (
    GPU_LABEL,
    GPU_RESOURCE,
    GPU_TAINT,
    MARKET_LABEL,
    PLACEMENT_LABEL,
    POOL_LABEL,
    SPOT_TAINT,
    Taint,
)
from outlay.catalog.llm_d import (
    ENVOY_CPUS,
    ENVOY_MEMORY_GIB,
    EPP_CPUS,
    EPP_MEMORY_GIB,
    Release,
)
from outlay.planning.plan import Role
from outlay.serving.costs import WorkloadCost
from outlay.serving.engine import FIRST_PORT
from outlay.serving.names import dns_label
from outlay.serving.patterns import EnginePattern, Port
from outlay.serving.scaling import Scaler
from outlay.serving.versions import Drain
from outlay.settings.serving import Router, ServingSettings, WeightsCache

HF_SECRET = "llm-d-hf-token"  # noqa: S105 - the name of the Secret, not its content
HF_SECRET_KEY = "HF_TOKEN"  # noqa: S105 - as above
GATEWAY = "llm-d-inference-gateway"
# Source: llm-d guides/recipes/gateway, v0.9.
GATEWAY_CLASSES = MappingProxyType(
    {
        Router.ISTIO: "istio",
        Router.AGENTGATEWAY: "agentgateway",
        Router.GKE: "gke-l7-regional-external-managed",
    }
)
# Longer than any model server's, since answers stream through the router. Source: llm-d-router chart.
ROUTER_GRACE_S = 130
SIDECAR_CPUS = 1
SIDECAR_MEMORY_GIB = 1

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaContext:
    """The replicas of one placement: a Deployment, or a LeaderWorkerSet where one spans nodes.

    `nodes_per_replica` is above 1 only there; `replicas` counts whole replicas. `fallback_pools` may
    take them while there is no node of `pool`. `packs`: the pool holds replicas of several sizes.
    """

    name: str
    pool: str
    role: Role
    image: str
    fallback_pools: tuple[str, ...]
    replicas: int
    nodes_per_replica: int
    gpus: int
    cpus: int
    memory_gib: int
    shm_gib: int
    args: tuple[str, ...]
    env: Pairs
    pattern: EnginePattern
    node_selector: Pairs
    tolerations: tuple[Taint, ...]
    drain: Drain
    packs: bool
    priority_class: str | None
    scaler: Scaler | None

    @property
    def role_label(self) -> str:
        """The value of `llm-d.ai/role`; who does both counts as decode."""
        return Role.DECODE if self.role is Role.BOTH else self.role

    @property
    def engine_cpus(self) -> int:
        """Cores of the engine; a sidecar takes its own from what the plan gave the replica."""
        return self.cpus - SIDECAR_CPUS * self.pattern.has_sidecar

    @property
    def engine_memory_gib(self) -> int:
        """Memory of the engine, as `engine_cpus`."""
        return self.memory_gib - SIDECAR_MEMORY_GIB * self.pattern.has_sidecar

    @property
    def ports(self) -> tuple[Port, ...]:
        """Ports of the engine: one for each rank where experts spread over nodes."""
        if self.nodes_per_replica == 1:
            return self.pattern.ports
        ranks = (
            Port(name=f"rank-{rank}" if rank else "modelserver", number=FIRST_PORT + rank)
            for rank in range(self.gpus)
        )
        return (*ranks, Port(name="supervisor", number=FIRST_PORT + self.gpus))


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
    hf_id: str
    model_label: str
    max_model_len: int
    is_split: bool
    router: RouterContext
    replicas: tuple[ReplicaContext, ...]
    cost: WorkloadCost
    ttft_slo_ms: float
    tpot_slo_ms: float
    weights_gib: int
    hf_token_optional: bool
    serving: ServingSettings
    release: Release
    hf_secret: str = HF_SECRET
    hf_secret_key: str = HF_SECRET_KEY
    gpu_resource: str = GPU_RESOURCE
    market_label: str = MARKET_LABEL
    placement_label: str = PLACEMENT_LABEL
    pool_label: str = POOL_LABEL

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of its replicas, in a fixed order."""
        return tuple(sorted({replica.role_label for replica in self.replicas}))

    @property
    def target_ports(self) -> tuple[int, ...]:
        """The ports on which every replica answers requests."""
        ranks = self.replicas[0].gpus if self.replicas[0].nodes_per_replica > 1 else 1
        return tuple(FIRST_PORT + rank for rank in range(ranks))

    @property
    def metrics_ports(self) -> tuple[str, ...]:
        """The names of the engines' ports with metrics."""
        names = (port.name for replica in self.replicas for port in replica.ports)
        return tuple(dict.fromkeys(name for name in names if name.startswith(("model", "rank"))))

    @property
    def mains(self) -> tuple[ReplicaContext, ...]:
        """Replicas that answer requests: all but those that only prefill."""
        return tuple(r for r in self.replicas if r.role is not Role.PREFILL)

    def prefill_of(self, main: ReplicaContext) -> ReplicaContext | None:
        """Return the prefill replicas that the first of `mains` works with."""
        prefills = [r for r in self.replicas if r.role is Role.PREFILL]
        return prefills[0] if prefills and main == self.mains[0] else None

    def objective_name(self, priority: int) -> str:
        """Return the name of a priority's objective, unique in the namespace."""
        sign = "minus-" if priority < 0 else ""
        return dns_label(f"{self.name}-prio-{sign}{abs(priority)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityClassContext:
    """Who goes first on a pool that several kinds of replicas want."""

    name: str
    value: int
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterContext:
    """What one cluster needs besides its workloads; `prices` in OpenCost's words."""

    name: str
    provider: str
    namespace: str
    declares_namespace: bool
    priority_classes: tuple[PriorityClassContext, ...]
    needs_device_plugin: bool
    installs_inference_pool: bool
    workloads: tuple[WorkloadContext, ...]
    prices: Mapping[str, str]
    serving: ServingSettings
    release: Release
    gpu_label: str = GPU_LABEL
    gpu_tolerations: tuple[Taint, ...] = (GPU_TAINT, SPOT_TAINT)
    gateway: str = GATEWAY

    @property
    def gateway_class(self) -> str:
        """The GatewayClass of the settings' router."""
        return GATEWAY_CLASSES[self.serving.router]

    @property
    def needs_privileges(self) -> bool:
        """Whether pods use what the `baseline` pod security level forbids."""
        patterns = (replica.pattern for w in self.workloads for replica in w.replicas)
        uses_host = self.serving.weights_cache is WeightsCache.NODE
        return uses_host or any(pattern.locks_memory for pattern in patterns)
