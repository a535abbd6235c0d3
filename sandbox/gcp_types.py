# ruff: noqa: S106 - "token" is Pulumi's word for the name of a type, no password
"""Every Google Cloud type of the sandbox: its id, its rules, what forces a new one, and all that Google computes.

What forces a replacement is written from knowledge of the Google provider's schemas (`ForceNew` in
terraform-provider-google); it is unverified at the SDK's version.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from types import MappingProxyType

from sandbox import gcp_rules as rules
from sandbox.cloud import stable_hex
from sandbox.rules import Reference, ResourceType, Situation, always
from sandbox.values import Props

DOMAIN = "sandbox.invalid"
PROJECT_NUMBER = "000000000000"
VERSION = "1.34.1-gke.1000000"
CERTIFICATE = base64.b64encode(b"outlay sandbox: no certificate\n").decode()
COMPUTE = f"https://compute.{DOMAIN}/compute/v1"
CONTAINER = f"https://container.{DOMAIN}/v1"
NAMES = ("id", "name", "selfLink")
DELETE = {"deletionPolicy": "DELETE"}


def in_project(template: str) -> Callable[[Situation], str]:
    """Return a maker of ids from `{project}`, `{region}` and the inputs' own names."""

    def maker(situation: Situation) -> str:
        texts = {key: value for key, value in situation.inputs.items() if isinstance(value, str)}
        return template.format_map(
            {**texts, "project": situation.account, "region": situation.region}
        )

    return maker


def project_scope(situation: Situation) -> str:
    """Return the scope of names that are unique in a project's region."""
    return f"{situation.account}/{situation.region}"


def everywhere(_: Situation) -> str:
    """Return the scope of names that are unique over the whole world."""
    return "global"


def compute(more: Callable[[Situation], Props] | None = None) -> Callable[[Situation], Props]:
    """Return a maker of the outputs that Compute Engine resources have."""

    def computed(situation: Situation) -> Props:
        outputs: Props = {
            "creationTimestamp": situation.created_at,
            "project": situation.account,
            "selfLink": f"{COMPUTE}/{situation.id}",
        }
        if situation.region != "global":
            outputs["region"] = situation.region
        return outputs | (more(situation) if more else {})

    return computed


def number(situation: Situation) -> int:
    """Return the numeric id of a resource, the same on every read."""
    return int(stable_hex(situation.id, 12), 16)


def label_outputs(situation: Situation) -> Props:
    """Return the three forms in which the provider shows labels."""
    return {
        "effectiveLabels": dict(situation.labels),
        "pulumiLabels": dict(situation.labels),
        "labelFingerprint": stable_hex(str(sorted(situation.labels.items())), 11),
    }


def _network(situation: Situation) -> Props:
    return {
        "gatewayIpv4": "",
        "mtu": 1460,
        "networkId": str(number(situation)),
        "numericId": str(number(situation)),
        "routingMode": "REGIONAL",
    }


def _subnetwork(situation: Situation) -> Props:
    cidr = situation.text("ipCidrRange", "10.0.0.0/20")
    return {
        "fingerprint": stable_hex(situation.id + str(situation.revision), 11),
        "gatewayAddress": f"{cidr.split('/')[0].rsplit('.', 1)[0]}.1",
        "ipCidrRange": cidr,
        "ipv6CidrRange": "",
        "ipv6GceEndpoint": "",
        "purpose": "PRIVATE",
        "stackType": "IPV4_ONLY",
        "state": "",
        "subnetworkId": number(situation),
    }


def _address(situation: Situation) -> Props:
    # RFC 5737: routed nowhere.
    own = f"198.51.100.{int(stable_hex(situation.id, 4), 16) % 254 + 1}"
    return {
        **label_outputs(situation),
        "address": own,
        "addressId": number(situation),
        "networkTier": "PREMIUM",
        "users": [],
    }


def _cluster(situation: Situation) -> Props:
    name, location = situation.text("name"), situation.region
    version = situation.text("minMasterVersion", VERSION)
    pool = f"projects/{situation.account}/locations/{location}/clusters/{name}"
    return {
        **label_outputs(situation),
        "clusterIpv4Cidr": "10.100.0.0/14",
        "databaseEncryption": {"state": "DECRYPTED"},
        "datapathProvider": "LEGACY_DATAPATH",
        "defaultMaxPodsPerNode": 110,
        "emulatedVersion": "",
        "endpoint": f"{stable_hex(situation.id + situation.created_at, 16)}.{location}.gke.{DOMAIN}",
        "location": location,
        "loggingService": "logging.googleapis.com/kubernetes",
        "masterAuth": {
            "clientCertificate": "",
            "clientCertificateConfig": {"issueClientCertificate": False},
            "clientKey": "",
            "clusterCaCertificate": CERTIFICATE,
        },
        "masterVersion": version,
        "monitoringService": "monitoring.googleapis.com/kubernetes",
        "networkingMode": "VPC_NATIVE",
        "nodeLocations": [zone for zone in rules.pool_zones(situation) if zone != location],
        "nodeVersion": version,
        "operation": "",
        "project": situation.account,
        "releaseChannel": {"channel": "REGULAR"},
        "selfLink": f"{CONTAINER}/{pool}",
        "servicesIpv4Cidr": "10.104.0.0/20",
        "tpuIpv4CidrBlock": "",
    }


def _node_pool(situation: Situation) -> Props:
    name, zones = situation.text("name"), rules.pool_zones(situation)
    prefix = f"{COMPUTE}/projects/{situation.account}/zones"
    group = f"gke-{name}-sandbox{stable_hex(situation.id, 8)}-grp"
    per_zone = -(-rules.pool_nodes(situation) // max(1, len(zones)))
    return {
        "initialNodeCount": per_zone,
        "instanceGroupUrls": [f"{prefix}/{zone}/instanceGroupManagers/{group}" for zone in zones],
        "location": situation.region,
        "managedInstanceGroupUrls": [f"{prefix}/{zone}/instanceGroups/{group}" for zone in zones],
        "management": {"autoRepair": True, "autoUpgrade": True},
        "maxPodsPerNode": 110,
        "nodeConfig": {
            "diskSizeGb": 100,
            "diskType": "pd-balanced",
            "imageType": "COS_CONTAINERD",
            "machineType": "e2-medium",
            "serviceAccount": "default",
        },
        "nodeCount": per_zone,
        "nodeLocations": zones,
        "operation": "",
        "project": situation.account,
        "upgradeSettings": {"maxSurge": 1, "maxUnavailable": 0, "strategy": "SURGE"},
        "version": VERSION,
    }


def cluster_name(situation: Situation) -> str:
    """Return the short name of the cluster that a node pool names by name or id."""
    return situation.text("cluster").rsplit("/", 1)[-1]


def _pool_id(situation: Situation) -> str:
    place = f"projects/{situation.account}/locations/{situation.region}"
    return f"{place}/clusters/{cluster_name(situation)}/nodePools/{situation.text('name')}"


def _email(situation: Situation) -> str:
    return f"{situation.text('accountId')}@{situation.account}.iam.{DOMAIN}"


def _service_account(situation: Situation) -> Props:
    email = _email(situation)
    return {
        "email": email,
        "member": f"serviceAccount:{email}",
        "name": situation.id,
        "project": situation.account,
        "uniqueId": str(number(situation)),
    }


def _bucket(situation: Situation) -> Props:
    name = situation.text("name")
    labels = label_outputs(situation)
    return {
        "effectiveLabels": labels["effectiveLabels"],
        "pulumiLabels": labels["pulumiLabels"],
        "project": situation.account,
        "projectNumber": int(PROJECT_NUMBER),
        "publicAccessPrevention": "inherited",
        "rpo": "DEFAULT",
        "selfLink": f"https://storage.{DOMAIN}/storage/v1/b/{name}",
        "softDeletePolicy": {"retentionDurationSeconds": 604800},
        "timeCreated": situation.created_at,
        "updated": situation.created_at,
        "url": f"gs://{name}",
    }


def _etag(situation: Situation) -> Props:
    return {"etag": stable_hex(situation.id, 12)}


NETWORK = Reference(path="network", token="gcp:compute/network:Network", keys=NAMES)
SUBNETWORK = Reference(path="subnetwork", token="gcp:compute/subnetwork:Subnetwork", keys=NAMES)
# Changed in place by GKE; every other field of nodeConfig makes a new pool.
POOL_IN_PLACE = (
    "bootDisk", "containerdConfig", "diskSizeGb", "diskType", "fastSocket", "gcfsConfig", "gvnic",
    "imageType", "kubeletConfig", "labels", "linuxNodeConfig", "loggingVariant", "machineType",
    "resourceLabels", "resourceManagerTags", "storagePools", "tags", "taints", "windowsNodeConfig",
    "workloadMetadataConfig",
)  # fmt: skip
TYPES: Mapping[str, ResourceType] = MappingProxyType({kind.token: kind for kind in (
    ResourceType(
        token="gcp:compute/network:Network",
        id=in_project("projects/{project}/global/networks/{name}"),
        name="name",
        is_global=True,
        scope=project_scope,
        rules=rules.named,
        replace=frozenset({"name", "project", "autoCreateSubnetworks", "description", "internalIpv6Range", "networkProfile"}),
        defaults={"autoCreateSubnetworks": True, "deleteDefaultRoutesOnCreate": False} | DELETE,
        computed=compute(_network),
    ),
    ResourceType(
        token="gcp:compute/subnetwork:Subnetwork",
        id=in_project("projects/{project}/regions/{region}/subnetworks/{name}"),
        name="name",
        scope=project_scope,
        rules=rules.subnetwork,
        replace=frozenset({"name", "project", "region", "network", "description", "purpose", "reservedInternalRange"}),
        defaults=DELETE,
        computed=compute(_subnetwork),
        references=(NETWORK,),
    ),
    ResourceType(
        token="gcp:compute/router:Router",
        id=in_project("projects/{project}/regions/{region}/routers/{name}"),
        name="name",
        scope=project_scope,
        rules=rules.named,
        replace=frozenset({"name", "project", "region", "network", "encryptedInterconnectRouter"}),
        defaults=DELETE,
        computed=compute(),
        references=(NETWORK,),
    ),
    ResourceType(
        token="gcp:compute/routerNat:RouterNat",
        id=in_project("{project}/{region}/{router}/{name}"),
        name="name",
        paid=always,
        scope=lambda situation: f"{project_scope(situation)}/{situation.text('router')}",
        rules=rules.named,
        replace=frozenset({"name", "project", "region", "router", "type", "endpointTypes", "initialNatIps"}),
        defaults={"type": "PUBLIC", "enableEndpointIndependentMapping": False, "endpointTypes": ["ENDPOINT_TYPE_VM"]} | DELETE,
        computed=lambda situation: {"project": situation.account, "region": situation.region, "autoNetworkTier": "PREMIUM"},
        references=(
            Reference(path="router", token="gcp:compute/router:Router", keys=NAMES),
            Reference(path="natIps[*]", token="gcp:compute/address:Address", keys=("id", "selfLink", "name")),
        ),
    ),
    ResourceType(
        token="gcp:compute/address:Address",
        id=in_project("projects/{project}/regions/{region}/addresses/{name}"),
        name="name",
        labels="labels",
        paid=always,
        scope=project_scope,
        rules=rules.address,
        replace=frozenset({"address", "addressType", "description", "ipVersion", "name", "network", "networkTier", "prefixLength", "project", "purpose", "region", "subnetwork"}),
        defaults={"addressType": "EXTERNAL"} | DELETE,
        computed=compute(_address),
    ),
    ResourceType(
        token="gcp:compute/firewall:Firewall",
        id=in_project("projects/{project}/global/firewalls/{name}"),
        name="name",
        is_global=True,
        scope=project_scope,
        rules=rules.named,
        replace=frozenset({"name", "project", "network", "direction"}),
        defaults={"direction": "INGRESS", "priority": 1000} | DELETE,
        computed=compute(),
        references=(NETWORK,),
    ),
    ResourceType(
        token="gcp:container/cluster:Cluster",
        id=in_project("projects/{project}/locations/{region}/clusters/{name}"),
        name="name",
        labels="resourceLabels",
        paid=always,
        scope=project_scope,
        rules=rules.cluster,
        replace=frozenset({
            "name", "project", "location", "network", "subnetwork", "description", "clusterIpv4Cidr",
            "confidentialNodes", "defaultMaxPodsPerNode", "enableAutopilot", "enableKubernetesAlpha", "enableTpu",
            "initialNodeCount", "ipAllocationPolicy", "masterAuth", "networkingMode", "nodeConfig",
            "privateClusterConfig.masterIpv4CidrBlock", "privateClusterConfig.enablePrivateNodes",
        }),
        defaults={"deletionProtection": True, "removeDefaultNodePool": False, "enableShieldedNodes": True} | DELETE,
        computed=_cluster,
        references=(NETWORK, SUBNETWORK),
        protected_by="deletionProtection",
    ),
    ResourceType(
        token="gcp:container/nodePool:NodePool",
        id=_pool_id,
        name="name",
        labels="nodeConfig.resourceLabels",
        paid=always,
        scope=lambda situation: f"{project_scope(situation)}/{cluster_name(situation)}",
        rules=rules.node_pool,
        usage=rules.pool_usage,
        replace=frozenset({
            "cluster", "location", "name", "namePrefix", "project", "initialNodeCount", "maxPodsPerNode",
            "placementPolicy", "queuedProvisioning", "nodeConfig", *(f"!nodeConfig.{path}" for path in POOL_IN_PLACE),
        }),
        defaults=DELETE,
        computed=_node_pool,
        references=(
            Reference(path="cluster", token="gcp:container/cluster:Cluster", keys=NAMES),
            Reference(path="nodeConfig.serviceAccount", token="gcp:serviceaccount/account:Account", keys=("email",), blocks=False),
        ),
    ),
    ResourceType(
        token="gcp:serviceaccount/account:Account",
        id=lambda situation: f"projects/{situation.account}/serviceAccounts/{_email(situation)}",
        name="accountId",
        is_global=True,
        scope=project_scope,
        rules=rules.service_account,
        replace=frozenset({"accountId", "project"}),
        defaults={"disabled": False} | DELETE,
        computed=_service_account,
    ),
    ResourceType(
        token="gcp:projects/iAMMember:IAMMember",
        id=in_project("{project}/{role}/{member}"),
        is_global=True,
        replace=frozenset({"project", "role", "member", "condition"}),
        computed=_etag,
    ),
    ResourceType(
        token="gcp:projects/service:Service",
        id=in_project("{project}/{service}"),
        is_global=True,
        replace=frozenset({"project", "service"}),
        defaults=DELETE,
        computed=lambda situation: {"project": situation.account},
    ),
    ResourceType(
        token="gcp:storage/bucket:Bucket",
        id=in_project("{name}"),
        name="name",
        labels="labels",
        paid=always,
        is_global=True,
        scope=everywhere,
        rules=rules.bucket,
        replace=frozenset({"name", "project", "location", "customPlacementConfig", "enableObjectRetention", "hierarchicalNamespace"}),
        defaults={"forceDestroy": False, "storageClass": "STANDARD"} | DELETE,
        computed=_bucket,
    ),
    ResourceType(
        token="gcp:storage/bucketIAMMember:BucketIAMMember",
        id=in_project("b/{bucket}/{role}/{member}"),
        is_global=True,
        replace=frozenset({"bucket", "role", "member", "condition"}),
        computed=_etag,
        references=(Reference(path="bucket", token="gcp:storage/bucket:Bucket", keys=("id", "name")),),
    ),
)})  # fmt: skip
