"""A Karpenter NodePool costs what its limits let it buy, or says what leaves that open."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from outlay.pricing.beside import NODE_CLASS, Beside, Neighbour
from outlay.pricing.inputs import UNKNOWN
from outlay.pricing.karpenter import CAPACITY_TYPE, INSTANCE_TYPE, REGION, ZONE_LABEL
from outlay.pricing.price import price
from outlay.pricing.types import Cost, Free, Price, Unpriced
from tests.pricing.book import RATES

NODE_POOL = "kubernetes:karpenter.sh/v1:NodePool"
CLASS: dict[str, Any] = {
    "metadata": {"name": "gpu"},
    "spec": {"blockDeviceMappings": [{"ebs": {"volumeSize": "100Gi", "volumeType": "gp3"}}]},
}


def beside(node_class: dict[str, Any] | None = None) -> Beside:
    inputs = CLASS if node_class is None else node_class
    return Beside.of([Neighbour(type=NODE_CLASS, id=None, inputs=inputs, outputs={})])


def need(key: str, *values: str, operator: str = "In") -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


def pool(
    *needs: dict[str, Any], limits: dict[str, Any] | None = None, **spec: Any
) -> dict[str, Any]:
    reference = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"}
    asked = [need(REGION, "us-east-1"), need(INSTANCE_TYPE, "g6.xlarge"), *needs]
    template = {"spec": {"requirements": asked, "nodeClassRef": reference}}
    allowed = {"nvidia.com/gpu": 4} if limits is None else limits
    return {"spec": {"template": template, "limits": allowed, **spec}}


def karpenter(inputs: dict[str, Any], around: Beside | None = None) -> Price:
    return price(NODE_POOL, inputs, rates=RATES, beside=beside() if around is None else around)


def costs(inputs: dict[str, Any], around: Beside | None = None) -> tuple[Decimal, ...]:
    found = karpenter(inputs, around)
    assert isinstance(found, Cost), found
    return found.low, found.expected, found.high


def test_a_pool_costs_nothing_at_least_and_its_limits_at_most() -> None:
    """Four machines of one GPU at 0.80 with a disk of 0.10: no size is declared, so the limits count."""
    assert costs(pool()) == (Decimal(0), Decimal("3.6"), Decimal("3.6"))


@pytest.mark.parametrize(
    ("limits", "nodes"),
    [
        ({"cpu": "11"}, 2),
        ({"cpu": 8000.0, "memory": "40Gi"}, 2),
        ({"memory": "64Gi"}, 4),
        ({"cpu": "3500m"}, 0),
        ({"nodes": 3, "nvidia.com/gpu": "100"}, 3),
    ],
)
def test_the_tightest_limit_decides(limits: dict[str, Any], nodes: int) -> None:
    """A machine has 4 CPUs, 16 GiB and one GPU."""
    assert costs(pool(limits=limits))[2] == nodes * Decimal("0.9")


def test_a_static_pool_costs_its_replicas() -> None:
    assert costs(pool(limits={}, replicas=2)) == (Decimal("1.8"),) * 3


def test_of_several_types_and_markets_the_dearest_counts() -> None:
    both = need(CAPACITY_TYPE, "spot", "on-demand")
    assert costs(pool(need(CAPACITY_TYPE, "spot")))[1] == 4 * Decimal("0.4")
    assert costs(pool(both))[1] == 4 * Decimal("0.9")


def test_a_zone_counts_as_its_region() -> None:
    inputs = pool(need(ZONE_LABEL, "eu-west-1a", "eu-west-1b"))
    inputs["spec"]["template"]["spec"]["requirements"].pop(0)
    assert costs(inputs)[1] == 4 * Decimal("1.0")


def test_a_class_without_disks_gets_what_the_image_has() -> None:
    assert costs(pool(), beside({"metadata": {"name": "gpu"}, "spec": {}}))[1] == 4 * Decimal(
        "0.82"
    )


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (pool(limits={}), "would buy without end"),
        (pool(limits={"nvidia.com/gpu": UNKNOWN}), "not known before the update"),
        (pool(limits={"cpu": "many"}), "must be a quantity"),
        (pool(limits={"cpu": True}), "must be a quantity"),
        (pool(need(INSTANCE_TYPE, operator="Exists")), "only operator In"),
        (pool(need(INSTANCE_TYPE, "z9.huge")), "no on-demand price for aws z9.huge"),
        (pool(need(CAPACITY_TYPE, "lent")), "lent has no price rule"),
        (pool(need(REGION, "us-east-1", "eu-west-1")), "require one region"),
        ({"spec": {}}, "require one region"),
        ({}, "require one region"),
    ],
)
def test_a_pool_whose_bill_is_open_says_why(inputs: dict[str, Any], said: str) -> None:
    found = karpenter(inputs)
    assert isinstance(found, Unpriced)
    assert said in found.reason


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ({"group": "eks.amazonaws.com", "name": "default"}, "Auto Mode adds a fee"),
        ({"group": "karpenter.azure.com", "name": "gpu"}, "only classes of karpenter.k8s.aws"),
        ({"group": "karpenter.k8s.aws", "name": "other"}, "none of that name is declared here"),
    ],
)
def test_nodes_of_another_class_have_no_price(reference: dict[str, str], said: str) -> None:
    inputs = pool()
    inputs["spec"]["template"]["spec"]["nodeClassRef"] = reference
    found = karpenter(inputs)
    assert isinstance(found, Unpriced)
    assert said in found.reason


def test_a_node_class_is_free_by_itself() -> None:
    found = price(NODE_CLASS, CLASS, rates=RATES)
    assert isinstance(found, Free)
