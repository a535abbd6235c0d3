"""Rules on pods: where they land, what they ask for, what they run, and what they give away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest
from pulumi_policy import ResourceValidationArgs

from outlay.pricing.inputs import UNKNOWN
from policies.placement import NO_ROUTER_ON_SPOT, NO_SURGE, PODS_FIT
from policies.pods import GPU_RESOURCES, NO_CLEAR_SECRETS, PINNED_IMAGES, PROBES
from tests.policies.resources import NODE_GROUP, ask, declared, kubernetes, pool

GPU = "nvidia.com/gpu"
LABELS = {"outlay/pool": "gpu", "outlay/market": "on-demand"}
TAINT = {"key": GPU, "value": "present", "effect": "NO_SCHEDULE"}
TOLERATION = {"key": GPU, "operator": "Exists"}
DIGEST = "sha256:" + "a" * 64


def nodes(
    name: str = "gpu", *, count: float = 1.0, spot: bool = False, **more: object
) -> ResourceValidationArgs:
    """A pool of one GPU a node."""
    labels = LABELS | {"outlay/pool": name, "outlay/market": "spot" if spot else "on-demand"}
    market = {"capacityType": "SPOT" if spot else "ON_DEMAND"}
    inputs = pool(nodes=count) | market | {"labels": labels, "taints": [TAINT]}
    return declared(NODE_GROUP, name, inputs | more)


def container(**more: object) -> dict[str, object]:
    resources = {"requests": {"cpu": "4", "memory": "8Gi", GPU: "1"}, "limits": {GPU: "1"}}
    probe = {"httpGet": {"path": "/health"}}
    return {
        "name": "vllm",
        "image": "vllm/vllm-openai:v0.9.0",
        "resources": resources,
        "readinessProbe": probe,
        "livenessProbe": probe,
        **more,
    }


def deployment(
    *containers: dict[str, object],
    kind: str = "apps/v1:Deployment",
    replicas: float = 1.0,
    strategy: dict[str, object] | None = None,
    pod: Mapping[str, object] | None = None,
) -> ResourceValidationArgs:
    spec = {
        "nodeSelector": {"outlay/pool": "gpu"},
        "tolerations": [TOLERATION],
        "containers": list(containers) or [container()],
    }
    whole: dict[str, object] = {
        "replicas": replicas,
        "template": {"metadata": {"labels": {}}, "spec": spec | dict(pod or {})},
    }
    return kubernetes(kind, "server", spec=whole | ({"strategy": strategy} if strategy else {}))


class TestPodsFit:
    def test_a_pod_that_fits_its_pool_passes(self) -> None:
        assert ask(PODS_FIT, [nodes(), deployment()]) == []

    @pytest.mark.parametrize(
        "pod",
        [
            {"nodeSelector": {"outlay/pool": "gpus"}},
            {"tolerations": []},
            {"tolerations": [{"key": GPU, "value": "absent"}]},
            {
                "affinity": {
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {
                            "nodeSelectorTerms": [
                                {
                                    "matchExpressions": [
                                        {
                                            "key": "outlay/market",
                                            "operator": "In",
                                            "values": ["spot"],
                                        }
                                    ]
                                }
                            ]
                        }
                    }
                }
            },
        ],
    )
    def test_a_letter_too_many_leaves_it_pending(self, pod: dict[str, object]) -> None:
        (message,) = ask(PODS_FIT, [nodes(), deployment(pod=pod)]).messages
        assert message.startswith(
            "its node selector and tolerations fit none of the pools with enough GPUs per node (gpu)"
        )

    @pytest.mark.parametrize(("label", "fits"), [("gpu", True), ("other", False)])
    def test_lambdas_instances_are_pools_by_what_they_say(self, label: str, fits: bool) -> None:
        """Their real labels are in user data, which is secret."""
        instance = declared(
            "pulumi-python:dynamic/outlay/lambda:Instance",
            "llm-0",
            {
                "instance_type_name": "gpu_1x_a10",
                "node_labels": {"outlay/pool": label},
                "node_taints": [],
            },
        )
        assert bool(ask(PODS_FIT, [instance, deployment()]).messages) is not fits

    def test_a_pod_larger_than_any_node_is_refused(self) -> None:
        large = container(resources={"requests": {"cpu": "1"}, "limits": {GPU: "8"}})
        (message,) = ask(PODS_FIT, [nodes(), deployment(large)]).messages
        assert message == "it asks for 8 GPUs per pod, and no declared pool has such nodes."

    def test_a_placement_known_later_is_refused(self) -> None:
        (message,) = ask(
            PODS_FIT, [nodes(), deployment(pod={"nodeSelector": UNKNOWN, "tolerations": []})]
        ).messages
        assert message.startswith("its selector or tolerations are known only after the update")

    def test_pools_may_stand_elsewhere(self) -> None:
        found = ask(PODS_FIT, [deployment()], config={"poolsElsewhere": True})
        assert found.reason == "the pools are declared by another stack"


class TestNoRouterOnSpot:
    ROUTER: Final = container(image="ghcr.io/llm-d/llm-d-inference-scheduler:v0.5.0", resources={})

    def test_a_router_may_not_land_on_spot(self) -> None:
        (message,) = ask(NO_ROUTER_ON_SPOT, [nodes(spot=True), deployment(self.ROUTER)]).messages
        assert message.startswith("it may run on spot nodes (gpu)")

    def test_a_router_that_keeps_off_spot_passes(self) -> None:
        off = deployment(self.ROUTER, pod={"nodeSelector": {"outlay/market": "on-demand"}})
        assert ask(NO_ROUTER_ON_SPOT, [nodes(spot=True), off]) == []
        assert ask(NO_ROUTER_ON_SPOT, [nodes(), deployment(self.ROUTER)]) == []

    def test_a_router_whose_place_is_known_later_is_taken_for_risky(self) -> None:
        later = deployment(self.ROUTER, pod={"nodeSelector": UNKNOWN})
        assert len(ask(NO_ROUTER_ON_SPOT, [nodes(spot=True), later])) == 1

    def test_a_model_server_may_be_on_spot(self) -> None:
        assert ask(NO_ROUTER_ON_SPOT, [nodes(spot=True), deployment()]) == []


NO_MORE: dict[str, object] = {"rollingUpdate": {"maxSurge": 0.0}}


class TestNoSurge:
    @pytest.mark.parametrize(
        ("count", "strategy", "surges"),
        [
            (1.0, None, True),
            (2.0, None, False),
            (1.0, NO_MORE, False),
            (1.0, {"type": "Recreate"}, False),
            (1.0, {"rollingUpdate": {"maxSurge": "100%"}}, True),
            (1.0, {"rollingUpdate": {"maxSurge": UNKNOWN}}, True),
        ],
    )
    def test_an_update_needs_no_gpu_that_is_not_there(
        self, count: float, strategy: dict[str, object] | None, surges: bool
    ) -> None:
        """Kubernetes starts a quarter more by default, rounded up."""
        found = ask(NO_SURGE, [nodes(count=count), deployment(strategy=strategy)])
        assert bool(found) is surges
        if surges:
            assert "starts 1 more pod (1 GPU) before old ones end" in found.messages[0]

    def test_other_pods_take_the_spare_gpus(self) -> None:
        other = deployment(kind="apps/v1:StatefulSet")
        assert len(ask(NO_SURGE, [nodes(count=2.0), deployment(), other])) == 1


class TestGpuResources:
    def test_a_complete_container_passes(self) -> None:
        assert ask(GPU_RESOURCES, [deployment()]) == []

    @pytest.mark.parametrize(
        ("resources", "messages"),
        [
            (
                {"limits": {GPU: "1"}},
                [
                    "container vllm requests no cpu, so others may take it away.",
                    "container vllm requests no memory, so others may take it away.",
                ],
            ),
            (
                {"requests": {"cpu": "1", "memory": "1Gi", GPU: "1"}},
                [f"container vllm has no limit for {GPU}, which the API server refuses."],
            ),
            (
                {"requests": {"cpu": "1", "memory": "1Gi", GPU: "1"}, "limits": {GPU: "2"}},
                [f"container vllm requests 1 {GPU} with a limit of 2."],
            ),
            ({}, []),
        ],
    )
    def test_what_is_missing_is_named(
        self, resources: dict[str, object], messages: list[str]
    ) -> None:
        """A container without a GPU may ask for what it likes."""
        assert ask(GPU_RESOURCES, [deployment(container(resources=resources))]).messages == messages


class TestImages:
    @pytest.mark.parametrize(
        ("image", "message"),
        [
            ("vllm/vllm-openai:v0.9.0", None),
            (f"vllm/vllm-openai@{DIGEST}", None),
            (f"vllm/vllm-openai:latest@{DIGEST}", None),
            ("localhost:5000/vllm:1", None),
            (
                "vllm/vllm-openai",
                "container vllm runs vllm/vllm-openai without a tag, so whatever is newest.",
            ),
            (
                "localhost:5000/vllm",
                "container vllm runs localhost:5000/vllm without a tag, so whatever is newest.",
            ),
            ("a:latest", "container vllm runs a:latest: the tag latest moves."),
            ("a:Main", "container vllm runs a:Main: the tag Main moves."),
            (UNKNOWN, None),
        ],
    )
    def test_images_are_pinned(self, image: str, message: str | None) -> None:
        found = ask(PINNED_IMAGES, [deployment(container(image=image))]).messages
        assert found == ([] if message is None else [message])

    def test_containers_that_run_first_count(self) -> None:
        resource = deployment(pod={"initContainers": [{"name": "get", "image": "a:edge"}]})
        assert ask(PINNED_IMAGES, [resource]).messages == [
            "container get runs a:edge: the tag edge moves."
        ]

    def test_cron_jobs_have_their_pod_deeper(self) -> None:
        template = {"spec": {"containers": [{"name": "c", "image": "a"}]}}
        spec = {"jobTemplate": {"spec": {"template": template}}}
        assert len(ask(PINNED_IMAGES, [kubernetes("batch/v1:CronJob", "j", spec=spec)])) == 1


class TestSecrets:
    @pytest.mark.parametrize(
        ("entry", "said"),
        [
            ({"name": "HF_TOKEN", "value": "anything"}, True),
            ({"name": "X", "value": "hf_" + "a" * 30}, True),
            ({"name": "MAX_TOKENS", "value": "512"}, False),
            ({"name": "TOKENIZER", "value": "fast"}, False),
            ({"name": "HF_TOKEN", "value": ""}, False),
            ({"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hf"}}}, False),
        ],
    )
    def test_values_of_secrets_come_from_secrets(
        self, entry: dict[str, object], said: bool
    ) -> None:
        found = ask(NO_CLEAR_SECRETS, [deployment(container(env=[entry]))]).messages
        name = entry["name"]
        expected = f"container vllm has the value of {name} in clear."
        assert found == ([expected] if said else [])

    def test_arguments_and_maps_are_read_too(self) -> None:
        secret = "--api-key=sk-" + "a" * 40
        resource = deployment(container(args=["serve", secret]))
        assert ask(NO_CLEAR_SECRETS, [resource]).messages == [
            "container vllm has a secret in its args."
        ]
        config = kubernetes("core/v1:ConfigMap", "m", data={"key": "-----BEGIN PRIVATE KEY-----"})
        assert ask(NO_CLEAR_SECRETS, [config]).messages == ["data.key holds a secret."]

    def test_the_secret_itself_is_not_shown(self) -> None:
        secret = "hf_" + "s" * 30
        found = ask(NO_CLEAR_SECRETS, [deployment(container(env=[{"name": "A", "value": secret}]))])
        assert secret not in str(found)


class TestProbes:
    def test_without_probes_it_is_said_what_happens(self) -> None:
        bare = container()
        del bare["readinessProbe"], bare["livenessProbe"]
        assert ask(PROBES, [deployment(bare)]).messages == [
            "no container has a readinessProbe: requests reach it while it still loads.",
            "no container has a livenessProbe or startupProbe: a hung server keeps its GPUs.",
        ]

    def test_jobs_serve_nobody(self) -> None:
        bare = container()
        del bare["readinessProbe"]
        assert ask(PROBES, [deployment(bare, kind="batch/v1:Job")]) == []
