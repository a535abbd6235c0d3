"""Kubernetes objects are free only where they cannot buy anything."""

from __future__ import annotations

from decimal import Decimal

import pytest

from outlay.pricing.inputs import UNKNOWN
from outlay.pricing.price import price
from outlay.pricing.types import Category, Cost, Free, Price, Unpriced
from tests.pricing.book import RATES, cost, line

NODE_POOL = "kubernetes:compute.coreweave.com/v1alpha1:NodePool"
SPEC: dict[str, object] = {"instanceType": "gd-8xh100ib-i128", "targetNodes": 2.0}


def kubernetes(resource_type: str, inputs: dict[str, object], region: str | None = None) -> Price:
    return price(resource_type, inputs, rates=RATES, region=region)


@pytest.mark.parametrize(
    "kind",
    [
        "core/v1:Namespace",
        "core/v1:ConfigMap",
        "apps/v1:Deployment",
        "apps/v1:DeploymentPatch",
        "rbac.authorization.k8s.io/v1:ClusterRole",
        "gateway.networking.k8s.io/v1:HTTPRoute",
        "inference.networking.k8s.io/v1:InferencePool",
        "inference.networking.x-k8s.io/v1alpha2:InferenceObjective",
        "monitoring.coreos.com/v1:PodMonitor",
        "keda.sh/v1alpha1:ScaledObject",
    ],
)
def test_what_runs_on_priced_nodes_is_free_whatever_its_inputs(kind: str) -> None:
    """The engine sends no properties for objects of a cluster that does not exist yet."""
    assert kubernetes(f"kubernetes:{kind}", {}) == Free(
        reason="runs on nodes that are priced on their own"
    )


@pytest.mark.parametrize(
    "kind",
    [
        "karpenter.sh/v1:NodeClaim",
        "eks.amazonaws.com/v1:NodeClass",
        "cloud.google.com/v1:ComputeClass",
        "ec2.aws.upbound.io/v1beta1:Instance",
        "helm.sh/v3:Release",
        "kops.k8s.io/v1alpha2:InstanceGroup",
        "unheard.of/v1:Thing",
    ],
)
def test_an_unknown_operator_may_buy_anything(kind: str) -> None:
    resource_type = f"kubernetes:{kind}"
    assert kubernetes(resource_type, {}) == Unpriced(reason=f"no price rule for {resource_type}")


@pytest.mark.parametrize(
    "kind", ["yaml:ConfigFile", "yaml/v2:ConfigGroup", "kustomize/v2:Directory", "helm.sh/v4:Chart"]
)
def test_components_of_the_provider_are_free(kind: str) -> None:
    found = kubernetes(f"kubernetes:{kind}", {})
    assert found == Free(reason="a component; the objects in it are priced on their own")


@pytest.mark.parametrize("spec", [{"type": "ClusterIP"}, {"ports": [{"port": 80}]}])
def test_services_inside_the_cluster_are_free(spec: dict[str, object]) -> None:
    assert isinstance(kubernetes("kubernetes:core/v1:Service", {"spec": spec}), Free)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (
            {"spec": {"type": "LoadBalancer"}},
            "spec.type LoadBalancer: the price depends on the cloud, which the object does not name",
        ),
        ({"spec": {"type": UNKNOWN}}, "spec.type is not known before the update"),
        ({"spec": UNKNOWN}, "spec is not known before the update"),
        ({}, "spec is missing, so it may be of type LoadBalancer"),
    ],
)
@pytest.mark.parametrize("kind", ["Service", "ServicePatch"])
def test_a_service_that_may_order_a_load_balancer_is_unpriced(
    kind: str, inputs: dict[str, object], reason: str
) -> None:
    assert kubernetes(f"kubernetes:core/v1:{kind}", inputs) == Unpriced(reason=reason)


@pytest.mark.parametrize(
    "kind",
    [
        "core/v1:PersistentVolumeClaim",
        "core/v1:PersistentVolume",
        "networking.k8s.io/v1:Ingress",
        "gateway.networking.k8s.io/v1:Gateway",
        "core/v1:ServiceList",
    ],
)
def test_what_orders_disks_or_load_balancers_is_unpriced(kind: str) -> None:
    assert isinstance(kubernetes(f"kubernetes:{kind}", {"spec": {}}), Unpriced)


def test_a_stateful_set_is_free_unless_it_orders_disks() -> None:
    stateful_set = "kubernetes:apps/v1:StatefulSet"
    assert isinstance(kubernetes(stateful_set, {"spec": {"replicas": 2}}), Free)
    assert kubernetes(stateful_set, {"spec": {"volumeClaimTemplates": [{}]}}) == Unpriced(
        reason="spec.volumeClaimTemplates: a disk for each pod has no price rule"
    )


def test_disks_are_found_wherever_they_are_ordered() -> None:
    """A pod's ephemeral volume and an operator's storage order a disk for each pod."""
    volume = {"name": "v", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}
    spec = {"template": {"spec": {"volumes": [volume]}}}
    assert kubernetes("kubernetes:apps/v1:Deployment", {"spec": spec}) == Unpriced(
        reason="spec.template.spec.volumes[0].ephemeral.volumeClaimTemplate:"
        " a disk for each pod has no price rule"
    )
    storage: dict[str, object] = {"storage": {"volumeClaimTemplate": {"spec": {}}}}
    assert kubernetes(
        "kubernetes:monitoring.coreos.com/v1:Prometheus", {"spec": storage}
    ) == Unpriced(reason="spec.storage.volumeClaimTemplate: a disk for each pod has no price rule")


def test_a_definition_orders_nothing_though_it_describes_disks() -> None:
    spec = {"versions": [{"schema": {"properties": {"volumeClaimTemplates": {"type": "array"}}}}]}
    definition = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
    assert kubernetes(definition, {"spec": spec}) == Free(reason="describes objects and makes none")


def test_a_coreweave_pool_costs_its_nodes_where_the_price_is_the_same_everywhere() -> None:
    assert kubernetes(NODE_POOL, {"spec": SPEC}) == cost(
        "98.48",
        "98.48",
        "98.48",
        line("nodes: 2 gd-8xh100ib-i128 on-demand", Category.GPU, "98.48"),
    )


@pytest.mark.parametrize(
    ("change", "money"),
    [
        ({"computeClass": "Spot"}, ("38", "38", "38")),
        ({"autoscaling": True, "minNodes": 1, "maxNodes": 3}, ("49.24", "98.48", "147.72")),
        ({"instanceType": "turin-gp"}, ("18", "18", "18")),
        ({"instanceType": "gb200-4x", "targetRacks": 1}, ("756", "756", "756")),
    ],
)
def test_coreweave_markets_ranges_and_racks(
    change: dict[str, object], money: tuple[str, str, str]
) -> None:
    """A rack is 18 nodes."""
    found = kubernetes(NODE_POOL, {"spec": SPEC | change})
    assert isinstance(found, Cost)
    assert (found.low, found.expected, found.high) == tuple(Decimal(usd) for usd in money)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (SPEC | {"instanceType": None}, "spec.instanceType is missing"),
        (SPEC | {"targetNodes": UNKNOWN}, "spec.targetNodes is not known before the update"),
        (SPEC | {"targetNodes": None}, "spec.targetNodes is missing"),
        (SPEC | {"autoscaling": True}, "spec.minNodes is missing"),
        (SPEC | {"computeClass": "Lease"}, "spec.computeClass Lease has no price rule"),
        (SPEC | {"instanceType": "none"}, "no on-demand price for coreweave none"),
        (
            SPEC | {"instanceType": "varies"},
            "the price of varies varies by region, and the object names none",
        ),
    ],
)
def test_a_coreweave_pool_whose_price_is_open_is_unpriced(
    spec: dict[str, object], reason: str
) -> None:
    assert kubernetes(NODE_POOL, {"spec": spec}) == Unpriced(reason=reason)


def test_a_known_region_settles_a_price_that_varies() -> None:
    spec = SPEC | {"instanceType": "varies"}
    found = kubernetes(NODE_POOL, {"spec": spec}, region="US-WEST-01A")
    assert isinstance(found, Cost)
    assert found.expected == 4
