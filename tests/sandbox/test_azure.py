"""What Azure refuses, and what AKS does by itself."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sandbox.ledger import Ledger
from tests.sandbox import stacks
from tests.sandbox.client import Plugin, RefusedError
from tests.sandbox.stacks import agent_pool, aks_cluster_inputs

REGULAR: dict[str, Any] = {
    "scaleSetPriority": "Regular",
    "scaleSetEvictionPolicy": None,
    "spotMaxPrice": None,
}
SPOT_MARK = "kubernetes.azure.com/scalesetpriority"


def test_a_right_cluster_and_agent_pool_pass(azure_checks: Plugin) -> None:
    assert azure_checks.failures(stacks.AGENT_POOL, agent_pool()) == {}
    assert azure_checks.failures(stacks.AGENT_POOL, agent_pool(**REGULAR)) == {}
    assert azure_checks.failures(stacks.AKS, aks_cluster_inputs()) == {}


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"vmSise": "x"}, "vmSise", 'no such property; did you mean "vmSize"?'),
        ({"vmSize": None}, "vmSize", "is required but was not given"),
        ({"vmSize": "Standard_NC4as_T4_v4"}, "vmSize", 'did you mean "Standard_NC4as_T4_v3"?'),
        ({"vmSize": "Standard_NC8as_T4_v3"}, "vmSize", "is not sold spot in eastus"),
        ({"count": "2"}, "count", "must be an integer"),
        ({"count": 5}, "count", "must lie between minCount 1 and maxCount 4, is 5"),
        ({"minCount": 5}, "minCount", "0 <= minCount <= maxCount <= 1000, are 5 and 4"),
        ({"enableAutoScaling": False}, "minCount", "need enableAutoScaling"),
        ({"agentPoolName": "t4-spot"}, "agentPoolName", "is no pool name: 1 to 12 lower-case"),
        ({"agentPoolName": "x" * 13}, "agentPoolName", "is no pool name"),
        ({"agentPoolName": None}, "agentPoolName", "every paid resource needs an explicit name"),
        ({"tags": None}, "tags", "lack outlay:project and outlay:stack"),
        ({"tags": {**stacks.TAGS, "a/b": "c"}}, "tags", "'a/b' is no tag name"),
        ({"mode": "System"}, "scaleSetPriority", "a spot pool cannot be a system pool"),
        ({"spotMaxPrice": 0}, "spotMaxPrice", "must be -1 (up to the on-demand price)"),
        ({"scaleSetPriority": "Regular"}, "spotMaxPrice", "only spot pools take it"),
        ({"scaleSetPriority": "spot"}, "scaleSetPriority", "one of Regular, Spot"),
        ({"scaleSetEvictionPolicy": "Stop"}, "scaleSetEvictionPolicy", "one of Delete, Deallocate"),
        ({"capacityReservationGroupID": "x"}, "capacityReservationGroupID", "do not come from"),
        ({"upgradeSettings": {"maxSurge": "1"}}, "upgradeSettings", "takes no upgrade settings"),
        ({"osDiskSizeGB": 4096}, "osDiskSizeGB", "must lie between 30 and 2048"),
        ({"nodeTaints": ["a=b"]}, "nodeTaints[0]", "must be key=value:effect"),
        ({"nodeTaints": ["kubernetes.azure.com/x=y:NoSchedule"]}, "nodeTaints[0]", "AKS's own"),
        ({"nodeLabels": {"a b": "c"}}, "nodeLabels", "is no label key"),
        ({"nodeLabels": {"kubernetes.azure.com/x": "y"}}, "nodeLabels", "AKS's own"),
        ({"availabilityZones": ["eastus-1"]}, "availabilityZones[0]", "must be one of 1, 2, 3"),
        ({"gpuProfile": {"driver": "Yes"}}, "gpuProfile.driver", "one of Install, None"),
        ({"vmSize": "Standard_D8s_v5"}, "gpuProfile", "has no GPUs"),
    ],
)
def test_a_broken_agent_pool_is_refused_by_its_property(
    azure_checks: Plugin, changes: dict[str, Any], path: str, reason: str
) -> None:
    failures = azure_checks.failures(stacks.AGENT_POOL, agent_pool(**changes))
    assert path in failures, failures
    assert reason in failures[path]


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"location": "eastus9"}, "location", "Azure has no region 'eastus9'"),
        ({"resourceName": "-x"}, "resourceName", "1 to 63 letters, digits, - and _"),
        ({"dnsPrefix": "x" * 55}, "dnsPrefix", "1 to 54 letters"),
        ({"kubernetesVersion": "v1.34"}, "kubernetesVersion", "write 1.34 or 1.34.2"),
        ({"sku": {"tier": "Gold"}}, "sku.tier", "one of Free, Standard, Premium"),
        ({"agentPoolProfiles": []}, "agentPoolProfiles", "at least one pool of mode System"),
        ({"disableLocalAccounts": True}, "disableLocalAccounts", "nobody could log in"),
        (
            {"networkProfile": {"outboundType": "nat"}},
            "networkProfile.outboundType",
            "userAssignedNATGateway",
        ),
        (
            {"networkProfile": {"serviceCidr": "10.1.0.0/16", "dnsServiceIP": "10.2.0.10"}},
            "networkProfile.dnsServiceIP",
            "does not lie in 10.1.0.0/16",
        ),
        (
            {"apiServerAccessProfile": {"authorizedIPRanges": ["everywhere"]}},
            "apiServerAccessProfile.authorizedIPRanges[0]",
            "is no address range",
        ),
        (
            {"agentPoolProfiles": [{"name": "cpu", "mode": "System", "vmSize": "D8", "count": 0}]},
            "agentPoolProfiles[0].count",
            "must lie between 1 and 1000",
        ),
    ],
)
def test_a_broken_cluster_is_refused_by_its_property(
    azure_checks: Plugin, changes: dict[str, Any], path: str, reason: str
) -> None:
    failures = azure_checks.failures(stacks.AKS, aks_cluster_inputs(**changes))
    assert path in failures, failures
    assert reason in failures[path]


def test_aks_marks_spot_nodes_by_itself(azure: Plugin) -> None:
    """Asked or not: whoever does not tolerate the taint gets no pods onto spot nodes."""
    pool = stacks.aks_pool(azure)
    assert pool.outputs["nodeTaints"][-1] == f"{SPOT_MARK}=spot:NoSchedule"
    assert pool.outputs["nodeLabels"][SPOT_MARK] == "spot"


def test_a_pools_machine_type_is_a_new_pool_and_its_count_is_not(azure: Plugin) -> None:
    pool = stacks.aks_pool(azure)
    bigger = azure.diff(pool, {**pool.inputs, "count": 3})
    other = azure.diff(pool, {**pool.inputs, "vmSize": "Standard_ND96asr_v4"})
    assert (list(bigger.diffs), list(bigger.replaces)) == (["count"], [])
    assert (list(other.replaces), other.deleteBeforeReplace) == (["vmSize"], True)


def test_the_machine_type_of_a_clusters_own_pool_stays(azure: Plugin) -> None:
    cluster = stacks.aks_cluster(azure)
    (pool,) = cluster.inputs["agentPoolProfiles"]
    changed = {**pool, "vmSize": "Standard_D16s_v5"}
    with pytest.raises(RefusedError, match=r"PropertyChangeNotAllowed: .*vmSize.* pool cpu"):
        azure.update(cluster, {**cluster.inputs, "agentPoolProfiles": [changed]})
    more = azure.update(cluster, {**cluster.inputs, "agentPoolProfiles": [{**pool, "count": 3}]})
    assert more.outputs["agentPoolProfiles"][0]["count"] == 3


def test_a_resource_group_takes_along_what_lies_in_it(azure: Plugin, ledger: Ledger) -> None:
    stacks.aks_pool(azure)
    azure.delete(next(made for made in azure.made if made.token.endswith(":ResourceGroup")))
    assert ledger.records() == []


def test_what_a_cluster_needs_is_not_deleted_under_it(azure: Plugin) -> None:
    stacks.aks_cluster(azure)
    subnet = next(made for made in azure.made if made.token.endswith(":Subnet"))
    with pytest.raises(RefusedError, match=r"DependencyViolation: .*ManagedCluster"):
        azure.delete(subnet)


def test_a_cluster_needs_its_resource_group_first(azure: Plugin) -> None:
    with pytest.raises(RefusedError, match="resourceGroupName names 'llm', but the sandbox has no"):
        azure.create(stacks.AKS, aks_cluster_inputs())


def test_a_region_without_machines_says_so_in_azures_words(azure: Plugin, ledger: Ledger) -> None:
    ledger.set_capacity(
        package="azure-native", region="eastus", sku="Standard_NC4as_T4_v3", market="spot", nodes=1
    )
    with pytest.raises(RefusedError, match="AllocationFailed: eastus has 1 free") as refused:
        stacks.aks_pool(azure)
    assert refused.value.code == "RESOURCE_EXHAUSTED"


def test_quota_counts_the_cores_of_the_market(azure: Plugin, ledger: Ledger) -> None:
    ledger.set_quota(package="azure-native", region="eastus", market="spot", unit="vcpus", amount=7)
    with pytest.raises(RefusedError, match="QuotaExceeded: 8 more spot vcpus"):
        stacks.aks_pool(azure)


def test_the_kubeconfig_leads_to_the_cluster(azure: Plugin) -> None:
    cluster = stacks.aks_cluster(azure)
    token = "azure-native:containerservice:listManagedClusterUserCredentials"
    answer = azure.invoke(token, resourceGroupName="llm", resourceName="llm")
    document = json.loads(base64.b64decode(answer["kubeconfigs"][0]["value"]))
    server = document["clusters"][0]["cluster"]["server"]
    assert server == f"https://{cluster.outputs['fqdn']}:443"
    assert server.endswith(".hcp.eastus.azmk8s.sandbox.invalid:443")
    with pytest.raises(RefusedError, match="ResourceNotFound: resource group 'x'"):
        azure.invoke(token, resourceGroupName="x", resourceName="llm")
