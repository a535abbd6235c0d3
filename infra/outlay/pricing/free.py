"""Types that cost nothing by themselves, each with its reason. What is not listed is not free."""

from __future__ import annotations

from outlay.pricing.rules import Rule, free

IDENTITY = "identity and access rules are not charged"
NETWORK = "networks, routes and firewall rules are not charged"
SETTING = "a setting of another resource"
LOGICAL = "exists only in the Pulumi program"

_BY_REASON: dict[str, tuple[str, ...]] = {
    NETWORK: (
        "aws:ec2/defaultRouteTable",
        "aws:ec2/defaultSecurityGroup",
        "aws:ec2/egressOnlyInternetGateway",
        "aws:ec2/internetGateway",
        "aws:ec2/mainRouteTableAssociation",
        "aws:ec2/networkAcl",
        "aws:ec2/networkAclRule",
        "aws:ec2/placementGroup",
        "aws:ec2/route",
        "aws:ec2/routeTable",
        "aws:ec2/routeTableAssociation",
        "aws:ec2/securityGroup",
        "aws:ec2/securityGroupRule",
        "aws:ec2/subnet",
        "aws:ec2/vpc",
        "aws:ec2/vpcDhcpOptions",
        "aws:ec2/vpcDhcpOptionsAssociation",
        "aws:ec2/vpcEndpointRouteTableAssociation",
        "aws:vpc/securityGroupEgressRule",
        "aws:vpc/securityGroupIngressRule",
        "azure-native:network:NetworkSecurityGroup",
        "azure-native:network:Route",
        "azure-native:network:RouteTable",
        "azure-native:network:SecurityRule",
        "azure-native:network:Subnet",
        "azure-native:network:VirtualNetwork",
        "gcp:compute/firewall",
        "gcp:compute/network",
        "gcp:compute/resourcePolicy",
        "gcp:compute/route",
        "gcp:compute/router",
        "gcp:compute/subnetwork",
    ),
    IDENTITY: (
        "aws:ec2/keyPair",
        "aws:eks/accessEntry",
        "aws:eks/accessPolicyAssociation",
        "aws:eks/podIdentityAssociation",
        "aws:s3/bucketPolicy",
        "aws:s3/bucketPublicAccessBlock",
        "azure-native:authorization:RoleAssignment",
        "azure-native:managedidentity:UserAssignedIdentity",
        "gcp:storage/bucketIAMBinding",
        "gcp:storage/bucketIAMMember",
    ),
    SETTING: (
        "aws:ec2/eipAssociation",
        "aws:ec2/tag",
        "aws:ec2/volumeAttachment",
        "aws:eks/addon",
        "aws:lb/listener",
        "aws:lb/listenerRule",
        "aws:lb/targetGroup",
        "aws:lb/targetGroupAttachment",
        "aws:s3/bucketLifecycleConfiguration",
        "aws:s3/bucketOwnershipControls",
        "aws:s3/bucketServerSideEncryptionConfiguration",
        "aws:s3/bucketVersioning",
        "azure-native:compute:CapacityReservationGroup",
        "azure-native:resources:ResourceGroup",
        "coreweave:index/objectStorageBucketLifecycleConfiguration",
        "coreweave:index/objectStorageBucketPolicy",
        "coreweave:index/objectStorageBucketSettings",
        "coreweave:index/objectStorageBucketVersioning",
        "coreweave:index/objectStorageOrganizationAccessPolicy",
        "gcp:compute/attachedDisk",
        "gcp:projects/service",
    ),
}

RULES: dict[str, Rule] = {
    kind: free(reason) for reason, kinds in _BY_REASON.items() for kind in kinds
}

# Whole packages and modules, by the text that their types begin with.
PREFIXES: dict[str, Rule] = {
    "aws:iam/": free(IDENTITY),
    "gcp:projects/iAM": free(IDENTITY),
    "gcp:serviceaccount/": free(IDENTITY),
    "pulumi:providers:": free(LOGICAL),
    "pulumi:pulumi:": free(LOGICAL),
    "random:": free(LOGICAL),
    "tls:": free(LOGICAL),
}


def rule_for(kind: str) -> Rule | None:
    """Return the rule of a type that is listed as free, or None."""
    rule = RULES.get(kind)
    if rule is not None:
        return rule
    return next((rule for prefix, rule in PREFIXES.items() if kind.startswith(prefix)), None)
