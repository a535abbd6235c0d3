# ruff: noqa: S106 - "token" is Pulumi's word for the name of a type, no password
"""Every Azure type of the sandbox: its id, its rules, what forces a new one, and all that Azure computes.

What forces a replacement is written from knowledge of the REST references (create-only properties); it is
unverified at the SDK's version.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType

from sandbox import azure_rules as rules
from sandbox.cloud import stable_hex
from sandbox.rules import Reference, ResourceType, Situation, always
from sandbox.values import Props, as_text

DOMAIN = "sandbox.invalid"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
GROUP = "azure-native:resources:ResourceGroup"
CLUSTER = "azure-native:containerservice:ManagedCluster"
POOL = "azure-native:containerservice:AgentPool"
SUBNET = "azure-native:network:Subnet"
PATCH = ".1"
# Create-only properties of an agent pool, inline or on its own. Source: AKS REST reference, AgentPool.
POOL_FIXED = (
    "availabilityZones", "capacityReservationGroupID", "creationData", "enableFIPS", "enableUltraSSD",
    "gpuInstanceProfile", "gpuProfile", "hostGroupID", "kubeletConfig", "kubeletDiskType", "linuxOSConfig",
    "maxPods", "osDiskSizeGB", "osDiskType", "osType", "podSubnetID", "proximityPlacementGroupID",
    "scaleSetEvictionPolicy", "scaleSetPriority", "spotMaxPrice", "type", "vmSize", "vnetSubnetID",
)  # fmt: skip


def arm_id(path: str) -> Callable[[Situation], str]:
    """Return a maker of Resource Manager ids from `{names}` of the inputs, inside the resource group."""

    def maker(situation: Situation) -> str:
        texts = {key: as_text(value) for key, value in situation.inputs.items()}
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{texts.get('resourceGroupName', '')}"
        return group + (f"/providers/{path.format_map(texts)}" if path else "")

    return maker


def in_group(*parents: str) -> Callable[[Situation], str]:
    """Return a maker of the scope in which a name is unique: the resource group and some parents."""
    keys = ("resourceGroupName", *parents)
    return lambda situation: "/".join(situation.text(key).lower() for key in keys)


def arm(
    type_: str, name: str, more: Callable[[Situation], Props] | None = None
) -> Callable[[Situation], Props]:
    """Return a maker of the outputs that all resources have."""

    def computed(situation: Situation) -> Props:
        outputs: Props = {
            "azureApiVersion": "2025-08-01",
            "name": situation.text(name),
            "provisioningState": "Succeeded",
            "systemData": {"createdAt": situation.created_at},
            "type": type_,
        }
        return outputs | (more(situation) if more else {})

    return computed


def etag(situation: Situation) -> str:
    """Return a text that changes with every change of the resource."""
    return stable_hex(f"{situation.id}/{situation.revision}", 32)


def stable_uuid(text: str) -> str:
    """Return a UUID that depends on nothing but the given text."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox/{text}"))


def _network(situation: Situation) -> Props:
    return {"etag": etag(situation), "resourceGuid": stable_uuid(situation.id)}


def _address(situation: Situation) -> Props:
    # RFC 5737: routed nowhere.
    own = f"203.0.113.{int(stable_hex(situation.id, 4), 16) % 254 + 1}"
    return {
        **_network(situation),
        "ipAddress": own,
        "ipConfiguration": {"provisioningState": "Succeeded"},
    }


def _identity(situation: Situation) -> Props:
    return {
        "clientId": stable_uuid(f"client/{situation.id}"),
        "principalId": stable_uuid(f"principal/{situation.id}"),
        "tenantId": SUBSCRIPTION,
    }


def _assignment(situation: Situation) -> Props:
    return {
        "createdBy": SUBSCRIPTION,
        "createdOn": situation.created_at,
        "updatedBy": SUBSCRIPTION,
        "updatedOn": situation.created_at,
    }


def _cluster(situation: Situation) -> Props:
    host = f"{situation.text('dnsPrefix')}-{stable_hex(situation.id + situation.created_at, 8)}"
    fqdn = f"{host.lower()}.hcp.{situation.region}.azmk8s.{DOMAIN}"
    return {
        "azurePortalFQDN": fqdn.replace(host.lower(), f"{host.lower()}.portal"),
        "currentKubernetesVersion": situation.text("kubernetesVersion", "1.34") + PATCH,
        "eTag": etag(situation),
        "fqdn": fqdn,
        "maxAgentPools": 100,
        "powerState": {"code": "Running"},
        "privateFQDN": "",
        "resourceUID": stable_hex(situation.id, 24),
    }


def _pool(situation: Situation) -> Props:
    return {
        "currentOrchestratorVersion": situation.text("orchestratorVersion", "1.34") + PATCH,
        "eTag": etag(situation),
        "nodeImageVersion": "AKSUbuntu-sandbox",
        "powerState": {"code": "Running"},
    }


def _reservation(situation: Situation) -> Props:
    return {
        "instanceView": {"utilizationInfo": {"currentCapacity": 0, "virtualMachinesAllocated": []}},
        "platformFaultDomainCount": 1,
        "provisioningTime": situation.created_at,
        "reservationId": stable_uuid(situation.id),
        "timeCreated": situation.created_at,
        "virtualMachinesAssociated": [],
    }


def _reservation_group(situation: Situation) -> Props:
    del situation
    return {
        "capacityReservations": [],
        "instanceView": {"capacityReservations": [], "sharedSubscriptionIds": []},
        "virtualMachinesAssociated": [],
    }


IN_GROUP = Reference(path="resourceGroupName", token=GROUP, keys=("name",), blocks=False)
TYPES: Mapping[str, ResourceType] = MappingProxyType({kind.token: kind for kind in (
    ResourceType(
        token=GROUP,
        id=arm_id(""),
        name="resourceGroupName",
        labels="tags",
        scope=in_group(),
        rules=rules.group,
        replace=frozenset({"resourceGroupName", "location", "managedBy"}),
        computed=arm("Microsoft.Resources/resourceGroups", "resourceGroupName",
                     lambda _: {"properties": {"provisioningState": "Succeeded"}}),
    ),
    ResourceType(
        token="azure-native:network:VirtualNetwork",
        id=arm_id("Microsoft.Network/virtualNetworks/{virtualNetworkName}"),
        name="virtualNetworkName",
        labels="tags",
        scope=in_group(),
        rules=rules.networked("virtualNetworkName"),
        replace=frozenset({"virtualNetworkName", "resourceGroupName", "location", "extendedLocation"}),
        computed=arm("Microsoft.Network/virtualNetworks", "virtualNetworkName",
                     lambda situation: {**_network(situation), "flowLogs": []}),
        references=(IN_GROUP,),
    ),
    ResourceType(
        token=SUBNET,
        id=arm_id("Microsoft.Network/virtualNetworks/{virtualNetworkName}/subnets/{subnetName}"),
        name="subnetName",
        scope=in_group("virtualNetworkName"),
        rules=rules.networked("subnetName"),
        replace=frozenset({"subnetName", "virtualNetworkName", "resourceGroupName"}),
        computed=arm("Microsoft.Network/virtualNetworks/subnets", "subnetName", lambda situation: {
            "etag": etag(situation), "ipConfigurationProfiles": [], "ipConfigurations": [],
            "privateEndpoints": [], "purpose": "", "resourceNavigationLinks": [], "serviceAssociationLinks": [],
        }),
        references=(
            IN_GROUP,
            Reference(path="virtualNetworkName", token="azure-native:network:VirtualNetwork", keys=("name",), blocks=False),
            Reference(path="natGateway.id", token="azure-native:network:NatGateway"),
        ),
    ),
    ResourceType(
        token="azure-native:network:NatGateway",
        id=arm_id("Microsoft.Network/natGateways/{natGatewayName}"),
        name="natGatewayName",
        labels="tags",
        paid=always,
        scope=in_group(),
        rules=rules.networked("natGatewayName"),
        replace=frozenset({"natGatewayName", "resourceGroupName", "location", "zones"}),
        computed=arm("Microsoft.Network/natGateways", "natGatewayName",
                     lambda situation: {**_network(situation), "subnets": []}),
        references=(
            IN_GROUP,
            Reference(path="publicIpAddresses[*].id", token="azure-native:network:PublicIPAddress"),
        ),
    ),
    ResourceType(
        token="azure-native:network:PublicIPAddress",
        id=arm_id("Microsoft.Network/publicIPAddresses/{publicIpAddressName}"),
        name="publicIpAddressName",
        labels="tags",
        paid=always,
        scope=in_group(),
        rules=rules.networked("publicIpAddressName"),
        replace=frozenset({"publicIpAddressName", "resourceGroupName", "location", "zones", "sku",
                           "publicIPAllocationMethod", "publicIPAddressVersion"}),
        computed=arm("Microsoft.Network/publicIPAddresses", "publicIpAddressName", _address),
        references=(IN_GROUP,),
    ),
    ResourceType(
        token="azure-native:managedidentity:UserAssignedIdentity",
        id=arm_id("Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}"),
        name="resourceName",
        labels="tags",
        scope=in_group(),
        rules=rules.identity,
        replace=frozenset({"resourceName", "resourceGroupName", "location"}),
        computed=arm("Microsoft.ManagedIdentity/userAssignedIdentities", "resourceName", _identity),
        references=(IN_GROUP,),
    ),
    ResourceType(
        token="azure-native:authorization:RoleAssignment",
        id=lambda situation: (
            f"{situation.text('scope')}/providers/Microsoft.Authorization/roleAssignments/"
            f"{situation.text('roleAssignmentName') or stable_uuid(situation.urn)}"
        ),
        name="roleAssignmentName",
        autonamed=False,
        is_global=True,
        scope=lambda situation: situation.text("scope"),
        rules=rules.role_assignment,
        replace=frozenset({"roleAssignmentName", "principalId", "roleDefinitionId", "scope", "principalType"}),
        computed=arm("Microsoft.Authorization/roleAssignments", "roleAssignmentName", _assignment),
    ),
    ResourceType(
        token=CLUSTER,
        id=arm_id("Microsoft.ContainerService/managedClusters/{resourceName}"),
        name="resourceName",
        labels="tags",
        paid=always,
        scope=in_group(),
        rules=rules.cluster,
        usage=rules.cluster_usage,
        replace=frozenset({
            "resourceName", "resourceGroupName", "location", "dnsPrefix", "fqdnSubdomain", "nodeResourceGroup",
            "extendedLocation", "diskEncryptionSetID", "enableRBAC", "networkProfile.networkPlugin",
            "networkProfile.podCidr", "networkProfile.serviceCidr", "networkProfile.dnsServiceIP",
            "networkProfile.loadBalancerSku",
        }),
        computed=arm("Microsoft.ContainerService/managedClusters", "resourceName", _cluster),
        references=(
            IN_GROUP,
            Reference(path="agentPoolProfiles[*].vnetSubnetID", token=SUBNET),
            Reference(path="identity.userAssignedIdentities[*]", token="azure-native:managedidentity:UserAssignedIdentity"),
        ),
    ),
    ResourceType(
        token=POOL,
        id=arm_id("Microsoft.ContainerService/managedClusters/{resourceName}/agentPools/{agentPoolName}"),
        name="agentPoolName",
        labels="tags",
        paid=always,
        scope=in_group("resourceName"),
        rules=rules.agent_pool,
        usage=rules.pool_usage,
        replace=frozenset({"resourceGroupName", "resourceName", "agentPoolName", *POOL_FIXED}),
        computed=arm("Microsoft.ContainerService/managedClusters/agentPools", "agentPoolName", _pool),
        references=(
            IN_GROUP,
            Reference(path="resourceName", token=CLUSTER, keys=("name",), blocks=False),
            Reference(path="vnetSubnetID", token=SUBNET),
            Reference(path="capacityReservationGroupID", token="azure-native:compute:CapacityReservationGroup"),
        ),
    ),
    ResourceType(
        token="azure-native:compute:CapacityReservationGroup",
        id=arm_id("Microsoft.Compute/capacityReservationGroups/{capacityReservationGroupName}"),
        name="capacityReservationGroupName",
        labels="tags",
        scope=in_group(),
        rules=rules.networked("capacityReservationGroupName"),
        replace=frozenset({"capacityReservationGroupName", "resourceGroupName", "location", "zones"}),
        computed=arm("Microsoft.Compute/capacityReservationGroups", "capacityReservationGroupName", _reservation_group),
        references=(IN_GROUP,),
    ),
    ResourceType(
        token="azure-native:compute:CapacityReservation",
        id=arm_id(
            "Microsoft.Compute/capacityReservationGroups/{capacityReservationGroupName}"
            "/capacityReservations/{capacityReservationName}"
        ),
        name="capacityReservationName",
        labels="tags",
        paid=always,
        scope=in_group("capacityReservationGroupName"),
        rules=rules.reservation,
        usage=rules.reservation_usage,
        replace=frozenset({"capacityReservationName", "capacityReservationGroupName", "resourceGroupName",
                           "location", "zones", "sku.name"}),
        computed=arm("Microsoft.Compute/capacityReservationGroups/capacityReservations",
                     "capacityReservationName", _reservation),
        references=(
            IN_GROUP,
            Reference(path="capacityReservationGroupName", token="azure-native:compute:CapacityReservationGroup", keys=("name",)),
        ),
    ),
)})  # fmt: skip
