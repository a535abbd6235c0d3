"""What a serving pattern adds to an engine: arguments, ports, variables, devices. And what cannot go together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from outlay.catalog.llm_d import RELEASES, Release
from outlay.errors import RenderError
from outlay.planning.plan import Cluster, Placement, Role
from outlay.settings.serving import Fabric, Routing, ServingSettings, Target

ENGINE_PORT = 8000
# Behind the sidecar, which takes requests on the port that the pool names. Source: llm-d pd-disaggregation.
DECODE_PORT = 8200
NIXL_PORT = 5600
KV_EVENTS_PORT = 5556
# Blocks of KV cache in tokens. Source: llm-d guides pd-disaggregation and precise-prefix-cache-routing, v0.9.
SPLIT_BLOCK = 128
PRECISE_BLOCK = 64
BYTES_PER_GIB = 1024**3
# Network devices that one pod asks for, by fabric. Source: llm-d pd-disaggregation overlays (EFA as on
# p5.48xlarge, one for each quarter GPU); RoCE comes by a resource claim instead.
_EFA_PER_GPU = 4
FABRIC_PROVIDERS = MappingProxyType(
    {
        Fabric.EFA: frozenset({"aws"}),
        Fabric.INFINIBAND: frozenset({"coreweave"}),
        Fabric.ROCE: frozenset({"gcp"}),
    }
)

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A named port of an engine."""

    name: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePattern:
    """What one engine's pod gets on top of the plain one.

    `devices` are extended resources. With `claims_devices` GPUs and network cards come in pairs, by a
    resource claim. `one_zone`: its replicas exchange KV caches.
    """

    args: tuple[str, ...] = ()
    ports: tuple[Port, ...] = (Port(name="modelserver", number=ENGINE_PORT),)
    env: Pairs = ()
    knows_its_address: bool = False
    has_sidecar: bool = False
    devices: tuple[tuple[str, int], ...] = ()
    claims_devices: bool = False
    locks_memory: bool = False
    one_zone: bool = False


def pattern(
    placement: Placement, *, hf_id: str, serving: ServingSettings, release: Release, provider: str
) -> EnginePattern:
    """Return what the plan's role and the settings add to the engines of a placement."""
    if placement.role is not Role.BOTH:
        return _split(placement, serving=serving, release=release, provider=provider)
    if serving.routing is Routing.PRECISE:
        return _precise(hf_id)
    if serving.kv_offload_share > 0:
        return _offload(placement, serving)
    return EnginePattern()


def _split(
    placement: Placement, *, serving: ServingSettings, release: Release, provider: str
) -> EnginePattern:
    decodes = placement.role is Role.DECODE
    number = DECODE_PORT if decodes else ENGINE_PORT
    transfer = _nixl(placement.role, serving=serving, release=release, provider=provider)
    return EnginePattern(
        args=(
            f"--block-size={SPLIT_BLOCK}",
            "--no-disable-hybrid-kv-cache-manager",
            f"--kv-transfer-config={_json(transfer)}",
            *([f"--port={DECODE_PORT}"] if decodes else []),
        ),
        ports=(
            Port(name="modelserver", number=number),
            Port(name="nixl", number=NIXL_PORT),
        ),
        env=(
            ("VLLM_NIXL_SIDE_CHANNEL_HOST", "$(POD_IP)"),
            *([] if decodes else [("VLLM_HTTP_TIMEOUT_KEEP_ALIVE", "120")]),
        ),
        knows_its_address=True,
        has_sidecar=decodes,
        devices=_devices(placement, serving.kv_fabric),
        claims_devices=serving.kv_fabric is Fabric.ROCE,
        locks_memory=serving.kv_fabric is not Fabric.TCP,
        one_zone=True,
    )


def _nixl(
    role: Role, *, serving: ServingSettings, release: Release, provider: str
) -> dict[str, object]:
    by_role = {Role.PREFILL: "kv_producer", Role.DECODE: "kv_consumer"}
    config: dict[str, object] = {
        "kv_connector": "NixlConnector",
        "kv_role": by_role[role] if release.splits_kv_roles else "kv_both",
    }
    if release.splits_kv_roles:
        config["kv_buffer_device"] = "cuda"
    uses_efa = provider == "aws" and serving.kv_fabric is Fabric.EFA
    if release.splits_kv_roles or uses_efa:
        backend = "LIBFABRIC" if uses_efa else "UCX"
        config["kv_connector_extra_config"] = {"backends": [backend]}
    return config


def _devices(placement: Placement, fabric: Fabric) -> tuple[tuple[str, int], ...]:
    if fabric is Fabric.EFA:
        return (("vpc.amazonaws.com/efa", _EFA_PER_GPU * placement.shape.gpus),)
    if fabric is Fabric.INFINIBAND:
        return (("rdma/ib", 1),)
    return ()


def _precise(hf_id: str) -> EnginePattern:
    events = {
        "enable_kv_cache_events": True,
        "publisher": "zmq",
        "endpoint": f"tcp://*:{KV_EVENTS_PORT}",
        # Kubernetes fills in the address; the router tells replicas apart by it.
        "topic": f"kv@$(POD_IP):{ENGINE_PORT}@{hf_id}",
    }
    return EnginePattern(
        args=(f"--block-size={PRECISE_BLOCK}", f"--kv-events-config={_json(events)}"),
        ports=(
            Port(name="modelserver", number=ENGINE_PORT),
            Port(name="kv-events", number=KV_EVENTS_PORT),
        ),
        knows_its_address=True,
    )


def _offload(placement: Placement, serving: ServingSettings) -> EnginePattern:
    room = int(placement.memory_gib * serving.kv_offload_share) * BYTES_PER_GIB
    transfer = {
        "kv_connector": "OffloadingConnector",
        "kv_role": "kv_both",
        "kv_connector_extra_config": {"cpu_bytes_to_use": room},
    }
    return EnginePattern(args=(f"--kv-transfer-config={_json(transfer)}",))


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def check_patterns(cluster: Cluster, serving: ServingSettings) -> None:
    """Refuse settings that the cluster's plan cannot carry.

    Raises:
        RenderError: names what does not go together, and what to change.
    """
    for problem in _problems(cluster, serving):
        raise RenderError(f"cluster {cluster.name}: {problem}")


def _problems(cluster: Cluster, serving: ServingSettings) -> Iterator[str]:
    split = any(p.role is not Role.BOTH for p in cluster.placements)
    wide = serving.expert_parallel_nodes > 1
    yield from _router_problems(cluster, serving)
    if split:
        yield from _role_problems(cluster)
    elif serving.least_split_tokens:
        yield "leastSplitTokens says when to prefill apart, but the plan has no prefill pool; leave it out"
    chosen = {
        "prefill and decode apart": split,
        "precise routing": serving.routing is Routing.PRECISE,
        "kvOffloadShare": serving.kv_offload_share > 0,
        "expertParallelNodes": wide,
    }
    both = [name for name, is_on in chosen.items() if is_on]
    if len(both) > 1:
        yield f"{' and '.join(both)} cannot be combined in one engine; choose one"
    if not (split or wide) and serving.kv_fabric is not Fabric.TCP:
        yield f"kvFabric {serving.kv_fabric} is for replicas that talk to each other; the plan has none"
    if serving.target is Target.KSERVE:
        yield from _kserve_problems(cluster, wide=wide)


def _kserve_problems(cluster: Cluster, *, wide: bool) -> Iterator[str]:
    """An LLMInferenceService has one template for decode and one for prefill."""
    if wide:
        yield "target kserve is not rendered over several nodes; set expertParallelNodes to 1"
    roles = [
        (p.workload, p.role) for p in cluster.placements if p.replicas and p.role is not Role.BOTH
    ]
    for workload, role in sorted(set(roles)):
        if roles.count((workload, role)) > 1:
            yield (
                f"target kserve takes one pool a role, the plan has {roles.count((workload, role))} for"
                f" {role} of {workload}; allow fewer GPU types or markets"
            )


def _router_problems(cluster: Cluster, serving: ServingSettings) -> Iterator[str]:
    if serving.router == "gke" and cluster.provider != "gcp":
        yield f"router gke exists on GCP only, not on {cluster.provider}; choose istio or agentgateway"
    if serving.kv_fabric is Fabric.EFA and RELEASES[serving.line].efa_image is None:
        yield f"no engine image with EFA is known for llm-d {serving.line}; choose line v0.9 or kvFabric tcp"
    providers = FABRIC_PROVIDERS.get(serving.kv_fabric)
    if providers and cluster.provider not in providers:
        yield f"kvFabric {serving.kv_fabric} is offered by {', '.join(providers)}, not {cluster.provider}"


def _role_problems(cluster: Cluster) -> Iterator[str]:
    """Each workload that has one role needs the other, in the same cluster."""
    roles: dict[str, set[Role]] = {}
    for placement in cluster.placements:
        if placement.replicas:
            roles.setdefault(placement.workload, set()).add(placement.role)
    for workload, found in sorted(roles.items()):
        if found not in ({Role.BOTH}, {Role.PREFILL, Role.DECODE}):
            names = " and ".join(sorted(found))
            yield (
                f"{workload} has replicas that do {names} here; prefill and decode exchange KV caches"
                " and must stand in one cluster, without replicas that do both"
            )
