"""The traps of llm-d on a real cluster (P1 to P20 of the project's notes), each held by an assertion.

Not here, since nothing of the kind is rendered: P7, P16 (LeaderWorkerSet), P9, P10 (Gateway mode),
P17, P20 (prefill and decode apart). `test_kinds_whose_traps_do_not_apply` fails when that changes.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from outlay.catalog import Market
from outlay.catalog.llm_d import LLM_D, ROUTER_CPUS, ROUTER_MEMORY_GIB
from outlay.serving.render import render
from outlay.serving.versions import drain, habits
from tests.serving import builders, find

MANIFESTS = render(builders.two_cloud_plan())
PROVIDERS = ("aws", "gcp", "azure")


def images() -> Iterator[str]:
    """Yield every image that is rendered."""
    for kind in ("Deployment", "DaemonSet"):
        for body in find.bodies(MANIFESTS, kind):
            for container in find.pod(body)["containers"]:
                yield container["image"]


@pytest.mark.parametrize("image", sorted(set(images())))
def test_p1_no_floating_tag(image: str) -> None:
    name, _, tag = image.rpartition(":")
    assert name
    assert re.fullmatch(r"(distroless-)?v\d+\.\d+\.\d+", tag)
    assert not re.search(r"inference-scheduler|routing-sidecar|llm-d-cuda|REPLACE_", image)


def test_p1_one_release_line() -> None:
    assert LLM_D.endpoint_picker_image.endswith(f":{LLM_D.router}")
    assert LLM_D.engine_image.endswith(f":{LLM_D.vllm}")
    assert LLM_D.line == "v0.9"


def test_p1_nothing_is_left_to_replace() -> None:
    for _, item in find.every(MANIFESTS):
        if item.kind != "CustomResourceDefinition":
            assert "REPLACE_" not in item.json
            assert "latest" not in item.json


def epp_configs() -> list[dict[str, Any]]:
    """Return the configurations of all endpoint pickers."""
    texts = [m["data"].get("epp-config.yaml") for m in find.bodies(MANIFESTS, "ConfigMap")]
    return [yaml.safe_load(text) for text in texts if text]


def test_p2_picker_configuration_is_of_the_release() -> None:
    """The check of every other field and plugin is in test_check.py."""
    assert [config["apiVersion"] for config in epp_configs()] == ["llm-d.ai/v1alpha1"] * 3


def test_p3_queue_metrics_are_on() -> None:
    """Autoscaling on the picker's queue sees nothing without flow control."""
    assert [config["featureGates"] for config in epp_configs()] == [["flowControl"]] * 3


def test_p4_no_object_of_the_old_group() -> None:
    for _, item in find.every(MANIFESTS):
        assert "inference.networking.x-k8s.io" not in item.api_version
        assert not item.name.endswith("inference.networking.x-k8s.io")


def test_p5_failure_mode_is_one_that_exists() -> None:
    pools = find.bodies(MANIFESTS, "InferencePool")
    assert {pool["spec"]["endpointPickerRef"]["failureMode"] for pool in pools} == {"FailOpen"}


def test_p6_every_gpu_pod_selects_its_pool_and_tolerates_it() -> None:
    """The full closure, pool by pool, is test_label_closure in test_render.py."""
    for body in find.model_servers(MANIFESTS):
        spec = find.pod(body)
        assert "outlay/gpu" in spec["nodeSelector"]
        assert find.home(spec)
        assert spec["tolerations"]


def test_p8_every_router_has_its_own_configmaps() -> None:
    """Upstream calls Envoy's `envoy`: two models in a namespace would overwrite each other."""
    for manifests in MANIFESTS:
        mounted = [
            volume["configMap"]["name"]
            for body in find.routers([manifests])
            for volume in find.pod(body)["volumes"]
        ]
        rendered = [m["metadata"]["name"] for m in find.bodies([manifests], "ConfigMap")]
        assert len(set(mounted)) == len(mounted)
        assert sorted(mounted) == sorted(rendered)
        assert "envoy" not in rendered


def test_p11_router_requests_are_those_that_the_planner_counts() -> None:
    for body in find.routers(MANIFESTS):
        requests = [c["resources"]["requests"] for c in find.pod(body)["containers"]]
        assert sum(int(r["cpu"]) for r in requests) == ROUTER_CPUS == 8
        memory = sum(int(r["memory"].removesuffix("Gi")) for r in requests)
        assert memory == ROUTER_MEMORY_GIB == 16


def test_p12_a_full_pool_can_be_rolled() -> None:
    for body in find.model_servers(MANIFESTS):
        assert body["spec"]["strategy"] == {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1},
        }


def test_p13_one_router_recreated_off_spot_with_a_budget() -> None:
    budgets = [
        b["spec"]["selector"]["matchLabels"] for b in find.bodies(MANIFESTS, "PodDisruptionBudget")
    ]
    for body in find.routers(MANIFESTS):
        assert body["spec"]["replicas"] == 1
        assert body["spec"]["strategy"] == {"type": "Recreate"}
        spec = find.pod(body)
        assert spec["nodeSelector"] == {"outlay/pool": "cpu"}
        (term,) = spec["affinity"]["nodeAffinity"][
            "requiredDuringSchedulingIgnoredDuringExecution"
        ]["nodeSelectorTerms"]
        assert term == {
            "matchExpressions": [{"key": "outlay/market", "operator": "NotIn", "values": ["spot"]}]
        }
        labels = body["spec"]["template"]["metadata"]["labels"]
        assert any(find.selects(budget, labels) for budget in budgets)


@pytest.mark.parametrize(
    ("provider", "market", "expected"),
    [
        ("aws", Market.SPOT, (15, 45, 75)),
        ("gcp", Market.SPOT, (5, 8, 15)),
        ("azure", Market.SPOT, (5, 15, 25)),
        *[(provider, Market.ON_DEMAND, (15, 45, 75)) for provider in PROVIDERS],
    ],
)
def test_p14_drain_times(provider: str, market: Market, expected: tuple[int, int, int]) -> None:
    found = drain(provider, market)
    assert (found.pre_stop_s, found.finish_s, found.grace_s) == expected


@pytest.mark.parametrize("provider", PROVIDERS)
def test_p14_drain_ends_inside_the_spot_notice(provider: str) -> None:
    found = drain(provider, Market.SPOT)
    assert found.pre_stop_s + found.finish_s < found.grace_s <= habits(provider).spot_notice_s


def test_p14_pods_stop_as_their_pool_allows() -> None:
    for manifests in MANIFESTS:
        for body in find.model_servers([manifests]):
            spec = find.pod(body)
            market = Market.SPOT if find.home(spec).endswith("spot") else Market.ON_DEMAND
            allowed = drain(manifests.provider, market)
            (container,) = spec["containers"]
            assert spec["terminationGracePeriodSeconds"] == allowed.grace_s
            assert container["lifecycle"]["preStop"]["sleep"]["seconds"] == allowed.pre_stop_s
            assert f"--shutdown-timeout={allowed.finish_s}" in container["args"]


def test_p14_router_outlives_the_longest_drain() -> None:
    grace = [find.pod(body)["terminationGracePeriodSeconds"] for body in find.routers(MANIFESTS)]
    assert min(grace) > max(drain(p, m).grace_s for p in PROVIDERS for m in Market)


def test_p15_definitions_come_before_their_objects() -> None:
    for manifests in MANIFESTS:
        kinds = [item.kind for item in manifests.objects]
        last = max(i for i, kind in enumerate(kinds) if kind == "CustomResourceDefinition")
        first = min(i for i, kind in enumerate(kinds) if kind in ("InferencePool", "PodMonitor"))
        assert last < first
        assert all(a.is_base >= b.is_base for a, b in itertools.pairwise(manifests.objects))


def test_p18_token_comes_from_a_secret_and_no_volume_needs_a_storage_class() -> None:
    assert not find.bodies(MANIFESTS, "PersistentVolumeClaim")
    for body in find.model_servers(MANIFESTS):
        volumes = find.pod(body)["volumes"]
        assert all("emptyDir" in volume for volume in volumes)


def test_p19_a_pool_selects_its_own_model_servers_and_nothing_else() -> None:
    for manifests in MANIFESTS:
        templates = [
            (
                body["metadata"]["name"],
                find.gpus(body),
                body["spec"]["template"]["metadata"]["labels"],
            )
            for body in find.bodies([manifests], "Deployment")
        ]
        chosen: list[str] = []
        for pool in find.bodies([manifests], "InferencePool"):
            selector = pool["spec"]["selector"]["matchLabels"]
            names = [name for name, _, labels in templates if find.selects(selector, labels)]
            assert all(name.startswith(f"{pool['metadata']['name']}-") for name in names)
            chosen += names
        assert sorted(chosen) == sorted(name for name, gpus, _ in templates if gpus)


def test_deployments_select_disjoint_pods() -> None:
    """Two placements of a workload share most labels; their Deployments must not share pods."""
    for manifests in MANIFESTS:
        deployments = find.bodies([manifests], "Deployment")
        for one in deployments:
            labels = one["spec"]["template"]["metadata"]["labels"]
            owners = [
                other["metadata"]["name"]
                for other in deployments
                if find.selects(other["spec"]["selector"]["matchLabels"], labels)
            ]
            assert owners == [one["metadata"]["name"]]


def test_services_monitors_and_budgets_select_something() -> None:
    for manifests in MANIFESTS:
        labels = [
            body["spec"]["template"]["metadata"]["labels"]
            for body in find.bodies([manifests], "Deployment")
        ]
        selectors = [b["spec"]["selector"] for b in find.bodies([manifests], "Service")]
        for kind in ("PodMonitor", "PodDisruptionBudget"):
            selectors += [
                b["spec"]["selector"]["matchLabels"] for b in find.bodies([manifests], kind)
            ]
        assert all(any(find.selects(s, found) for found in labels) for s in selectors)


def test_named_ports_exist() -> None:
    """A monitor or probe by a port's name does nothing when the pod has no such port."""
    for manifests in MANIFESTS:
        deployments = find.bodies([manifests], "Deployment")
        for monitor in find.bodies([manifests], "PodMonitor"):
            selector = monitor["spec"]["selector"]["matchLabels"]
            for body in deployments:
                if find.selects(selector, body["spec"]["template"]["metadata"]["labels"]):
                    ports = {p["name"] for c in find.pod(body)["containers"] for p in c["ports"]}
                    wanted = {e["port"] for e in monitor["spec"]["podMetricsEndpoints"]}
                    assert wanted <= ports


def test_the_picker_may_read_what_it_watches() -> None:
    for role in find.bodies(MANIFESTS, "Role"):
        allowed = {
            (group, resource)
            for rule in role["rules"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            if {"get", "list", "watch"} <= set(rule["verbs"])
        }
        assert {
            ("", "pods"),
            ("inference.networking.k8s.io", "inferencepools"),
            ("llm-d.ai", "inferenceobjectives"),
            ("llm-d.ai", "inferencemodelrewrites"),
        } <= allowed
        assert all(rule["verbs"] == ["get", "watch", "list"] for rule in role["rules"])


def test_kinds_whose_traps_do_not_apply() -> None:
    kinds = {item.kind for _, item in find.every(MANIFESTS)}
    assert kinds == {
        "ConfigMap",
        "CustomResourceDefinition",
        "DaemonSet",
        "Deployment",
        "InferencePool",
        "Namespace",
        "PodDisruptionBudget",
        "PodMonitor",
        "PriorityClass",
        "Role",
        "RoleBinding",
        "Service",
        "ServiceAccount",
    }
