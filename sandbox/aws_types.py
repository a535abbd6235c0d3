# ruff: noqa: S106 - "token" is Pulumi's word for the name of a type, no password
"""Every AWS type of the sandbox: its id, its rules, what forces a new one, and all that AWS computes.

What forces a replacement is written from knowledge of the AWS provider's schemas (`ForceNew` in
hashicorp/terraform-provider-aws); it is unverified at the SDK's version.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from types import MappingProxyType

from sandbox import aws_rules as rules
from sandbox.cloud import new_id, stable_hex
from sandbox.rules import Reference, ResourceType, Situation, always
from sandbox.values import Props, as_list, as_text, find

ACCOUNT = "000000000000"
DOMAIN = "sandbox.invalid"
DEFAULT_KUBERNETES_VERSION = "1.34"
ANY_ADDRESS = "0.0.0.0/0"
DOCUMENTATION_ADDRESS = "192.0.2"  # RFC 5737: routed nowhere
CERTIFICATE = base64.b64encode(b"outlay sandbox: no certificate\n").decode()
OWNED = {"ownerId": ACCOUNT}


def arn(service: str, situation: Situation, resource: str) -> str:
    """Return the ARN of a resource in the sandbox's account."""
    region = "" if service in {"iam", "s3"} else situation.region
    account = "" if service == "s3" else ACCOUNT
    return f"arn:aws:{service}:{region}:{account}:{resource}"


def prefixed(prefix: str) -> Callable[[Situation], str]:
    """Return a maker of ids such as vpc-sandbox0123456789ab."""
    return lambda _: new_id(prefix)


def by(*paths: str, separator: str = ":") -> Callable[[Situation], str]:
    """Return a maker of ids that join inputs, as EKS and IAM do."""
    return lambda situation: separator.join(situation.text(path) for path in paths)


def in_cluster(situation: Situation) -> str:
    """Return the scope of names that are unique in one EKS cluster."""
    return f"{situation.region}/{situation.text('clusterName')}"


def everywhere(_: Situation) -> str:
    """Return the scope of names that are unique over the whole account, or the whole world."""
    return "global"


def standard(
    service: str,
    resource: Callable[[Situation], str],
    more: Callable[[Situation], Props] | None = None,
) -> Callable[[Situation], Props]:
    """Return a maker of the outputs that nearly every type has: arn, tagsAll, region."""

    def computed(situation: Situation) -> Props:
        outputs: Props = {
            "arn": arn(service, situation, resource(situation)),
            "tagsAll": dict(situation.labels),
        }
        if situation.region != "global":
            outputs["region"] = situation.region
        return outputs | (more(situation) if more else {})

    return computed


def ec2(
    kind: str, more: Callable[[Situation], Props] | None = None
) -> Callable[[Situation], Props]:
    """Return a maker of the standard outputs of an EC2 resource."""
    return standard("ec2", lambda situation: f"{kind}/{situation.id}", more)


def _derived(situation: Situation, prefix: str) -> str:
    """Return the id of something that comes with a resource, the same on every read."""
    return f"{prefix}-sandbox{stable_hex(prefix + situation.id, 12)}"


def _address(situation: Situation) -> str:
    return f"{DOCUMENTATION_ADDRESS}.{int(stable_hex(situation.id, 4), 16) % 254 + 1}"


def _vpc(situation: Situation) -> Props:
    return {
        **OWNED,
        "defaultNetworkAclId": _derived(situation, "acl"),
        "defaultRouteTableId": _derived(situation, "rtb"),
        "defaultSecurityGroupId": _derived(situation, "sg"),
        "dhcpOptionsId": _derived(situation, "dopt"),
        "mainRouteTableId": _derived(situation, "rtb"),
        "ipv6AssociationId": "",
    }


def _subnet(situation: Situation) -> Props:
    chosen = rules.zone_named(situation.region, situation.text("availabilityZoneId"))
    zone = situation.text("availabilityZone", chosen or rules.zones(situation.region)[0])
    return {
        **OWNED,
        "availabilityZone": zone,
        "availabilityZoneId": rules.zone_id(zone),
        "ipv6CidrBlockAssociationId": "",
        "privateDnsHostnameTypeOnLaunch": "ip-name",
    }


def _eip(situation: Situation) -> Props:
    address = _address(situation)
    return {
        "allocationId": situation.id,
        "associationId": "",
        "carrierIp": "",
        "customerOwnedIp": "",
        "domain": "vpc",
        "networkBorderGroup": situation.region,
        "privateDns": "",
        "privateIp": "",
        "ptrRecord": "",
        "publicDns": f"ec2-{address.replace('.', '-')}.{situation.region}.{DOMAIN}",
        "publicIp": address,
        "publicIpv4Pool": "amazon",
    }


def _nat_gateway(situation: Situation) -> Props:
    eip = situation.referred("aws:ec2/eip:Eip", "id", situation.text("allocationId"))
    subnet = situation.referred("aws:ec2/subnet:Subnet", "id", situation.text("subnetId"))
    return {
        "associationId": _derived(situation, "eipassoc"),
        "autoProvisionZones": "disabled",
        "autoScalingIps": "disabled",
        "availabilityMode": "zonal",
        "networkInterfaceId": _derived(situation, "eni"),
        "privateIp": "10.0.0.4",
        "publicIp": as_text(eip.outputs.get("publicIp")) if eip else "",
        "regionalNatGatewayAddresses": [],
        "regionalNatGatewayAutoMode": "disabled",
        "region": situation.region,
        "routeTableId": "",
        "tagsAll": dict(situation.labels),
        "vpcId": as_text(subnet.inputs.get("vpcId")) if subnet else "",
    }


def _endpoint(situation: Situation) -> Props:
    interface = situation.text("vpcEndpointType", "Gateway") == "Interface"
    name = f"{situation.id}.{situation.text('serviceName').rsplit('.', 1)[-1]}.{situation.region}.vpce.{DOMAIN}"
    return {
        **OWNED,
        "cidrBlocks": [] if interface else ["198.51.100.0/24"],
        "dnsEntries": [{"dnsName": name, "hostedZoneId": "ZSANDBOX"}] if interface else [],
        "networkInterfaceIds": [_derived(situation, "eni")] if interface else [],
        "policy": '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}',
        "prefixListId": "" if interface else _derived(situation, "pl"),
        "requesterManaged": False,
        "state": "available",
        "serviceRegion": situation.region,
    }


def _route(situation: Situation) -> Props:
    return {
        "instanceId": "",
        "instanceOwnerId": "",
        "origin": "CreateRoute",
        "region": situation.region,
        "state": "active",
    }


def _template(situation: Situation) -> Props:
    return {
        "latestVersion": situation.revision,
        "defaultVersion": situation.revision if situation.inputs.get("updateDefaultVersion") else 1,
    }


def _role(situation: Situation) -> Props:
    return {
        "createDate": situation.created_at,
        "uniqueId": f"AROASANDBOX{stable_hex(situation.id, 10).upper()}",
    }


def _profile(situation: Situation) -> Props:
    return {
        "createDate": situation.created_at,
        "uniqueId": f"AIPASANDBOX{stable_hex(situation.id, 10).upper()}",
    }


def _path_and_name(kind: str) -> Callable[[Situation], str]:
    return lambda situation: f"{kind}{situation.text('path', '/')}{situation.text('name')}"


def issuer(situation: Situation) -> str:
    """Return the address of a cluster's identity provider."""
    return f"https://oidc.eks.{situation.region}.{DOMAIN}/id/{server_id(situation)}"


def server_id(situation: Situation) -> str:
    """Return the part of a cluster's addresses that another cluster of the same name does not share."""
    return stable_hex(situation.region + situation.id + situation.created_at, 32).upper()


def _cluster(situation: Situation) -> Props:
    version = situation.text("version", DEFAULT_KUBERNETES_VERSION)
    subnets = as_list(find(situation.inputs, "vpcConfig.subnetIds"))
    subnet = situation.referred("aws:ec2/subnet:Subnet", "id", next(iter(subnets), ""))
    host = server_id(situation)
    return {
        "accessConfig": {"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": True},
        "certificateAuthority": {"data": CERTIFICATE},
        "certificateAuthorities": [{"data": CERTIFICATE}],
        "clusterId": "",
        "createdAt": situation.created_at,
        "endpoint": f"https://{host}.gr7.{situation.region}.eks.{DOMAIN}",
        "identities": [{"oidcs": [{"issuer": issuer(situation)}]}],
        "kubernetesNetworkConfig": {
            "elasticLoadBalancing": {"enabled": False},
            "ipFamily": "ipv4",
            "serviceIpv4Cidr": "172.20.0.0/16",
        },
        "platformVersion": "eks.1",
        "status": "ACTIVE",
        "upgradePolicy": {"supportType": "EXTENDED"},
        "version": version,
        "vpcConfig": {
            "clusterSecurityGroupId": _derived(situation, "sg"),
            "endpointPrivateAccess": False,
            "endpointPublicAccess": True,
            "publicAccessCidrs": [ANY_ADDRESS],
            "securityGroupIds": [],
            "vpcId": as_text(subnet.inputs.get("vpcId")) if subnet else "",
        },
    }  # fmt: skip


def _node_group(situation: Situation) -> Props:
    cluster = situation.referred("aws:eks/cluster:Cluster", "name", situation.text("clusterName"))
    version = as_text(cluster.outputs.get("version")) if cluster else DEFAULT_KUBERNETES_VERSION
    version = situation.text("version", version)
    group = f"eks-{situation.text('nodeGroupName')}-sandbox{stable_hex(situation.id, 8)}"
    return {
        "amiType": "AL2023_x86_64_STANDARD",
        "capacityType": "ON_DEMAND",
        "diskSize": 20,
        "instanceTypes": ["t3.medium"],
        "nodeRepairConfig": {"enabled": False},
        "releaseVersion": f"{version}.0-20260101",
        "resources": [{"autoscalingGroups": [{"name": group}], "remoteAccessSecurityGroupId": ""}],
        "status": "ACTIVE",
        "updateConfig": {"maxUnavailable": 1, "updateStrategy": "DEFAULT"},
        "version": version,
    }


def _addon(situation: Situation) -> Props:
    return {
        "addonVersion": "v1.0.0-eksbuild.1-sandbox",
        "createdAt": situation.created_at,
        "modifiedAt": situation.created_at,
    }


def _access_entry(situation: Situation) -> Props:
    principal = situation.text("principalArn")
    name = f"arn:aws:eks:{situation.region}:{ACCOUNT}:access-entry/{situation.text('clusterName')}/{principal}"
    return {
        "accessEntryArn": name,
        "createdAt": situation.created_at,
        "modifiedAt": situation.created_at,
        "region": situation.region,
        "tagsAll": dict(situation.labels),
        "userName": principal,
    }


def _policy_association(situation: Situation) -> Props:
    return {
        "associatedAt": situation.created_at,
        "modifiedAt": situation.created_at,
        "region": situation.region,
    }


def _pod_identity(situation: Situation) -> Props:
    return {
        "associationArn": arn("eks", situation, f"podidentityassociation/{situation.id}"),
        "associationId": situation.id,
        "externalId": "",
        "region": situation.region,
        "tagsAll": dict(situation.labels),
    }


def _bucket(situation: Situation) -> Props:
    name = situation.text("bucket")
    return {
        "bucketDomainName": f"{name}.s3.{DOMAIN}",
        "bucketRegion": situation.region,
        "bucketRegionalDomainName": f"{name}.s3.{situation.region}.{DOMAIN}",
        "hostedZoneId": "ZSANDBOX",
        "requestPayer": "BucketOwner",
        "websiteDomain": "",
        "websiteEndpoint": "",
    }


def _is_interface(inputs: Props) -> bool:
    return as_text(inputs.get("vpcEndpointType")) in {"Interface", "GatewayLoadBalancer"}


VPC_ID = Reference(path="vpcId", token="aws:ec2/vpc:Vpc")
SUBNET_IDS = Reference(path="subnetIds[*]", token="aws:ec2/subnet:Subnet")
ROUTE_TABLE_ID = Reference(path="routeTableId", token="aws:ec2/routeTable:RouteTable")
CLUSTER_NAME = Reference(path="clusterName", token="aws:eks/cluster:Cluster", keys=("name",))


def role_reference(path: str, key: str, *, blocks: bool) -> Reference:
    """Return a reference to an IAM role by its arn or its name."""
    return Reference(path=path, token="aws:iam/role:Role", keys=(key,), blocks=blocks)


NETWORK = (
    ResourceType(
        token="aws:ec2/vpc:Vpc",
        id=prefixed("vpc"),
        labels="tags",
        rules=rules.vpc,
        replace=frozenset({"region", "cidrBlock", "ipv4IpamPoolId", "ipv4NetmaskLength", "ipv6CidrBlockNetworkBorderGroup"}),
        defaults={"enableDnsSupport": True, "enableDnsHostnames": False, "instanceTenancy": "default"},
        computed=ec2("vpc", _vpc),
    ),
    ResourceType(
        token="aws:ec2/subnet:Subnet",
        id=prefixed("subnet"),
        labels="tags",
        rules=rules.subnet,
        replace=frozenset({"region", "vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId", "outpostArn", "ipv6Native"}),
        defaults={"mapPublicIpOnLaunch": False, "assignIpv6AddressOnCreation": False},
        computed=ec2("subnet", _subnet),
        references=(VPC_ID,),
    ),
    ResourceType(
        token="aws:ec2/internetGateway:InternetGateway",
        id=prefixed("igw"),
        labels="tags",
        replace=frozenset({"region"}),
        computed=ec2("internet-gateway", lambda _: OWNED),
        references=(VPC_ID,),
    ),
    ResourceType(
        token="aws:ec2/eip:Eip",
        id=prefixed("eipalloc"),
        named_by_tag=True,
        labels="tags",
        paid=always,
        replace=frozenset({"region", "domain", "address", "networkBorderGroup", "publicIpv4Pool", "customerOwnedIpv4Pool"}),
        computed=ec2("elastic-ip", _eip),
    ),
    ResourceType(
        token="aws:ec2/natGateway:NatGateway",
        id=prefixed("nat"),
        named_by_tag=True,
        labels="tags",
        paid=always,
        replace=frozenset({"region", "allocationId", "subnetId", "connectivityType", "privateIp", "availabilityMode", "vpcId"}),
        defaults={"connectivityType": "public"},
        computed=_nat_gateway,
        references=(
            Reference(path="subnetId", token="aws:ec2/subnet:Subnet"),
            Reference(path="allocationId", token="aws:ec2/eip:Eip"),
        ),
    ),
    ResourceType(
        token="aws:ec2/routeTable:RouteTable",
        id=prefixed("rtb"),
        labels="tags",
        replace=frozenset({"region", "vpcId"}),
        computed=ec2("route-table", lambda _: OWNED),
        references=(
            VPC_ID,
            Reference(path="routes[*].gatewayId", token="aws:ec2/internetGateway:InternetGateway"),
            Reference(path="routes[*].natGatewayId", token="aws:ec2/natGateway:NatGateway"),
        ),
    ),
    ResourceType(
        token="aws:ec2/route:Route",
        id=lambda situation: f"r-sandbox{stable_hex(situation.text('routeTableId') + str(sorted(situation.inputs.items())), 12)}",
        replace=frozenset({"region", "routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId"}),
        computed=_route,
        references=(
            ROUTE_TABLE_ID,
            Reference(path="gatewayId", token="aws:ec2/internetGateway:InternetGateway"),
            Reference(path="natGatewayId", token="aws:ec2/natGateway:NatGateway", blocks=False),
        ),
    ),
    ResourceType(
        token="aws:ec2/routeTableAssociation:RouteTableAssociation",
        id=prefixed("rtbassoc"),
        replace=frozenset({"region", "subnetId", "gatewayId"}),
        computed=lambda situation: {"region": situation.region},
        references=(ROUTE_TABLE_ID, Reference(path="subnetId", token="aws:ec2/subnet:Subnet")),
    ),
    ResourceType(
        token="aws:ec2/vpcEndpoint:VpcEndpoint",
        id=prefixed("vpce"),
        named_by_tag=True,
        labels="tags",
        paid=_is_interface,
        replace=frozenset({"region", "vpcId", "serviceName", "vpcEndpointType", "serviceRegion"}),
        defaults={"vpcEndpointType": "Gateway"},
        computed=ec2("vpc-endpoint", _endpoint),
        references=(
            VPC_ID,
            Reference(path="subnetIds[*]", token="aws:ec2/subnet:Subnet"),
            Reference(path="routeTableIds[*]", token="aws:ec2/routeTable:RouteTable", blocks=False),
        ),
    ),
    ResourceType(
        token="aws:ec2/securityGroup:SecurityGroup",
        id=prefixed("sg"),
        name="name",
        labels="tags",
        scope=lambda situation: f"{situation.region}/{situation.text('vpcId')}",
        replace=frozenset({"region", "name", "namePrefix", "description", "vpcId"}),
        defaults={"description": "Managed by Pulumi"},
        computed=ec2("security-group", lambda _: OWNED),
        references=(VPC_ID,),
    ),
    ResourceType(
        token="aws:ec2/launchTemplate:LaunchTemplate",
        id=prefixed("lt"),
        name="name",
        labels="tags",
        rules=rules.launch_template,
        replace=frozenset({"region", "name", "namePrefix"}),
        computed=ec2("launch-template", _template),
    ),
    ResourceType(
        token="aws:ec2/capacityReservation:CapacityReservation",
        id=prefixed("cr"),
        named_by_tag=True,
        labels="tags",
        paid=always,
        rules=rules.reservation,
        usage=rules.reservation_usage,
        replace=frozenset({"region", "availabilityZone", "instanceType", "instancePlatform", "ebsOptimized", "tenancy", "ephemeralStorage", "outpostArn", "placementGroupArn"}),
        defaults={"endDateType": "unlimited", "instanceMatchCriteria": "open", "tenancy": "default"},
        computed=ec2("capacity-reservation", lambda _: OWNED),
    ),
)  # fmt: skip
IDENTITY = (
    ResourceType(
        token="aws:iam/role:Role",
        id=by("name"),
        name="name",
        labels="tags",
        is_global=True,
        scope=everywhere,
        replace=frozenset({"name", "namePrefix", "path"}),
        defaults={"path": "/", "maxSessionDuration": 3600, "forceDetachPolicies": False},
        computed=standard("iam", _path_and_name("role"), _role),
    ),
    ResourceType(
        token="aws:iam/rolePolicy:RolePolicy",
        id=by("role", "name"),
        name="name",
        is_global=True,
        scope=lambda situation: f"role/{situation.text('role')}",
        replace=frozenset({"role", "name", "namePrefix"}),
        references=(role_reference("role", "name", blocks=True),),
    ),
    ResourceType(
        token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        id=by("role", "policyArn", separator="/"),
        is_global=True,
        replace=frozenset({"role", "policyArn"}),
        references=(role_reference("role", "name", blocks=True),),
    ),
    ResourceType(
        token="aws:iam/instanceProfile:InstanceProfile",
        id=by("name"),
        name="name",
        labels="tags",
        is_global=True,
        scope=everywhere,
        replace=frozenset({"name", "namePrefix", "path"}),
        defaults={"path": "/"},
        computed=standard("iam", _path_and_name("instance-profile"), _profile),
        references=(role_reference("role", "name", blocks=True),),
    ),
    ResourceType(
        token="aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        id=lambda situation: (
            f"arn:aws:iam::{ACCOUNT}:oidc-provider/{situation.text('url').removeprefix('https://')}"
        ),
        labels="tags",
        is_global=True,
        replace=frozenset({"url"}),
        computed=lambda situation: {
            "arn": situation.id,
            "tagsAll": dict(situation.labels),
            "thumbprintLists": [stable_hex(situation.text("url"), 40)],
        },
    ),
)
KUBERNETES = (
    ResourceType(
        token="aws:eks/cluster:Cluster",
        id=by("name"),
        name="name",
        labels="tags",
        paid=always,
        rules=rules.cluster,
        replace=frozenset({
            "region", "name", "roleArn", "bootstrapSelfManagedAddons", "outpostConfig",
            "accessConfig.bootstrapClusterCreatorAdminPermissions", "kubernetesNetworkConfig.ipFamily",
            "kubernetesNetworkConfig.serviceIpv4Cidr",
        }),
        defaults={"bootstrapSelfManagedAddons": True, "deletionProtection": False},
        computed=standard("eks", lambda situation: f"cluster/{situation.id}", _cluster),
        references=(
            role_reference("roleArn", "arn", blocks=False),
            Reference(path="vpcConfig.subnetIds[*]", token="aws:ec2/subnet:Subnet"),
            Reference(path="vpcConfig.securityGroupIds[*]", token="aws:ec2/securityGroup:SecurityGroup"),
        ),
        protected_by="deletionProtection",
    ),
    ResourceType(
        token="aws:eks/nodeGroup:NodeGroup",
        id=by("clusterName", "nodeGroupName"),
        name="nodeGroupName",
        labels="tags",
        paid=always,
        scope=in_cluster,
        rules=rules.node_group,
        usage=rules.node_group_usage,
        replace=frozenset({
            "region", "amiType", "capacityType", "clusterName", "diskSize", "instanceTypes", "nodeGroupName",
            "nodeGroupNamePrefix", "nodeRoleArn", "remoteAccess", "subnetIds", "launchTemplate.id",
            "launchTemplate.name",
        }),
        computed=standard("eks", lambda situation: f"nodegroup/{situation.id.replace(':', '/')}/sandbox", _node_group),
        references=(
            CLUSTER_NAME,
            SUBNET_IDS,
            role_reference("nodeRoleArn", "arn", blocks=False),
            Reference(path="launchTemplate.id", token="aws:ec2/launchTemplate:LaunchTemplate"),
            Reference(path="launchTemplate.name", token="aws:ec2/launchTemplate:LaunchTemplate", keys=("name",)),
        ),
    ),
    ResourceType(
        token="aws:eks/addon:Addon",
        id=by("clusterName", "addonName"),
        name="addonName",
        labels="tags",
        autonamed=False,
        scope=in_cluster,
        replace=frozenset({"region", "clusterName", "addonName"}),
        computed=standard("eks", lambda situation: f"addon/{situation.id.replace(':', '/')}/sandbox", _addon),
        references=(CLUSTER_NAME, role_reference("serviceAccountRoleArn", "arn", blocks=False)),
    ),
    ResourceType(
        token="aws:eks/accessEntry:AccessEntry",
        id=by("clusterName", "principalArn"),
        labels="tags",
        replace=frozenset({"region", "clusterName", "principalArn", "type"}),
        defaults={"type": "STANDARD"},
        computed=_access_entry,
        references=(CLUSTER_NAME,),
    ),
    ResourceType(
        token="aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        id=by("clusterName", "principalArn", "policyArn", separator="#"),
        replace=frozenset({"region", "clusterName", "principalArn", "policyArn", "accessScope"}),
        computed=_policy_association,
        references=(CLUSTER_NAME,),
    ),
    ResourceType(
        token="aws:eks/podIdentityAssociation:PodIdentityAssociation",
        id=prefixed("a"),
        labels="tags",
        replace=frozenset({"region", "clusterName", "namespace", "serviceAccount"}),
        computed=_pod_identity,
        references=(CLUSTER_NAME, role_reference("roleArn", "arn", blocks=False)),
    ),
)  # fmt: skip
STORAGE = (
    ResourceType(
        token="aws:s3/bucket:Bucket",
        id=by("bucket"),
        name="bucket",
        labels="tags",
        paid=always,
        scope=everywhere,
        rules=rules.bucket,
        replace=frozenset({"region", "bucket", "bucketPrefix", "objectLockEnabled"}),
        defaults={"forceDestroy": False},
        computed=standard("s3", lambda situation: f"::{situation.id}".removeprefix("::"), _bucket),
    ),
    ResourceType(
        token="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        id=by("bucket"),
        replace=frozenset({"region", "bucket"}),
        computed=lambda situation: {"region": situation.region},
        references=(Reference(path="bucket", token="aws:s3/bucket:Bucket", keys=("id", "bucket")),),
    ),
)
TYPES: Mapping[str, ResourceType] = MappingProxyType(
    {kind.token: kind for kind in (*NETWORK, *IDENTITY, *KUBERNETES, *STORAGE)}
)
