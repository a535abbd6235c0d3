"""Every covered type lives its whole life: made complete, read, imported, changed, deleted."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from sandbox import aws_types, azure_types, gcp_types
from sandbox import coreweave as coreweave_types
from sandbox.ledger import Ledger
from sandbox.protocol import to_props
from sandbox.schema import load_schema
from sandbox.values import UNKNOWN_TEXTS
from tests.sandbox import stacks
from tests.sandbox.client import Made, Plugin
from tests.sandbox.stacks import ASSUME, LABELS, TAGS

VPC = "aws:ec2/vpc:Vpc"


def every_aws(aws: Plugin) -> None:
    """Make one resource of every AWS type."""
    pool = stacks.eks_pool(aws)
    made = {item.token: item for item in aws.made}
    vpc, subnet, role = made[VPC].id, made["aws:ec2/subnet:Subnet"].id, "node"
    named = {**TAGS, "Name": "one"}
    gateway = aws.create("aws:ec2/internetGateway:InternetGateway", {"vpcId": vpc})
    address = aws.create("aws:ec2/eip:Eip", {"domain": "vpc", "tags": named})
    nat = aws.create(
        "aws:ec2/natGateway:NatGateway",
        {"allocationId": address.id, "subnetId": subnet, "tags": named},
    )
    table = aws.create("aws:ec2/routeTable:RouteTable", {"vpcId": vpc})
    route = {"routeTableId": table.id, "destinationCidrBlock": "0.0.0.0/0"}
    aws.create("aws:ec2/route:Route", {**route, "gatewayId": gateway.id})
    aws.create(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        {"routeTableId": table.id, "subnetId": subnet},
    )
    aws.create(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        {"vpcId": vpc, "serviceName": "com.amazonaws.us-west-2.s3", "routeTableIds": [table.id]},
    )
    aws.create("aws:ec2/securityGroup:SecurityGroup", {"vpcId": vpc})
    aws.create("aws:ec2/launchTemplate:LaunchTemplate", {"name": "gpu"})
    aws.create(
        "aws:ec2/capacityReservation:CapacityReservation",
        {
            "availabilityZone": "us-west-2a",
            "instanceCount": 1,
            "instancePlatform": "Linux/UNIX",
            "instanceType": "p5.48xlarge",
            "tags": named,
        },
    )
    aws.create("aws:iam/rolePolicy:RolePolicy", {"role": role, "policy": ASSUME})
    aws.create(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment", {"role": role, "policyArn": "p"}
    )
    aws.create("aws:iam/instanceProfile:InstanceProfile", {"role": role})
    issuer = made[stacks.EKS].outputs["identities"][0]["oidcs"][0]["issuer"]
    aws.create(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        {"url": issuer, "clientIdLists": ["sts.amazonaws.com"]},
    )
    inside: dict[str, Any] = {"clusterName": "llm"}
    principal = {"principalArn": "arn:aws:iam::000000000000:role/me"}
    aws.create("aws:eks/addon:Addon", {**inside, "addonName": "vpc-cni"})
    aws.create("aws:eks/accessEntry:AccessEntry", {**inside, **principal})
    aws.create(
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        {**inside, **principal, "policyArn": "p", "accessScope": {"type": "cluster"}},
    )
    aws.create(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        {
            **inside,
            "namespace": "llm-d",
            "serviceAccount": "vllm",
            "roleArn": pool.inputs["nodeRoleArn"],
        },
    )
    aws.create("aws:s3/bucket:Bucket", {"bucket": "weights", "tags": TAGS})
    aws.create("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", {"bucket": "weights"})
    assert nat.outputs["publicIp"] == address.outputs["publicIp"]


def every_gcp(gcp: Plugin) -> None:
    """Make one resource of every Google Cloud type."""
    account = gcp.create("gcp:serviceaccount/account:Account", {"accountId": "llm-nodes"})
    config = stacks.node_config(serviceAccount=account.outputs["email"])
    stacks.gke_pool(gcp, nodeConfig=config)
    network = "llm"
    address = gcp.create("gcp:compute/address:Address", {"name": "nat", "labels": LABELS})
    router = gcp.create("gcp:compute/router:Router", {"name": "llm", "network": network})
    gcp.create(
        "gcp:compute/routerNat:RouterNat",
        {
            "name": "nat",
            "router": router.outputs["name"],
            "natIps": [address.outputs["selfLink"]],
            "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
        },
    )
    gcp.create(
        "gcp:compute/firewall:Firewall", {"network": network, "allows": [{"protocol": "tcp"}]}
    )
    member = {"role": "roles/viewer", "member": account.outputs["member"]}
    gcp.create("gcp:projects/iAMMember:IAMMember", {"project": "sandbox-project", **member})
    gcp.create("gcp:projects/service:Service", {"service": "container.googleapis.com"})
    gcp.create("gcp:storage/bucket:Bucket", {"name": "weights", "location": "US", "labels": LABELS})
    gcp.create("gcp:storage/bucketIAMMember:BucketIAMMember", {"bucket": "weights", **member})


def every_azure(azure: Plugin) -> None:
    """Make one resource of every Azure type."""
    pool = stacks.aks_pool(azure)
    inside = {"resourceGroupName": "llm", "location": "eastus", "tags": TAGS}
    identity = azure.create(
        "azure-native:managedidentity:UserAssignedIdentity", {**inside, "resourceName": "llm"}
    )
    azure.create(
        "azure-native:authorization:RoleAssignment",
        {
            "roleAssignmentName": "11111111-2222-3333-4444-555555555555",
            "principalId": identity.outputs["principalId"],
            "roleDefinitionId": "role",
            "scope": pool.id,
        },
    )
    group = {**inside, "capacityReservationGroupName": "held"}
    azure.create("azure-native:compute:CapacityReservationGroup", group)
    azure.create(
        "azure-native:compute:CapacityReservation",
        {
            **group,
            "capacityReservationName": "t4",
            "sku": {"name": "Standard_NC4as_T4_v3", "capacity": 1},
        },
    )


def every_coreweave(coreweave: Plugin) -> None:
    """Make one resource of every CoreWeave type."""
    stacks.cks_cluster(coreweave)


EVERY = {
    "aws": every_aws,
    "gcp": every_gcp,
    "azure": every_azure,
    "coreweave": every_coreweave,
}


def test_every_coreweave_type_answers_every_output_that_the_sdk_promises(
    coreweave: Plugin,
) -> None:
    every_coreweave(coreweave)
    assert {made.token for made in coreweave.made} == set(coreweave_types.TYPES)
    assert holes(coreweave.made, "coreweave") == []


def test_every_azure_type_answers_every_output_that_the_sdk_promises(azure: Plugin) -> None:
    every_azure(azure)
    assert {made.token for made in azure.made} == set(azure_types.TYPES)
    assert holes(azure.made, "azure-native") == []


def test_every_aws_type_answers_every_output_that_the_sdk_promises(aws: Plugin) -> None:
    every_aws(aws)
    assert {made.token for made in aws.made} == set(aws_types.TYPES)
    assert holes(aws.made, "aws") == []


def test_every_gcp_type_answers_every_output_that_the_sdk_promises(gcp: Plugin) -> None:
    every_gcp(gcp)
    assert {made.token for made in gcp.made} == set(gcp_types.TYPES)
    assert holes(gcp.made, "gcp") == []


def holes(resources: list[Made], package: str) -> list[str]:
    """Return the promised outputs that are missing, or that only a filler gave."""
    schema = load_schema(package)
    missing = []
    for made in resources:
        for name, row in schema.resources[made.token]["outputs"].items():
            if row.get("required") and made.outputs.get(name) is None:
                missing.append(f"{made.token}: {name}")
        unruled = schema.computed(made.token) - set(made.outputs)
        missing += [f"{made.token}: {name} is computed by no rule" for name in unruled]
    return missing


@pytest.mark.parametrize("package", EVERY)
def test_everything_can_be_read_imported_and_deleted_in_reverse_order(
    package: str, request: pytest.FixtureRequest, ledger: Ledger
) -> None:
    """A refresh changes nothing, an import finds the inputs, and the ledger ends empty."""
    plugin: Plugin = request.getfixturevalue(package)
    EVERY[package](plugin)
    for made in plugin.made:
        refreshed = plugin.read(made.token, made.id, inputs=made.inputs, outputs=made.outputs)
        assert to_props(refreshed.inputs) == made.inputs
        assert to_props(refreshed.properties) == made.outputs
        imported = to_props(plugin.read(made.token, made.id).inputs)
        assert imported == {key: value for key, value in made.inputs.items() if key != "__defaults"}
    for made in reversed(plugin.made):
        plugin.delete(made)
    assert ledger.records() == []


@pytest.mark.parametrize("package", EVERY)
def test_everything_is_unchanged_against_its_own_inputs(
    package: str, request: pytest.FixtureRequest
) -> None:
    """A second `up` of the same program does nothing."""
    plugin: Plugin = request.getfixturevalue(package)
    EVERY[package](plugin)
    for made in plugin.made:
        given = {k: v for k, v in made.inputs.items() if k not in made.inputs.get("__defaults", [])}
        again, _ = plugin.check_raw(made.token, given, olds=made.inputs)
        response = plugin.diff(made, again)
        assert (response.changes, list(response.diffs)) == (response.DIFF_NONE, []), made.token


def test_a_preview_knows_the_inputs_and_leaves_the_rest_unknown(aws: Plugin) -> None:
    outputs = aws.preview(VPC, {"cidrBlock": "10.0.0.0/16", "tags": TAGS})
    assert outputs["cidrBlock"] == "10.0.0.0/16"
    assert outputs["enableDnsSupport"] is True
    assert outputs["arn"] in UNKNOWN_TEXTS
    assert outputs["defaultSecurityGroupId"] in UNKNOWN_TEXTS


def test_an_import_may_name_the_region(aws: Plugin) -> None:
    """The AWS provider writes `id@region` for what lies outside its own region."""
    east = aws.create(VPC, {"cidrBlock": "10.0.0.0/16", "region": "us-east-1"})
    assert aws.read(VPC, f"{east.id}@us-east-1").id == east.id
    assert aws.read(VPC, f"{east.id}@us-east-2").id == ""


def test_a_cluster_made_again_has_another_address(aws: Plugin) -> None:
    """So that objects of the old one are not taken for objects of the new one."""
    cluster, _, _ = stacks.eks_cluster(aws)
    aws.delete(cluster)
    again = aws.create(stacks.EKS, cluster.inputs)
    assert again.outputs["endpoint"] != cluster.outputs["endpoint"]


def test_a_preview_makes_nothing(aws: Plugin, ledger: Ledger) -> None:
    aws.preview(VPC, {"cidrBlock": "10.0.0.0/16"})
    assert ledger.records() == []


def test_a_read_of_what_is_gone_answers_without_an_id(aws: Plugin) -> None:
    assert aws.read(VPC, "vpc-1", inputs={"cidrBlock": "10.0.0.0/16"}).id == ""


def test_a_delete_of_what_is_gone_succeeds(aws: Plugin) -> None:
    vpc = aws.create(VPC, {"cidrBlock": "10.0.0.0/16"})
    aws.delete(vpc)
    aws.delete(vpc)


def test_an_update_keeps_what_the_cloud_computed(aws: Plugin) -> None:
    pool = stacks.eks_pool(aws)
    bigger = {"minSize": 1, "desiredSize": 3, "maxSize": 4}
    updated = aws.update(pool, {**pool.inputs, "scalingConfig": bigger})
    assert updated.outputs == {**pool.outputs, "scalingConfig": bigger}


def test_nothing_can_be_taken_for_a_real_account(aws: Plugin, gcp: Plugin) -> None:
    """Account 000000000000, generated ids with a marker, endpoints under .sandbox.invalid."""
    every_aws(aws)
    every_gcp(gcp)
    cluster = next(made for made in aws.made if made.token == stacks.EKS)
    gke = next(made for made in gcp.made if made.token == stacks.GKE)
    assert aws.invoke("aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == "0" * 12
    assert cluster.outputs["arn"] == "arn:aws:eks:us-west-2:000000000000:cluster/llm"
    assert cluster.outputs["endpoint"].endswith(".us-west-2.eks.sandbox.invalid")
    assert gke.outputs["endpoint"].endswith(".us-central1.gke.sandbox.invalid")
    authority = cluster.outputs["certificateAuthority"]["data"]
    assert base64.b64decode(authority) == b"outlay sandbox: no certificate\n"
    assert next(made.id for made in aws.made if made.token == VPC).startswith("vpc-sandbox")
    for made in gcp.made:
        assert "googleapis.com/compute" not in str(made.outputs)
