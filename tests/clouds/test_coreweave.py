"""A plan's CoreWeave cluster as the engine gets it."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pulumi
import pytest

from outlay.catalog import Market
from outlay.clouds import CloudOptions, provision
from outlay.errors import InputError
from outlay.planning.plan import Cluster
from sandbox.schema import load_schema
from tests.clouds.builders import coreweave_cluster, coreweave_pool, plan
from tests.clouds.recorder import Recorded, record, resolved
from tests.clouds.whole import whole

POOL = "kubernetes:compute.coreweave.com/v1alpha1:NodePool"
CLUSTER = "coreweave:index/cksCluster:CksCluster"
VPC = "coreweave:index/networkingVpc:NetworkingVpc"


def provisioned(
    cluster: Cluster | None = None, *, preview: bool = False, **options: Any
) -> Recorded:
    """Provision a cluster against mocks."""
    made = cluster or coreweave_cluster()
    return record(lambda: provision(plan(made), options=CloudOptions(**options)), preview=preview)


def one_pool(**changes: Any) -> Cluster:
    """Return a cluster with one GPU pool of these values."""
    return coreweave_cluster(pools=(coreweave_pool(**changes),))


@pytest.mark.parametrize("preview", [True, False])
def test_every_pool_is_one_object_whose_size_a_preview_knows(preview: bool) -> None:
    """Counts, machines, labels and taints are plain values, so that policies can price them."""
    made = provisioned(preview=preview).only(POOL)
    assert made["metadata"]["annotations"] == {"outlay/project": "outlay", "outlay/stack": "dev"}
    assert made["spec"] == {
        "autoscaling": False,
        "targetNodes": 2,
        "computeClass": "default",
        "instanceType": "gd-8xh100ib-i128",
        "nodeLabels": {
            "outlay/pool": "gd-8xh100ib-i128-on-demand",
            "outlay/market": "on-demand",
            "outlay/gpu": "H100",
        },
        "nodeTaints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}],
    }


def test_an_elastic_spot_pool_has_bounds_and_both_taints() -> None:
    pool = one_pool(market=Market.SPOT, nodes=3, min_nodes=2, max_nodes=5)
    spec = provisioned(pool).only(POOL)["spec"]
    assert spec["computeClass"] == "Spot"
    assert (spec["autoscaling"], spec["minNodes"], spec["targetNodes"], spec["maxNodes"]) == (
        True, 2, 3, 5,
    )  # fmt: skip
    assert [taint["key"] for taint in spec["nodeTaints"]] == ["nvidia.com/gpu", "outlay/market"]


def test_racks_are_counted_as_racks() -> None:
    """GB200 is sold by 18 nodes."""
    racks = one_pool(instance_type="gb200-4x", nodes=36, min_nodes=36, max_nodes=36)
    spec = provisioned(racks).only(POOL)["spec"]
    assert spec["targetRacks"] == 2
    assert "targetNodes" not in spec


def test_the_name_changes_with_the_market() -> None:
    """The new pool stands before the old one goes."""
    names = {
        provisioned(one_pool(market=market)).only(POOL)["metadata"]["name"] for market in Market
    }
    assert len(names) == len(list(Market))


def test_cluster_and_network_lie_in_the_zone_under_short_names() -> None:
    recorded = provisioned(kubernetes_version="1.35")
    cluster, vpc = recorded.only(CLUSTER), recorded.only(VPC)
    assert cluster["zone"] == vpc["zone"] == "US-EAST-04A"
    assert max(len(cluster["name"]), len(vpc["name"])) <= 30
    assert cluster["version"] == "v1.35"
    named = {prefix["name"] for prefix in vpc["vpcPrefixes"]}
    used = {cluster["podCidrName"], cluster["serviceCidrName"], *cluster["internalLbCidrNames"]}
    assert used == named


def test_every_input_is_one_of_the_sdks() -> None:
    schema = load_schema("coreweave")
    failures = [
        f"{resource.typ}: {failure}"
        for resource in provisioned().resources
        if resource.typ.startswith("coreweave:")
        for failure in schema.check(resource.typ, whole(resource.inputs))
    ]
    assert failures == []


def test_the_kubeconfigs_command_turns_the_environments_token_into_a_credential() -> None:
    """The token is in no state: whoever has it in the environment gets in."""

    def kubeconfig() -> pulumi.Output[str]:
        return provision(plan(coreweave_cluster()), options=CloudOptions())[0].kubeconfig

    text, is_secret = resolved(kubeconfig)
    assert is_secret
    document = json.loads(text)
    assert document["clusters"][0]["cluster"] == {"server": "https://cks.example"}
    run = document["users"][0]["user"]["exec"]
    environment = {"PATH": os.defpath, "COREWEAVE_API_TOKEN": "CW-SECRET-%d"}
    answer = subprocess.run(
        [run["command"], *run["args"]], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(answer.stdout)["status"] == {"token": "CW-SECRET-%d"}


@pytest.mark.parametrize(
    ("cluster", "options", "message"),
    [
        (coreweave_cluster(), {"api_cidrs": ("192.0.2.0/24",)}, "answers every address"),
        (one_pool(instance_type="gb200-4x"), {}, "by the rack of 18 nodes"),
    ],
)
def test_what_coreweave_cannot_do_is_refused_before_anything_is_declared(
    cluster: Cluster, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        provision(plan(cluster), options=CloudOptions(**options))
