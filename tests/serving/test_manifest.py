"""What the Pulumi SDK sends to the engine for rendered objects, read from the requests themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, rpc, settings, stack
from pulumi.runtime.proto import resource_pb2

from outlay.serving.manifest import declare, resource_name, type_token
from outlay.serving.objects import KubeObject
from outlay.serving.render import render
from outlay.serving.versions import PULUMI_KUBERNETES
from tests.serving import builders

ROOT = Path(__file__).resolve().parents[2]
(AWS, GCP) = render(builders.two_cloud_plan())


class Answers(pulumi.runtime.Mocks):
    """Answers nothing: registrations go to the recorder, and nothing may be looked up."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Fail: the recorder answers registrations."""
        raise AssertionError(args.name)

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
        """Fail: nothing here may look anything up."""
        raise AssertionError(args.token)


class Recorder(mocks.MockMonitor):
    """Keeps the requests that an engine would get."""

    def __init__(self) -> None:
        super().__init__(Answers())
        self.requests: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - name of the gRPC method
        """Keep the request and answer with its own inputs, without the event loop per thread of the base."""
        self.requests[request.name] = request
        urn = self.make_urn(request.parent, request.type, request.name)
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=request.name, object=request.object
        )


@pytest.fixture(scope="module")
def requests() -> Iterator[dict[str, Any]]:
    """Declare both clusters and return the requests by resource name."""
    recorder = Recorder()
    # The SDK keeps its loop and settings in globals; leave none behind for other tests.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    before = settings.SETTINGS
    pulumi.runtime.set_mocks(Answers(), preview=False, monitor=recorder)

    async def program() -> None:
        provider = pulumi.ProviderResource("kubernetes", "k8s", {}, None)
        pools = [pulumi.CustomResource("test:index:Pool", "pool", {})]
        owner = pulumi.ComponentResource("test:index:Serving", "serving")
        declare(AWS, provider=provider, parent=owner, depends_on=pools)
        declare(GCP, provider=provider, depends_on=pools)
        await stack.wait_for_rpcs()

    try:
        loop.run_until_complete(program())
        yield recorder.requests
    finally:
        settings.configure(before)
        asyncio.set_event_loop(None)
        loop.close()


def test_one_resource_per_object(requests: dict[str, Any]) -> None:
    expected = {resource_name(m.cluster, item) for m in (AWS, GCP) for item in m.objects}
    assert expected <= requests.keys()
    assert len(expected) == len(AWS.objects) + len(GCP.objects)


@pytest.mark.parametrize(
    "item", [pytest.param(i, id=i.identity) for i in AWS.objects if not i.kind.startswith("Custom")]
)
def test_object_reaches_the_engine_unchanged(item: KubeObject, requests: dict[str, Any]) -> None:
    """Keys with dots, slashes and dashes included."""
    request = requests[resource_name(AWS.cluster, item)]
    assert rpc.deserialize_properties(request.object) == item.body()


def test_types_names_and_versions(requests: dict[str, Any]) -> None:
    names = [
        "aws-us-east-1/namespace/-/llm-d",
        "aws-us-east-1/deployment/llm-d/llama-3-1-8b-epp",
        "gcp-us-central1/inferencepool/llm-d/qwen3-32b",
        "gcp-us-central1/role/llm-d/qwen3-32b-epp",
    ]
    assert [requests[name].type for name in names] == [
        "kubernetes:core/v1:Namespace",
        "kubernetes:apps/v1:Deployment",
        "kubernetes:inference.networking.k8s.io/v1:InferencePool",
        "kubernetes:rbac.authorization.k8s.io/v1:Role",
    ]
    assert {requests[name].version for name in names} == {PULUMI_KUBERNETES}
    assert all("k8s" in requests[name].provider for name in names)


def test_names_are_lower_case() -> None:
    names = [resource_name(m.cluster, item) for m in (AWS, GCP) for item in m.objects]
    assert all(name == name.lower() and " " not in name for name in names)


def test_base_objects_come_first_and_the_rest_depends_on_all_of_them(
    requests: dict[str, Any],
) -> None:
    for manifests in (AWS, GCP):
        base = {resource_name(manifests.cluster, i) for i in manifests.objects if i.is_base}
        for item in manifests.objects:
            found = requests[resource_name(manifests.cluster, item)].dependencies
            names = {urn.split("::")[-1] for urn in found}
            assert names == {"pool"} | (set() if item.is_base else base)


def test_rollouts_get_the_time_that_a_large_model_needs(requests: dict[str, Any]) -> None:
    slow = requests["aws-us-east-1/deployment/llm-d/llama-3-1-8b-l4-on-demand-tp1-bf16"]
    assert (slow.customTimeouts.create, slow.customTimeouts.update) == ("70m", "70m")
    assert not requests["aws-us-east-1/service/llm-d/llama-3-1-8b-epp"].customTimeouts.create


def test_parent_is_passed_on(requests: dict[str, Any]) -> None:
    assert requests["aws-us-east-1/namespace/-/llm-d"].parent.endswith("::serving")


def test_type_token_of_the_core_group() -> None:
    service = next(item for item in AWS.objects if item.kind == "Service")
    assert type_token(service) == "kubernetes:core/v1:Service"


def test_version_is_the_pinned_one() -> None:
    """The SDK in requirements.txt and the plugin that the engine loads are one release."""
    assert f"pulumi-kubernetes=={PULUMI_KUBERNETES}\n" in (ROOT / "requirements.txt").read_text()
