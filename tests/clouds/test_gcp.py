"""A plan's GCP cluster as the engine gets it."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Market, load_catalog
from outlay.catalog.google_labels import cost_labels
from outlay.clouds import CloudOptions, provision
from outlay.clouds.gcp.machines import machine
from outlay.clouds.gcp.zones import ZONE_LETTERS, evenly
from outlay.errors import DataError, InputError
from outlay.planning.plan import Cluster
from sandbox.schema import load_schema
from tests.clouds.builders import cpu_pool, gcp_cluster, gcp_pool, plan
from tests.clouds.recorder import Recorded, record, resolved
from tests.clouds.whole import whole

NODE_POOL = "gcp:container/nodePool:NodePool"
CLUSTER = "gcp:container/cluster:Cluster"
PROJECT = "my-project"


def provisioned(
    cluster: Cluster | None = None, *, preview: bool = False, **options: Any
) -> Recorded:
    """Provision a cluster against mocks."""
    made = cluster or gcp_cluster()
    chosen = CloudOptions(**{"gcp_project": PROJECT, **options})
    return record(lambda: provision(plan(made), options=chosen), preview=preview)


def gpu_node_pool(recorded: Recorded) -> dict[str, Any]:
    """Return the inputs of the one GPU pool."""
    (inputs,) = (i for name, i in recorded.of(NODE_POOL).items() if not name.endswith("-cpu"))
    return inputs


def one_pool(**changes: Any) -> Cluster:
    """Return a cluster with one GPU pool of these values."""
    return gcp_cluster(pools=(gcp_pool(**changes),))


@pytest.mark.parametrize("preview", [True, False])
def test_every_pool_is_one_node_pool_whose_size_a_preview_knows(preview: bool) -> None:
    """Counts, machines, labels and taints are plain values, so that policies can price them."""
    recorded = provisioned(preview=preview)
    assert sorted(recorded.of(NODE_POOL)) == [
        "outlay-dev-gcp-us-central1-cpu",
        "outlay-dev-gcp-us-central1-g2-standard-24-on-demand",
    ]
    made = gpu_node_pool(recorded)
    assert made["nodeLocations"] == ["us-central1-a"]
    assert made["nodeCount"] == 2
    assert "autoscaling" not in made
    nodes = made["nodeConfig"]
    assert nodes["machineType"] == "g2-standard-24"
    assert nodes["guestAccelerators"] == [
        {
            "type": "nvidia-l4",
            "count": 2,
            "gpuDriverInstallationConfig": {"gpuDriverVersion": "LATEST"},
        }
    ]
    assert nodes["spot"] is False
    assert nodes["diskSizeGb"] == 120
    assert nodes["labels"] == {
        "outlay/pool": "g2-standard-24-on-demand",
        "outlay/market": "on-demand",
        "outlay/gpu": "L4",
    }
    assert nodes["taints"] == [
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}
    ]


def test_a_spot_pool_is_spot_and_tainted_so() -> None:
    nodes = gpu_node_pool(provisioned(one_pool(market=Market.SPOT)))["nodeConfig"]
    assert nodes["spot"] is True
    assert [taint["key"] for taint in nodes["taints"]] == ["nvidia.com/gpu", "outlay/market"]


def test_an_elastic_pool_has_bounds_and_leaves_the_count_between_updates_alone() -> None:
    made = gpu_node_pool(provisioned(one_pool(nodes=3, min_nodes=2, max_nodes=5)))
    assert made["autoscaling"] == {"minNodeCount": 2, "maxNodeCount": 5}
    assert made["nodeCount"] == 3
    assert made["ignoreNodeCountChanges"] is True


def test_gpu_nodes_are_upgraded_without_a_spare() -> None:
    """A spare GPU node may be neither to be had nor in the budget."""
    made = gpu_node_pool(provisioned())
    assert made["upgradeSettings"] == {"strategy": "SURGE", "maxSurge": 0, "maxUnavailable": 1}
    assert made["management"] == {"autoRepair": True, "autoUpgrade": True}


@pytest.mark.parametrize(
    ("nodes", "zones", "each"), [(1, 1, 1), (2, 2, 1), (3, 3, 1), (5, 1, 5), (6, 3, 2)]
)
def test_cpu_nodes_spread_over_zones_and_still_add_up(nodes: int, zones: int, each: int) -> None:
    """GKE counts nodes for each zone, the plan counts them in all."""
    cluster = gcp_cluster(cpu_pool=cpu_pool(instance_type="e2-standard-8", nodes=nodes))
    made = provisioned(cluster).of(NODE_POOL)["outlay-dev-gcp-us-central1-cpu"]
    assert (len(made["nodeLocations"]), made["nodeCount"]) == (zones, each)
    assert "guestAccelerators" not in made["nodeConfig"]


@given(st.integers(1, 4), st.lists(st.integers(0, 1000), min_size=1, max_size=3))
def test_nodes_always_divide_evenly_over_the_zones(most: int, counts: list[int]) -> None:
    zones = evenly(tuple("abcd"[:most]), *counts)
    assert 1 <= len(zones) <= most
    assert all(count % len(zones) == 0 for count in counts)


@pytest.mark.parametrize(
    ("instance_type", "gpus", "machine_type", "accelerator", "disk"),
    [
        (
            "n1-standard-8+1xnvidia-tesla-v100",
            1,
            "n1-standard-8",
            "nvidia-tesla-v100",
            "pd-balanced",
        ),
        ("n1-standard-32+4xnvidia-tesla-t4", 4, "n1-standard-32", "nvidia-tesla-t4", "pd-balanced"),
        ("a2-ultragpu-4g", 4, "a2-ultragpu-4g", "nvidia-a100-80gb", "pd-balanced"),
        ("a3-megagpu-8g", 8, "a3-megagpu-8g", "nvidia-h100-mega-80gb", "pd-balanced"),
        ("a3-ultragpu-8g", 8, "a3-ultragpu-8g", "nvidia-h200-141gb", "hyperdisk-balanced"),
        ("g4-standard-96", 2, "g4-standard-96", "nvidia-rtx-pro-6000", "hyperdisk-balanced"),
    ],
)
def test_an_offer_is_split_into_machine_accelerator_and_disk(
    instance_type: str, gpus: int, machine_type: str, accelerator: str, disk: str
) -> None:
    made = machine(instance_type, gpus=gpus)
    assert (made.machine_type, made.accelerator, made.accelerators, made.disk_type) == (
        machine_type,
        accelerator,
        gpus,
        disk,
    )


def test_every_gpu_offer_of_gcp_has_an_accelerator() -> None:
    """Whatever the planner may buy can be provisioned."""
    offers = [offer for offer in load_catalog().offers if offer.provider == "gcp"]
    assert offers
    assert all(machine(o.instance_type, gpus=o.gpus_per_node).accelerator for o in offers)


def test_every_region_that_sells_gpus_has_zones() -> None:
    """Whatever the planner may choose can be provisioned."""
    assert {r for provider, r in load_catalog().regions if provider == "gcp"} <= set(ZONE_LETTERS)


@pytest.mark.parametrize(
    ("instance_type", "gpus", "message"),
    [
        ("z9-standard-4", 1, "accelerator of z9-standard-4 is not known"),
        ("n1-standard-8+1xnvidia-tesla-t4", 2, "has 2 GPUs by its gpu_count"),
    ],
)
def test_an_offer_that_gke_cannot_make_is_a_fault_of_the_data(
    instance_type: str, gpus: int, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        machine(instance_type, gpus=gpus)


def test_the_cluster_is_private_regional_and_keeps_no_default_pool() -> None:
    cluster = provisioned(kubernetes_version="1.35", api_cidrs=("192.0.2.0/24",)).only(CLUSTER)
    assert cluster["name"] == "outlay-dev-gcp-us-central1"
    assert (cluster["location"], cluster["project"]) == ("us-central1", PROJECT)
    assert cluster["privateClusterConfig"]["enablePrivateNodes"] is True
    assert cluster["removeDefaultNodePool"] is True
    assert cluster["minMasterVersion"] == "1.35"
    assert cluster["releaseChannel"] == {"channel": "REGULAR"}
    assert cluster["workloadIdentityConfig"] == {"workloadPool": "my-project.svc.id.goog"}
    assert cluster["masterAuthorizedNetworksConfig"] == {
        "cidrBlocks": [{"cidrBlock": "192.0.2.0/24"}]
    }
    assert cluster["monitoringConfig"]["managedPrometheus"] == {"enabled": False}


@pytest.mark.parametrize("protected", [True, False])
def test_deletion_is_refused_where_the_environment_says_so(protected: bool) -> None:
    assert provisioned(protected=protected).only(CLUSTER)["deletionProtection"] is protected


def test_the_plan_pays_for_one_nat_and_one_address() -> None:
    """Pricing counts exactly these as a cluster's standing cost; GCP must add no address by itself."""
    recorded = provisioned()
    assert recorded.only("gcp:compute/address:Address")["addressType"] == "EXTERNAL"
    nat = recorded.only("gcp:compute/routerNat:RouterNat")
    assert nat["natIpAllocateOption"] == "MANUAL_ONLY"
    assert nat["natIps"] == ["link:outlay-dev-gcp-us-central1-nat"]


def test_nodes_run_as_their_own_account_with_one_role() -> None:
    recorded = provisioned()
    email = "nodes@my-project.example"
    granted = recorded.only("gcp:projects/iAMMember:IAMMember")
    assert granted["role"] == "roles/container.defaultNodeServiceAccount"
    assert granted["member"] == f"serviceAccount:{email}"
    accounts = {p["nodeConfig"]["serviceAccount"] for p in recorded.of(NODE_POOL).values()}
    assert accounts == {email} == {recorded.only(CLUSTER)["nodeConfig"]["serviceAccount"]}


def test_everything_that_takes_labels_carries_the_cost_labels() -> None:
    recorded = provisioned()
    labels = {"outlay-project": "outlay", "outlay-stack": "dev", "team": "serving---search"}
    assert recorded.only("gcp:compute/address:Address")["labels"] == labels
    assert recorded.only(CLUSTER)["resourceLabels"] == labels
    for made in recorded.of(NODE_POOL).values():
        assert made["nodeConfig"]["resourceLabels"] == labels


@given(st.dictionaries(st.text(max_size=90), st.text(max_size=90), max_size=4))
def test_any_tag_becomes_a_label_that_gcp_takes(tags: dict[str, str]) -> None:
    """Keys begin with a letter; both are lower case, of at most 63 characters."""
    for key, value in cost_labels(tags).items():
        assert set(key + value) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")
        assert key[0].isalpha()
        assert max(len(key), len(value)) <= 63


def test_names_fit_where_gcp_is_narrow() -> None:
    """40 characters for clusters and pools, 30 for accounts."""
    long = "a-long-project-production-gcp-northamerica-northeast1"
    cluster = gcp_cluster(
        name=long,
        region="northamerica-northeast1",
        pools=(gcp_pool(name="n1-standard-32-v100-16-on-demand-and-then-some"),),
    )
    recorded = provisioned(cluster)
    assert len(recorded.only(CLUSTER)["name"]) <= 40
    assert all(len(made["name"]) <= 40 for made in recorded.of(NODE_POOL).values())
    account = recorded.only("gcp:serviceaccount/account:Account")["accountId"]
    assert 6 <= len(account) <= 30


def test_every_input_is_one_of_the_sdks() -> None:
    """Types declared without the SDK's class are held to the SDK's types all the same."""
    schema = load_schema("gcp")
    failures = [
        f"{resource.typ} {resource.name}: {failure}"
        for resource in provisioned().resources
        if resource.typ.startswith("gcp:")
        for failure in schema.check(resource.typ, whole(resource.inputs))
    ]
    assert failures == []


def test_the_kubeconfig_is_secret_and_asks_googles_plugin_for_a_token() -> None:
    cluster = gcp_cluster()

    def kubeconfig() -> pulumi.Output[str]:
        options = CloudOptions(gcp_project=PROJECT)
        return provision(plan(cluster), options=options)[0].kubeconfig

    text, is_secret = resolved(kubeconfig)
    assert is_secret
    document = json.loads(text)
    assert document["clusters"][0]["cluster"]["server"] == "https://192.0.2.7"
    assert document["users"][0]["user"]["exec"]["command"] == "gke-gcloud-auth-plugin"


def test_chosen_zones_take_the_pool() -> None:
    """A pool spreads over as many of them as keep its count exact."""
    chosen = {"us-central1": ("us-central1-b", "us-central1-c")}
    even = gpu_node_pool(provisioned(one_pool(nodes=4, min_nodes=4, max_nodes=4), gpu_zones=chosen))
    odd = gpu_node_pool(provisioned(one_pool(nodes=3, min_nodes=3, max_nodes=3), gpu_zones=chosen))
    assert (even["nodeLocations"], even["nodeCount"]) == (["us-central1-b", "us-central1-c"], 2)
    assert (odd["nodeLocations"], odd["nodeCount"]) == (["us-central1-b"], 3)


@pytest.mark.parametrize(
    ("cluster", "options", "message"),
    [
        (gcp_cluster(region="us-north9"), {}, "no zones of GCP region 'us-north9'"),
        (
            gcp_cluster(),
            {"gpu_zones": {"us-central1": ("us-east1-b",)}},
            "gpuZones: us-east1-b is no zone of us-central1; .* us-central1-f",
        ),
        (gcp_cluster(), {"gcp_project": None}, "no GCP project is set; .*gcp:project"),
    ],
)
def test_what_is_missing_or_does_not_exist_is_refused_before_anything_is_declared(
    cluster: Cluster, options: dict[str, Any], message: str
) -> None:
    chosen = CloudOptions(**{"gcp_project": PROJECT, **options})
    with pytest.raises(InputError, match=message):
        provision(plan(cluster), options=chosen)
