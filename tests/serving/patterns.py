"""One small plan and its serving settings for each pattern, on each provider that can carry it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from outlay.catalog import Market, Precision
from outlay.catalog.providers import PROVIDER_NAMES, ROUTERS_ON_GPU_NODES
from outlay.planning.plan import Cluster, Plan, Role
from outlay.serving.objects import ClusterManifests
from outlay.serving.render import render
from outlay.settings.serving import ServingSettings
from tests.serving import builders

DEEPSEEK = "deepseek-v3"
# Instance type, GPU, cores and GiB of a node with eight GPUs.
EIGHTS: Mapping[str, tuple[str, str, int, float]] = {
    "aws": ("p5.48xlarge", "H100", 192, 2048.0),
    "gcp": ("a3-highgpu-8g", "H100", 208, 1872.0),
    "azure": ("Standard_ND96isr_H100_v5", "H100", 96, 1900.0),
    "coreweave": ("gd-8xh100ib-i128", "H100", 128, 2048.0),
    "lambda": ("gpu_8x_h100_sxm5", "H100", 208, 1800.0),
}
FABRICS = {"aws": "efa", "coreweave": "infiniband", "gcp": "roce"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A plan and how it is served."""

    plan: Plan
    serving: ServingSettings

    def render(self) -> ClusterManifests:
        """Return the objects of its only cluster."""
        (manifests,) = render(self.plan, serving=self.serving, hf_token=True)
        return manifests


def cluster(provider: str, **changes: Any) -> Cluster:
    """Return a cluster with two nodes of eight H100, and one CPU node where the provider sells those."""
    name = f"{provider}-test"
    instance_type, gpu, vcpus, memory = EIGHTS[provider]
    pool = builders.pool(
        name="h100x8-on-demand",
        cluster=name,
        provider=provider,
        instance_type=instance_type,
        gpu=gpu,
        gpus_per_node=8,
        vcpus=vcpus,
        host_memory_gib=memory,
        nodes=2,
    )
    cpu = builders.cpu_pool(cluster=name, vcpus=32, host_memory_gib=128.0)
    values: dict[str, Any] = {
        "name": name,
        "provider": provider,
        "cpu_pool": None if provider in ROUTERS_ON_GPU_NODES else cpu,
        "pools": (pool,),
        "placements": (),
    }
    return builders.cluster(**(values | changes))


def llama(provider: str, **changes: Any) -> Any:
    """Return four replicas of Llama-3.1-8B on single GPUs."""
    values: dict[str, Any] = {
        "pool": "h100x8-on-demand",
        "cluster": f"{provider}-test",
        "replicas": 4,
        "cpus": 8,
        "memory_gib": 64,
        "shape": builders.shape(gpu="H100"),
    }
    values |= changes
    bounds = {"min_replicas": values["replicas"], "max_replicas": 2 * values["replicas"]}
    return builders.placement(**(bounds | values))


def _aggregated(provider: str, **serving: Any) -> Pattern:
    return _pattern(provider, (llama(provider),), **serving)


def _pattern(provider: str, placements: tuple[Any, ...], **serving: Any) -> Pattern:
    plan = builders.plan(
        namespace=serving.pop("namespace", "llm-d"),
        clusters=(cluster(provider, placements=placements),),
    )
    return Pattern(plan=plan, serving=ServingSettings.model_validate(serving))


def _split(provider: str, **serving: Any) -> Pattern:
    """Return eight single-GPU prefill replicas beside two of four GPUs that decode: two full nodes."""
    wide = builders.shape(gpu="H100", tensor_parallel=4)
    return _pattern(
        provider,
        (
            llama(provider, role=Role.PREFILL, replicas=8),
            llama(provider, role=Role.DECODE, replicas=2, shape=wide, cpus=32, memory_gib=256),
        ),
        **serving,
    )


def _wide(provider: str) -> Pattern:
    shape = builders.shape(
        model="DeepSeek-V3",
        gpu="H100",
        tensor_parallel=8,
        weight_precision=Precision.FP8,
        kv_precision=Precision.BF16,
        checkpoint="deepseek-ai/DeepSeek-V3",
    )
    placement = llama(
        provider, workload=DEEPSEEK, replicas=2, shape=shape, cpus=64, memory_gib=1024
    )
    workload = builders.workload(
        name=DEEPSEEK, model="DeepSeek-V3", hf_id="deepseek-ai/DeepSeek-V3"
    )
    plan = builders.plan(
        workloads=(workload,), clusters=(cluster(provider, placements=(placement,)),)
    )
    serving = ServingSettings.model_validate({"expertParallelNodes": 2})
    return Pattern(plan=plan, serving=serving)


def _two_models(provider: str, **serving: Any) -> Pattern:
    qwen = llama(
        provider,
        workload=builders.QWEN,
        replicas=2,
        shape=builders.qwen_shape(),
        cpus=16,
        memory_gib=128,
    )
    plan = builders.plan(
        workloads=(builders.workload(), builders.qwen_workload()),
        clusters=(cluster(provider, placements=(llama(provider), qwen)),),
    )
    return Pattern(plan=plan, serving=ServingSettings.model_validate(serving))


def _fallback(provider: str) -> Pattern:
    """Return a spot pool beside an on-demand pool with the same GPU."""
    base = cluster(provider)
    on_demand = base.pools[0]
    spot = builders.pool(
        **{f: getattr(on_demand, f) for f in on_demand.__dataclass_fields__}
        | {"name": "h100x8-spot", "market": Market.SPOT, "nodes": 1, "min_nodes": 1, "max_nodes": 1}
    )
    placements = (llama(provider), llama(provider, pool=spot.name, replicas=8))
    plan = builders.plan(
        clusters=(cluster(provider, pools=(on_demand, spot), placements=placements),)
    )
    return Pattern(plan=plan, serving=ServingSettings())


def pattern(name: str, provider: str) -> Pattern:
    """Return a pattern on a provider."""
    if name in PLAIN:
        return _aggregated(provider, **PLAIN[name])
    return SPECIAL[name](provider)


SPECIAL: Mapping[str, Callable[[str], Pattern]] = {
    "split": lambda p: _split(p, leastSplitTokens=512),
    "split-fabric": lambda p: _split(p, kvFabric=FABRICS[p]),
    "split-scaled": lambda p: _split(p, autoscaling=True, scaleUpWindowS=15, scaleDownWindowS=60),
    "split-newer": lambda p: _split(p, line="v0.10"),
    "split-kserve": lambda p: _split(p, target="kserve"),
    "wide": _wide,
    "two-models": lambda p: _two_models(p, router="gke" if p == "gcp" else "istio"),
    "fallback": _fallback,
}
PLAIN: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "newer": {"line": "v0.10"},
    "precise": {"routing": "precise"},
    "offload": {"kvOffloadShare": 0.5},
    "gateway": {"router": "agentgateway"},
    "kserve": {"target": "kserve"},
    "scaled": {"autoscaling": True, "scaleToZero": True},
    "alerts": {"alerts": True, "ruleLabels": {"release": "prometheus"}},
    "priorities": {"priorities": [10, 0, -10]},
    "node-cache": {"weightsCache": "node"},
    "shared-cache": {"weightsCache": "shared", "weightsStorageClass": "shared"},
}
NAMES = (*(name for name in PLAIN if name != "plain"), *SPECIAL)
CASES = tuple(
    (name, provider)
    for name in NAMES
    for provider in PROVIDER_NAMES
    if name != "split-fabric" or provider in FABRICS
)
