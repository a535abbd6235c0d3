"""What is rendered for a plan: objects, placement, resources, engine flags."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Market, Precision
from outlay.catalog.labels import (
    AZURE_SPOT_TAINT,
    CPU_POOL,
    GPU_TAINT,
    SPOT_TAINT,
    Taint,
    cpu_node_labels,
    gpu_node_labels,
    gpu_node_taints,
)
from outlay.errors import RenderError
from outlay.planning.plan import Cluster, Plan
from outlay.serving.render import render
from tests.serving import builders, find

TWO_CLOUDS = builders.two_cloud_plan()
MANIFESTS = render(TWO_CLOUDS)
PLAN = render(builders.plan())


def mixed_plan(**changes: Any) -> Plan:
    """Return a plan whose one pool of two 8-GPU nodes holds replicas of 4 and of 8 GPUs."""
    pool = builders.gcp_pool(nodes=2)
    small = builders.placement(
        workload=builders.QWEN,
        pool=pool.name,
        cluster=pool.cluster,
        shape=builders.qwen_shape(tensor_parallel=4),
    )
    large = replace(small, replicas=1, shape=builders.qwen_shape(tensor_parallel=8))
    cluster = replace(builders.gcp_cluster(), pools=(pool,), placements=(small, large))
    return builders.plan(workloads=(builders.qwen_workload(),), clusters=(cluster,), **changes)


def test_objects_of_a_cluster_in_order() -> None:
    """What others need comes first; every workload has the same set."""
    name = builders.LLAMA
    assert [item.identity for item in PLAN[0].objects] == [
        "CustomResourceDefinition inferencepools.inference.networking.k8s.io",
        "CustomResourceDefinition inferenceobjectives.llm-d.ai",
        "CustomResourceDefinition inferencemodelrewrites.llm-d.ai",
        "CustomResourceDefinition podmonitors.monitoring.coreos.com",
        "CustomResourceDefinition prometheusrules.monitoring.coreos.com",
        "Namespace llm-d",
        "DaemonSet kube-system/nvidia-device-plugin",
        f"ServiceAccount llm-d/{name}-model-server",
        f"PodDisruptionBudget llm-d/{name}-model-server",
        f"Deployment llm-d/{name}-l4-on-demand-tp1-bf16",
        f"ServiceAccount llm-d/{name}-epp",
        f"Role llm-d/{name}-epp",
        f"RoleBinding llm-d/{name}-epp",
        f"ConfigMap llm-d/{name}-epp",
        f"ConfigMap llm-d/{name}-envoy",
        f"Deployment llm-d/{name}-epp",
        f"PodDisruptionBudget llm-d/{name}-epp",
        f"Service llm-d/{name}-epp",
        f"InferencePool llm-d/{name}",
        f"PodMonitor llm-d/{name}-model-server",
        f"PodMonitor llm-d/{name}-epp",
    ]


def test_gke_gets_neither_device_plugin_nor_the_pool_definition() -> None:
    """GKE installs both itself."""
    gcp = MANIFESTS[1]
    assert gcp.provider == "gcp"
    names = [item.identity for item in gcp.objects]
    assert "CustomResourceDefinition inferencepools.inference.networking.k8s.io" not in names
    assert not find.bodies([gcp], "DaemonSet")


def test_a_workload_is_rendered_only_where_it_is_placed() -> None:
    pools = {
        m.cluster: [body["metadata"]["name"] for body in find.bodies([m], "InferencePool")]
        for m in MANIFESTS
    }
    assert pools == {
        "aws-us-east-1": [builders.LLAMA],
        "gcp-us-central1": [builders.LLAMA, builders.QWEN],
    }


def test_placements_of_no_replica_are_left_out() -> None:
    empty = builders.cluster(placements=(builders.placement(replicas=0),))
    (manifests,) = render(builders.plan(clusters=(empty,)))
    assert not find.bodies([manifests], "Deployment")
    assert not find.bodies([manifests], "InferencePool")


@pytest.mark.parametrize("namespace", ["default", "kube-system"])
def test_a_namespace_that_every_cluster_has_is_not_declared(namespace: str) -> None:
    assert not find.bodies(render(builders.plan(namespace=namespace)), "Namespace")


# --- what is bought is what is scheduled -------------------------------------------------------


def node_kinds(cluster: Cluster) -> list[tuple[dict[str, str], tuple[Taint, ...]]]:
    """Return labels and taints of the nodes that clouds/ makes for a cluster."""
    kinds = [
        (
            gpu_node_labels(pool=p.name, market=p.market, gpu=p.gpu),
            gpu_node_taints(p.market),
        )
        for p in cluster.pools
    ]
    return [*kinds, (cpu_node_labels(), ())] if cluster.cpu_pool else kinds


def fits(spec: dict[str, Any], labels: dict[str, str], taints: tuple[Taint, ...]) -> bool:
    """Whether the scheduler may put the pod on such a node."""
    tolerated = [(t["key"], t["value"], t["effect"]) for t in spec.get("tolerations", ())]
    return (
        find.selects(spec.get("nodeSelector", {}), labels)
        and labels.get("outlay/pool", "") in find.pools(spec, among=[labels.get("outlay/pool", "")])
        and all((taint.key, taint.value, taint.effect) in tolerated for taint in taints)
    )


@pytest.mark.parametrize("plan", [TWO_CLOUDS, builders.plan(), mixed_plan()])
def test_label_closure(plan: Plan) -> None:
    """Every Deployment fits the pool that the plan names, and besides it a spot pool's fallbacks alone."""
    for cluster, manifests in zip(plan.clusters, render(plan), strict=True):
        pools = {p.name: p for p in cluster.pools}
        for body in find.bodies([manifests], "Deployment"):
            spec = find.pod(body)
            homes = [labels for labels, taints in node_kinds(cluster) if fits(spec, labels, taints)]
            names = {labels["outlay/pool"] for labels in homes}
            if not find.gpus(body):
                assert names == {CPU_POOL}
                continue
            home = pools[find.home(spec)]
            assert names == {home.name} | {
                pool.name
                for pool in cluster.pools
                if home.market is Market.SPOT is not pool.market and pool.gpu == home.gpu
            }
        placed = [
            (find.home(find.pod(b)), b["spec"]["replicas"], find.gpus(b))
            for b in find.model_servers([manifests])
        ]
        planned = [(p.pool, p.replicas, p.shape.gpus) for p in cluster.placements]
        assert sorted(placed) == sorted(planned)
        assert {pool for pool, _, _ in placed} <= pools.keys()


def test_spot_pods_tolerate_spot_and_on_demand_pods_do_not() -> None:
    tolerations = {
        body["metadata"]["name"]: [t["key"] for t in find.pod(body)["tolerations"]]
        for body in find.model_servers(MANIFESTS[:1])
    }
    assert tolerations == {
        f"{builders.LLAMA}-l4-on-demand-tp1-bf16": ["nvidia.com/gpu"],
        f"{builders.LLAMA}-l4x4-spot-tp1-bf16": ["nvidia.com/gpu", "outlay/market"],
    }


def test_taints_are_those_agreed_with_the_node_pools() -> None:
    assert Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule") == GPU_TAINT
    assert Taint(key="outlay/market", value="spot", effect="NoSchedule") == SPOT_TAINT


def test_azure_spot_pods_tolerate_what_aks_adds_itself() -> None:
    pool = replace(builders.spot_pool(), provider="azure", cluster="azure-eastus")
    cluster = builders.cluster(
        name="azure-eastus",
        provider="azure",
        pools=(pool,),
        placements=(builders.placement(pool=pool.name, cluster="azure-eastus"),),
    )
    (body,) = find.model_servers(render(builders.plan(clusters=(cluster,))))
    keys = [t["key"] for t in find.pod(body)["tolerations"]]
    assert keys == [GPU_TAINT.key, SPOT_TAINT.key, AZURE_SPOT_TAINT.key]


def test_device_plugin_tolerates_every_gpu_pool_and_runs_on_no_other() -> None:
    (plugin,) = find.bodies(MANIFESTS[:1], "DaemonSet")
    spec = find.pod(plugin)
    for pool in TWO_CLOUDS.clusters[0].pools:
        labels = gpu_node_labels(pool=pool.name, market=pool.market, gpu=pool.gpu)
        assert fits(spec, labels, gpu_node_taints(pool.market))
    affinity = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert affinity == {
        "nodeSelectorTerms": [{"matchExpressions": [{"key": "outlay/gpu", "operator": "Exists"}]}]
    }


def test_without_a_cpu_pool_the_router_may_use_on_demand_gpu_nodes_but_never_spot() -> None:
    cluster = builders.cluster(cpu_pool=None)
    (router,) = find.routers(render(builders.plan(clusters=(cluster,))))
    spec = find.pod(router)
    assert "nodeSelector" not in spec
    assert fits(spec, {}, gpu_node_taints(Market.ON_DEMAND))
    assert not fits(spec, {}, gpu_node_taints(Market.SPOT))


def test_resources_are_the_placements() -> None:
    (body,) = find.model_servers(PLAN)
    assert find.pod(body)["containers"][0]["resources"] == {
        "requests": {"cpu": "2", "memory": "11Gi", "nvidia.com/gpu": 1},
        "limits": {"memory": "11Gi", "nvidia.com/gpu": 1},
    }


def test_a_pool_of_several_replica_sizes_lets_the_larger_push_the_smaller() -> None:
    """Two replicas of 4 GPUs spread over two nodes would leave no room for the one of 8."""
    manifests = render(mixed_plan())
    values = {b["metadata"]["name"]: b["value"] for b in find.bodies(manifests, "PriorityClass")}
    assert values == {"outlay-replica-4-gpus": 4, "outlay-replica-8-gpus": 8}
    for body in find.model_servers(manifests):
        spec = find.pod(body)
        assert values[spec["priorityClassName"]] == find.gpus(body)
        assert "topologySpreadConstraints" not in spec


def test_a_pool_of_one_replica_size_spreads_and_needs_no_priority() -> None:
    assert not find.bodies(MANIFESTS[1:], "PriorityClass")
    for body in find.model_servers(MANIFESTS[1:]):
        spec = find.pod(body)
        assert "priorityClassName" not in spec
        assert [
            (c["topologyKey"], c["whenUnsatisfiable"]) for c in spec["topologySpreadConstraints"]
        ] == [
            ("topology.kubernetes.io/zone", "ScheduleAnyway"),
            ("kubernetes.io/hostname", "ScheduleAnyway"),
        ]


# --- engine ------------------------------------------------------------------------------------


def test_engine_arguments() -> None:
    name = f"{builders.QWEN}-h100x8-on-demand-tp2-fp8"
    assert find.args(find.one(MANIFESTS, "Deployment", name)) == [
        "Qwen/Qwen3-32B",
        "--served-model-name=Qwen/Qwen3-32B",
        "--tensor-parallel-size=2",
        "--max-model-len=8192",
        "--max-num-seqs=256",
        "--gpu-memory-utilization=0.9",
        "--quantization=fp8",
        "--kv-cache-dtype=fp8",
        "--enable-force-include-usage",
        "--disable-access-log-for-endpoints=/health,/metrics,/v1/models",
        "--shutdown-timeout=45",
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"weight_precision": Precision.BF16}, ["--dtype=bfloat16"]),
        ({"weight_precision": Precision.FP16}, ["--dtype=float16"]),
        ({"weight_precision": Precision.FP8}, []),
        ({"weight_precision": Precision.FP8, "quantize_online": True}, ["--quantization=fp8"]),
        ({"weight_precision": Precision.INT4}, []),
        ({"kv_precision": Precision.FP8}, ["--dtype=bfloat16", "--kv-cache-dtype=fp8"]),
    ],
)
def test_precision_flags(changes: dict[str, Any], expected: list[str]) -> None:
    cluster = builders.cluster(placements=(builders.placement(shape=builders.shape(**changes)),))
    (body,) = find.model_servers(render(builders.plan(clusters=(cluster,))))
    flags = ("--dtype", "--quantization", "--kv-cache-dtype")
    assert [arg for arg in find.args(body) if arg.startswith(flags)] == expected


def test_checkpoint_is_loaded_and_the_model_s_name_served() -> None:
    """Clients and metrics use the model's own name, whichever checkpoint holds its weights."""
    shape = builders.shape(checkpoint="RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8")
    cluster = builders.cluster(placements=(builders.placement(shape=shape),))
    (body,) = find.model_servers(render(builders.plan(clusters=(cluster,))))
    assert find.args(body)[:2] == [
        "RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8",
        "--served-model-name=meta-llama/Llama-3.1-8B-Instruct",
    ]


def test_no_checkpoint_means_the_model_s_own() -> None:
    cluster = builders.cluster(
        placements=(builders.placement(shape=builders.shape(checkpoint="")),)
    )
    (body,) = find.model_servers(render(builders.plan(clusters=(cluster,))))
    assert find.args(body)[0] == "meta-llama/Llama-3.1-8B-Instruct"


def test_only_gke_gets_its_nccl_variables() -> None:
    for manifests in MANIFESTS:
        for body in find.model_servers([manifests]):
            env = {e["name"]: e.get("value") for e in find.pod(body)["containers"][0]["env"]}
            assert ("NCCL_TUNER_PLUGIN" in env) == (manifests.provider == "gcp")


def test_peak_prefill_is_the_mean_over_a_workload_s_replicas() -> None:
    fast = builders.placement(
        pool="l4x4-spot", replicas=1, shape=builders.shape(prefill_tokens_per_s=7200.0)
    )
    cluster = builders.cluster(
        pools=(builders.pool(), builders.spot_pool()), placements=(builders.placement(), fast)
    )
    manifests = render(builders.plan(clusters=(cluster,)))
    config = find.one(manifests, "ConfigMap", f"{builders.LLAMA}-epp")["data"]["epp-config.yaml"]
    assert "peakPrefillThroughput: 5200\n" in config


def test_a_changed_configuration_restarts_the_router() -> None:
    """Picker and Envoy read their files only when they start, so the pod must change with them."""

    def annotations(prefill: float) -> dict[str, str]:
        shape = builders.shape(prefill_tokens_per_s=prefill)
        cluster = builders.cluster(placements=(builders.placement(shape=shape),))
        (router,) = find.routers(render(builders.plan(clusters=(cluster,))))
        found: dict[str, str] = router["spec"]["template"]["metadata"]["annotations"]
        return found

    assert annotations(4200.0) == annotations(4200.0)
    assert annotations(4200.0) != annotations(4300.0)


# --- secrets -----------------------------------------------------------------------------------


@pytest.mark.parametrize("hf_token", [True, False])
def test_token_is_a_reference_and_optional_only_without_a_token(hf_token: bool) -> None:
    for body in find.model_servers(render(TWO_CLOUDS, hf_token=hf_token)):
        token = find.pod(body)["containers"][0]["env"][0]
        assert token == {
            "name": "HF_TOKEN",
            "valueFrom": {
                "secretKeyRef": {
                    "name": "llm-d-hf-token",
                    "key": "HF_TOKEN",
                    "optional": not hf_token,
                }
            },
        }


def test_no_secret_is_ever_rendered() -> None:
    assert not find.bodies(MANIFESTS, "Secret")


# --- names -------------------------------------------------------------------------------------


def test_dots_of_a_model_become_dashes() -> None:
    """A Service may not be called llama-3.1-8b."""
    plan = builders.plan(
        workloads=(builders.workload(name="llama-3.1-8b"),),
        clusters=(builders.cluster(placements=(builders.placement(workload="llama-3.1-8b"),)),),
    )
    (service,) = find.bodies(render(plan), "Service")
    assert service["metadata"]["name"] == "llama-3-1-8b-epp"


def named_plan(name: str, pool: str) -> Plan:
    """Return a plan whose workload and pool have these names."""
    cluster = builders.cluster(
        pools=(builders.pool(name=pool),),
        placements=(builders.placement(workload=name, pool=pool),),
    )
    return builders.plan(workloads=(builders.workload(name=name),), clusters=(cluster,))


LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)


@given(name=LABELS, pool=LABELS)
def test_any_legal_name_renders(name: str, pool: str) -> None:
    """The strict check and the length rules hold for every DNS label, the longest included."""
    for _, item in find.every(render(named_plan(name, pool))):
        if item.kind != "CustomResourceDefinition":
            assert len(item.name) <= 63 + len("-model-server")
            assert all(len(v) <= 63 for v in item.body()["metadata"].get("labels", {}).values())
        if item.kind == "Service":
            assert len(item.name) <= 63
            assert item.name[0].isalpha()


# --- bad plans ---------------------------------------------------------------------------------


def broken(**changes: Any) -> Plan:
    """Return a plan with a changed cluster."""
    return builders.plan(clusters=(builders.cluster(**changes),))


BAD_PLANS = {
    "unknown provider": (
        broken(provider="oracle"),
        (
            "cannot render llm-d objects for provider 'oracle': only aws, azure, coreweave, gcp, lambda are known;"
            " limit `providers` to those, or add it to serving/versions.py"
        ),
    ),
    "pool that does not exist": (
        broken(placements=(builders.placement(pool="gone"),)),
        (
            "the plan places llama-3-1-8b on pool 'gone', which cluster aws-us-east-1 does not have;"
            " make the plan again"
        ),
    ),
    "GPU of another vendor": (
        broken(pools=(builders.pool(gpu="MI300X"),)),
        (
            "pool l4-on-demand: only NVIDIA GPUs can be rendered, MI300X is of amd;"
            " leave that GPU out of the settings"
        ),
    ),
    "pool name that is no label": (
        broken(pools=(builders.pool(name="a/b"),), placements=(builders.placement(pool="a/b"),)),
        (
            "outlay/pool of pool a/b 'a/b' is not a legal Kubernetes label value (at most 63 letters,"
            " digits, '-', '_' or '.', with a letter or digit at both ends); shorten or rename it"
        ),
    ),
    "quantisation that the engine cannot do": (
        broken(
            placements=(
                builders.placement(
                    shape=builders.shape(weight_precision=Precision.INT4, quantize_online=True)
                ),
            )
        ),
        (
            "replica shape Llama-3.1-8B/L4x1/int4: the engine quantises to fp8 only while loading,"
            " not to int4; name a checkpoint that is already quantised"
        ),
    ),
    "two workloads of one Kubernetes name": (
        builders.plan(
            workloads=(builders.workload(), builders.workload(name="llama-3.1-8b")),
            clusters=(
                builders.cluster(
                    placements=(
                        builders.placement(),
                        builders.placement(workload="llama-3.1-8b"),
                    )
                ),
            ),
        ),
        "two workloads would both be called 'llama-3-1-8b' in Kubernetes; rename one",
    ),
    "one placement twice": (
        broken(placements=(builders.placement(), builders.placement())),
        (
            "two placements would both be called 'llama-3-1-8b-l4-on-demand-tp1-bf16' in Kubernetes;"
            " rename one"
        ),
    ),
    "name without a letter or digit": (
        named_plan("---", "p"),
        "cannot make a Kubernetes name of '---'; use letters and digits",
    ),
}


@pytest.mark.parametrize(("plan", "message"), BAD_PLANS.values(), ids=BAD_PLANS.keys())
def test_a_plan_that_cannot_be_rendered_says_why(plan: Plan, message: str) -> None:
    with pytest.raises(RenderError) as caught:
        render(plan)
    assert str(caught.value) == message


def test_importing_render_loads_neither_jinja_nor_schemas_nor_pulumi() -> None:
    """`outlay plan` imports the package; what only rendering needs is loaded when it renders."""
    code = (
        "import sys, json, outlay.serving.render;"
        "print(json.dumps(sorted({'jinja2', 'jsonschema', 'kubernetes_validate', 'pulumi'}"
        " & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
