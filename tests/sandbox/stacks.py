"""Whole stacks of inputs that are right, as builders: tests change one thing and look."""

from __future__ import annotations

from typing import Any

from tests.sandbox.client import Made, Plugin

TAGS = {"outlay:project": "tiny", "outlay:stack": "dev"}
LABELS = {"outlay-project": "tiny", "outlay-stack": "dev"}
ASSUME = '{"Version":"2012-10-17","Statement":[]}'
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
EKS = "aws:eks/cluster:Cluster"
GKE = "gcp:container/cluster:Cluster"
NODE_POOL = "gcp:container/nodePool:NodePool"
AKS = "azure-native:containerservice:ManagedCluster"
CKS = "coreweave:index/cksCluster:CksCluster"
AGENT_POOL = "azure-native:containerservice:AgentPool"


def node_group(**changes: Any) -> dict[str, Any]:
    """Return the inputs of a GPU node group; None takes an input away."""
    inputs = {
        "clusterName": "llm",
        "nodeGroupName": "l4-spot",
        "nodeRoleArn": "arn:aws:iam::000000000000:role/node",
        "subnetIds": ["subnet-1", "subnet-2"],
        "instanceTypes": ["g6.2xlarge"],
        "capacityType": "SPOT",
        "amiType": "AL2023_x86_64_NVIDIA",
        "scalingConfig": {"desiredSize": 2, "minSize": 1, "maxSize": 4},
        "labels": {"outlay/pool": "l4-spot"},
        "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
        "tags": TAGS,
    }
    return {key: value for key, value in {**inputs, **changes}.items() if value is not None}


def node_pool(**changes: Any) -> dict[str, Any]:
    """Return the inputs of a GPU node pool; None takes an input away."""
    inputs = {
        "name": "l4-spot",
        "cluster": "llm",
        "location": "us-central1",
        "nodeLocations": ["us-central1-a"],
        "nodeCount": 2,
        "nodeConfig": node_config(),
    }
    return {key: value for key, value in {**inputs, **changes}.items() if value is not None}


def node_config(**changes: Any) -> dict[str, Any]:
    """Return the nodeConfig of a GPU node pool; None takes a field away."""
    config = {
        "machineType": "g2-standard-8",
        "spot": True,
        "guestAccelerators": [
            {
                "type": "nvidia-l4",
                "count": 1,
                "gpuDriverInstallationConfig": {"gpuDriverVersion": "LATEST"},
            }
        ],
        "labels": {"outlay/pool": "l4-spot"},
        "resourceLabels": LABELS,
        "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
    }
    return {key: value for key, value in {**config, **changes}.items() if value is not None}


def eks_network(aws: Plugin) -> tuple[Made, list[Made]]:
    """Make a VPC with a subnet in each of two zones."""
    vpc = aws.create("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16", "tags": TAGS}, name="vpc")
    subnets = [
        aws.create(
            "aws:ec2/subnet:Subnet",
            {
                "vpcId": vpc.id,
                "cidrBlock": f"10.0.{index}.0/24",
                "availabilityZone": f"us-west-2{letter}",
            },
            name=f"subnet-{letter}",
        )
        for index, letter in enumerate("ab")
    ]
    return vpc, subnets


def eks_cluster(aws: Plugin) -> tuple[Made, list[Made], Made]:
    """Make a network, a role and an EKS cluster; return cluster, subnets and role."""
    _, subnets = eks_network(aws)
    role = aws.create(
        "aws:iam/role:Role", {"name": "node", "assumeRolePolicy": ASSUME}, name="role"
    )
    cluster = aws.create(
        EKS,
        {
            "name": "llm",
            "roleArn": role.outputs["arn"],
            "version": "1.34",
            "vpcConfig": {"subnetIds": [subnet.id for subnet in subnets]},
            "tags": TAGS,
        },
        name="llm",
    )
    return cluster, subnets, role


def eks_pool(aws: Plugin, **changes: Any) -> Made:
    """Make everything up to a GPU node group."""
    _, subnets, role = eks_cluster(aws)
    inputs = node_group(
        subnetIds=[subnet.id for subnet in subnets], nodeRoleArn=role.outputs["arn"], **changes
    )
    return aws.create(NODE_GROUP, inputs, name="l4-spot")


def gke_cluster(gcp: Plugin, **changes: Any) -> Made:
    """Make a network, a subnetwork and a GKE cluster."""
    network = gcp.create(
        "gcp:compute/network:Network",
        {"name": "llm", "autoCreateSubnetworks": False},
        name="network",
    )
    subnetwork = gcp.create(
        "gcp:compute/subnetwork:Subnetwork",
        {
            "name": "llm",
            "network": network.id,
            "ipCidrRange": "10.0.0.0/20",
            "region": "us-central1",
        },
        name="subnetwork",
    )
    inputs = {
        "name": "llm",
        "location": "us-central1",
        "network": network.outputs["name"],
        "subnetwork": subnetwork.id,
        "initialNodeCount": 1,
        "removeDefaultNodePool": True,
        "deletionProtection": False,
        "resourceLabels": LABELS,
    }
    return gcp.create(GKE, {**inputs, **changes}, name="llm")


def gke_pool(gcp: Plugin, **changes: Any) -> Made:
    """Make everything up to a GPU node pool."""
    cluster = gke_cluster(gcp)
    return gcp.create(NODE_POOL, node_pool(cluster=cluster.id, **changes), name="l4-spot")


def agent_pool(**changes: Any) -> dict[str, Any]:
    """Return the inputs of a spot GPU agent pool; None takes an input away."""
    inputs = {
        "resourceGroupName": "llm",
        "resourceName": "llm",
        "agentPoolName": "t4spot",
        "mode": "User",
        "vmSize": "Standard_NC4as_T4_v3",
        "count": 2,
        "enableAutoScaling": True,
        "minCount": 1,
        "maxCount": 4,
        "osDiskType": "Managed",
        "osDiskSizeGB": 128,
        "scaleSetPriority": "Spot",
        "scaleSetEvictionPolicy": "Delete",
        "spotMaxPrice": -1,
        "gpuProfile": {"driver": "Install"},
        "nodeLabels": {"outlay/pool": "t4spot"},
        "nodeTaints": ["nvidia.com/gpu=present:NoSchedule"],
        "tags": TAGS,
    }
    return {key: value for key, value in {**inputs, **changes}.items() if value is not None}


def aks_cluster_inputs(**changes: Any) -> dict[str, Any]:
    """Return the inputs of an AKS cluster in no network of its own; None takes an input away."""
    inputs = {
        "resourceGroupName": "llm",
        "resourceName": "llm",
        "location": "eastus",
        "dnsPrefix": "llm",
        "kubernetesVersion": "1.34",
        "sku": {"name": "Base", "tier": "Standard"},
        "agentPoolProfiles": [
            {"name": "cpu", "mode": "System", "vmSize": "Standard_D8s_v5", "count": 2}
        ],
        "tags": TAGS,
    }
    return {key: value for key, value in {**inputs, **changes}.items() if value is not None}


def aks_network(azure: Plugin) -> Made:
    """Make a resource group, an address, a NAT and a network; return the subnet."""
    inside = {"resourceGroupName": "llm", "location": "eastus", "tags": TAGS}
    azure.create("azure-native:resources:ResourceGroup", inside, name="group")
    address = azure.create(
        "azure-native:network:PublicIPAddress",
        {**inside, "publicIpAddressName": "nat", "sku": {"name": "Standard"}},
        name="address",
    )
    nat = azure.create(
        "azure-native:network:NatGateway",
        {**inside, "natGatewayName": "nat", "publicIpAddresses": [{"id": address.id}]},
        name="nat",
    )
    azure.create(
        "azure-native:network:VirtualNetwork",
        {
            **inside,
            "virtualNetworkName": "llm",
            "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
        },
        name="network",
    )
    return azure.create(
        "azure-native:network:Subnet",
        {
            "resourceGroupName": "llm",
            "virtualNetworkName": "llm",
            "subnetName": "nodes",
            "addressPrefix": "10.0.0.0/20",
            "natGateway": {"id": nat.id},
        },
        name="subnet",
    )


def aks_cluster(azure: Plugin, **changes: Any) -> Made:
    """Make a network and an AKS cluster in it."""
    subnet = aks_network(azure)
    pool = {"name": "cpu", "mode": "System", "vmSize": "Standard_D8s_v5", "count": 2}
    inputs = aks_cluster_inputs(agentPoolProfiles=[{**pool, "vnetSubnetID": subnet.id}])
    return azure.create(AKS, {**inputs, **changes}, name="llm")


def aks_pool(azure: Plugin, **changes: Any) -> Made:
    """Make everything up to a spot GPU agent pool."""
    aks_cluster(azure)
    return azure.create(AGENT_POOL, agent_pool(**changes), name="t4spot")


def cks_cluster(coreweave: Plugin, **changes: Any) -> Made:
    """Make a VPC and a CKS cluster in it."""
    cidrs = {"pods": "10.0.0.0/13", "services": "10.16.0.0/22", "lb": "10.32.4.0/22"}
    where = {"name": "llm", "zone": "US-EAST-04A"}
    vpc = coreweave.create(
        "coreweave:index/networkingVpc:NetworkingVpc",
        {**where, "vpcPrefixes": [{"name": k, "value": v} for k, v in cidrs.items()]},
        name="vpc",
    )
    inputs = {
        **where,
        "version": "v1.34",
        "vpcId": vpc.id,
        "podCidrName": "pods",
        "serviceCidrName": "services",
        "internalLbCidrNames": ["lb"],
    }
    return coreweave.create(CKS, {**inputs, **changes}, name="llm")
