"""A plan's Azure cluster as the engine gets it."""

from __future__ import annotations

import json
import re
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Market, load_catalog
from outlay.clouds import CloudOptions, provision
from outlay.clouds.azure.pools import cloud_name
from outlay.clouds.azure.tags import azure_tags
from outlay.clouds.nodes import gpu_nodes
from outlay.errors import InputError
from outlay.planning.plan import Cluster
from sandbox.schema import load_schema
from tests.clouds.builders import azure_cluster, azure_pool, cpu_pool, plan
from tests.clouds.recorder import Recorded, record, resolved
from tests.clouds.whole import whole

POOL = "azure-native:containerservice:AgentPool"
CLUSTER = "azure-native:containerservice:ManagedCluster"
ROLE = "azure-native:authorization:RoleAssignment"
NAME = "outlay-dev-azure-eastus"
ADMIN = "11111111-2222-3333-4444-555555555555"
POOL_NAME = re.compile(r"[a-z][a-z0-9]{0,11}")


def provisioned(
    cluster: Cluster | None = None, *, preview: bool = False, **options: Any
) -> Recorded:
    """Provision a cluster against mocks."""
    made = cluster or azure_cluster()
    chosen = CloudOptions(**{"azure_admin_object_id": ADMIN, **options})
    return record(lambda: provision(plan(made), options=chosen), preview=preview)


def one_pool(**changes: Any) -> Cluster:
    """Return a cluster with one GPU pool of these values."""
    return azure_cluster(pools=(azure_pool(**changes),))


@pytest.mark.parametrize("preview", [True, False])
def test_every_gpu_pool_is_one_agent_pool_whose_size_a_preview_knows(preview: bool) -> None:
    """Counts, machines, labels and taints are plain values, so that policies can price them."""
    pools = provisioned(preview=preview).of(POOL)
    assert sorted(pools) == [
        f"{NAME}-standard-nc24ads-a100-v4-on-demand",
        f"{NAME}-standard-nc24ads-a100-v4-spot",
    ]
    made = pools[f"{NAME}-standard-nc24ads-a100-v4-on-demand"]
    assert (made["vmSize"], made["count"], made["mode"]) == ("Standard_NC24ads_A100_v4", 2, "User")
    assert made["enableAutoScaling"] is False
    assert "minCount" not in made
    assert (made["osDiskType"], made["osDiskSizeGB"]) == ("Managed", 120)
    assert made["gpuProfile"] == {"driver": "Install"}
    assert made["nodeTaints"] == ["nvidia.com/gpu=present:NoSchedule"]
    assert made["nodeLabels"] == {
        "outlay/pool": "standard-nc24ads-a100-v4-on-demand",
        "outlay/market": "on-demand",
        "outlay/gpu": "A100-80-PCIe",
    }
    assert made["upgradeSettings"] == {"maxSurge": "0", "maxUnavailable": "1"}


def test_a_spot_pool_says_what_aks_marks_spot_nodes_with() -> None:
    """AKS adds the taint and the label by itself; unsaid they would be drift."""
    made = provisioned().of(POOL)[f"{NAME}-standard-nc24ads-a100-v4-spot"]
    assert (made["scaleSetPriority"], made["scaleSetEvictionPolicy"]) == ("Spot", "Delete")
    assert made["spotMaxPrice"] == -1
    assert made["nodeTaints"] == [
        "nvidia.com/gpu=present:NoSchedule",
        "outlay/market=spot:NoSchedule",
        "kubernetes.azure.com/scalesetpriority=spot:NoSchedule",
    ]
    assert made["nodeLabels"]["kubernetes.azure.com/scalesetpriority"] == "spot"
    assert (made["enableAutoScaling"], made["minCount"], made["maxCount"]) == (True, 2, 5)
    assert "upgradeSettings" not in made


def test_the_cpu_pool_is_the_system_pool_of_the_cluster() -> None:
    """AKS makes no cluster without one."""
    cluster = provisioned().only(CLUSTER)
    (pool,) = cluster["agentPoolProfiles"]
    assert (pool["name"], pool["mode"], pool["vmSize"]) == ("cpu", "System", "Standard_D8s_v5")
    assert (pool["count"], pool["nodeTaints"]) == (2, [])
    assert cluster["sku"] == {"name": "Base", "tier": "Standard"}


def test_the_plan_pays_for_one_nat_and_one_address_through_which_all_nodes_leave() -> None:
    """Pricing counts exactly these as a cluster's standing cost; AKS must add no way out by itself."""
    recorded = provisioned()
    assert recorded.only(CLUSTER)["networkProfile"]["outboundType"] == "userAssignedNATGateway"
    nat = recorded.only("azure-native:network:NatGateway")
    assert nat["publicIpAddresses"] == [{"id": f"/subscriptions/sub/{NAME}-nat"}]
    subnet = recorded.only("azure-native:network:Subnet")
    assert subnet["natGateway"] == {"id": f"/subscriptions/sub/{NAME}-nat"}
    pools = recorded.of(POOL).values()
    assert {pool["vnetSubnetID"] for pool in pools} == {f"/subscriptions/sub/{NAME}-nodes"}


def test_only_entra_lets_people_in_and_one_principal_administers() -> None:
    """No credential exists that could be lost."""
    recorded = provisioned()
    cluster = recorded.only(CLUSTER)
    assert cluster["disableLocalAccounts"] is True
    assert cluster["aadProfile"] == {"managed": True, "enableAzureRBAC": True}
    granted = recorded.of(ROLE)
    assert granted[f"{NAME}-admin"]["principalId"] == ADMIN
    assert granted[f"{NAME}-network"]["principalId"] == "principal"
    assert granted[f"{NAME}-admin"]["roleDefinitionId"] == (
        "/subscriptions/sub/providers/Microsoft.Authorization/roleDefinitions"
        "/b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b"
    )


def test_a_narrowed_api_still_takes_the_nodes_own_address() -> None:
    """Nodes reach the API through their NAT."""
    open_ = provisioned().only(CLUSTER)
    assert "apiServerAccessProfile" not in open_
    narrow = provisioned(api_cidrs=("192.0.2.0/24",)).only(CLUSTER)
    assert narrow["apiServerAccessProfile"] == {
        "authorizedIPRanges": ["192.0.2.0/24", "203.0.113.7/32"]
    }


def test_a_chosen_zone_and_a_reservation_reach_the_on_demand_pool() -> None:
    group = "/subscriptions/sub/resourceGroups/r/providers/Microsoft.Compute/x/y"
    where = "eastus/Standard_NC24ads_A100_v4"
    made = provisioned(
        one_pool(), gpu_zones={where: ("2",)}, azure_reservation_groups={where: group}
    ).only(POOL)
    assert (made["availabilityZones"], made["capacityReservationGroupID"]) == (["2"], group)
    spot = provisioned(one_pool(market=Market.SPOT), azure_reservation_groups={where: group})
    assert "capacityReservationGroupID" not in spot.only(POOL)


def test_names_change_with_what_forces_a_new_pool_and_always_fit() -> None:
    """Twelve lower-case letters and digits from a letter, for each pool that could be bought."""
    offers = [offer for offer in load_catalog().offers if offer.provider == "azure"]
    names = {
        cloud_name(
            gpu_nodes(
                azure_pool(name=f"{o.instance_type}-{o.market}", instance_type=o.instance_type)
            ),
            zones=(),
            reserved=None,
        )
        for o in offers
    }
    assert all(POOL_NAME.fullmatch(name) for name in names)
    assert len(names) == len({(o.instance_type, o.market) for o in offers})
    pool = gpu_nodes(azure_pool())
    assert cloud_name(pool, zones=(), reserved=None) != cloud_name(
        pool, zones=("1",), reserved=None
    )


def test_everything_that_takes_tags_carries_the_cost_tags() -> None:
    tags = {"outlay:project": "outlay", "outlay:stack": "dev", "Team": "Serving & Search"}
    tagged = [r for r in provisioned().resources if "tags" in r.inputs]
    assert len(tagged) == 8
    assert all(resource.inputs["tags"] == tags for resource in tagged)


@given(st.dictionaries(st.text(max_size=600), st.text(max_size=300), max_size=3))
def test_any_tag_becomes_one_that_azure_takes(tags: dict[str, str]) -> None:
    for key, value in azure_tags(tags).items():
        assert not set(key) & set("<>%&\\?/")
        assert (len(key) <= 512, len(value) <= 256) == (True, True)


def test_every_input_is_one_of_the_sdks() -> None:
    """Types declared without the SDK's class are held to the SDK's types all the same."""
    schema = load_schema("azure-native")
    checked = [r for r in provisioned().resources if r.typ.startswith("azure-native:")]
    failures = [
        f"{resource.typ} {resource.name}: {failure}"
        for resource in checked
        for failure in schema.check(resource.typ, whole(resource.inputs))
    ]
    assert failures == []
    assert len(checked) == 11


def test_the_kubeconfig_is_secret_and_asks_kubelogin_for_a_token() -> None:
    def kubeconfig() -> pulumi.Output[str]:
        options = CloudOptions(azure_admin_object_id=ADMIN)
        return provision(plan(azure_cluster()), options=options)[0].kubeconfig

    text, is_secret = resolved(kubeconfig)
    assert is_secret
    document = json.loads(text)
    assert document["clusters"][0]["cluster"] == {
        "server": "https://aks.example:443",
        "certificate-authority-data": "Y2VydA==",
    }
    assert document["users"][0]["user"]["exec"]["command"] == "kubelogin"


def test_names_fit_where_azure_is_narrow() -> None:
    """63 characters for clusters, 54 for their DNS names, 80 for the nodes' group."""
    cluster = azure_cluster(name="a-long-project-name-" * 5 + "azure-eastus")
    made = provisioned(cluster).only(CLUSTER)
    assert len(made["resourceName"]) <= 63
    assert len(made["dnsPrefix"]) <= 54
    assert len(made["nodeResourceGroup"]) <= 80


@pytest.mark.parametrize(
    ("cluster", "options", "message"),
    [
        (azure_cluster(), {"azure_admin_object_id": None}, "azure:adminObjectId"),
        (azure_cluster(cpu_pool=None), {}, "has no CPU pool, and AKS runs only with one"),
        (azure_cluster(), {"gpu_zones": {"eastus": ("4",)}}, "4 is no zone of eastus"),
    ],
)
def test_what_is_missing_or_does_not_exist_is_refused_before_anything_is_declared(
    cluster: Cluster, options: dict[str, Any], message: str
) -> None:
    chosen = CloudOptions(**{"azure_admin_object_id": ADMIN, **options})
    with pytest.raises(InputError, match=message):
        provision(plan(cluster), options=chosen)


def test_the_cpu_pool_may_be_of_any_size() -> None:
    cluster = azure_cluster(cpu_pool=cpu_pool(instance_type="Standard_D16s_v5", nodes=4))
    (pool,) = provisioned(cluster).only(CLUSTER)["agentPoolProfiles"]
    assert (pool["vmSize"], pool["count"]) == ("Standard_D16s_v5", 4)
