"""What the clouds refuse: each broken input alone, by property and reason."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.ledger import Ledger
from sandbox.values import UNKNOWN
from tests.sandbox import stacks
from tests.sandbox.client import Plugin, RefusedError
from tests.sandbox.stacks import ASSUME, LABELS, TAGS, node_config, node_group, node_pool

SUBNET = "aws:ec2/subnet:Subnet"


def accelerator(**changes: Any) -> dict[str, Any]:
    """Return a nodeConfig whose accelerator differs."""
    return node_config(guestAccelerators=[{"type": "nvidia-l4", "count": 1, **changes}])


def test_a_right_node_group_and_node_pool_pass(aws_checks: Plugin, gcp_checks: Plugin) -> None:
    assert aws_checks.failures(stacks.NODE_GROUP, node_group()) == {}
    assert gcp_checks.failures(stacks.NODE_POOL, node_pool()) == {}


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        (
            {"instanceTypos": ["x"]},
            "instanceTypos",
            'no such property; did you mean "instanceTypes"?',
        ),
        ({"diskSize": "50"}, "diskSize", "must be an integer, is a string: '50'"),
        ({"instanceTypes": "g6.2xlarge"}, "instanceTypes", "must be a list, is a string"),
        ({"clusterName": None}, "clusterName", "is required but was not given"),
        (
            {"scalingConfig": {"minSize": 1, "maxSize": 2}},
            "scalingConfig.desiredSize",
            "is required",
        ),
        (
            {"taints": [{"key": "a", "efect": "NO_SCHEDULE", "effect": "NO_SCHEDULE"}]},
            "taints[0].efect",
            'did you mean "effect"?',
        ),
        ({"tags": None}, "tags", "lack outlay:project and outlay:stack"),
        ({"tags": {"outlay:stack": "dev"}}, "tags", "lack outlay:project:"),
        ({"nodeGroupName": None}, "nodeGroupName", "every paid resource needs an explicit name"),
        ({"nodeGroupName": "-x"}, "nodeGroupName", "is no node group name"),
        ({"nodeGroupName": "x" * 64}, "nodeGroupName", "is no node group name"),
        ({"region": "us-west-9"}, "region", "AWS has no region 'us-west-9'; did you mean"),
        ({"instanceTypes": ["g6.2xlrge"]}, "instanceTypes[0]", 'did you mean "g6.2xlarge"?'),
        (
            {"instanceTypes": ["p5.48xlarge"], "region": "eu-north-1"},
            "instanceTypes[0]",
            "not sold",
        ),
        ({"region": "mx-central-1"}, "instanceTypes[0]", "g6.2xlarge is not sold in mx-central-1"),
        ({"capacityType": "spot"}, "capacityType", "one of ON_DEMAND, SPOT, CAPACITY_BLOCK"),
        ({"amiType": "AL2023_x86_64_NVIDA"}, "amiType", 'did you mean "AL2023_x86_64_NVIDIA"?'),
        ({"amiType": "AL2023_x86_64_STANDARD"}, "amiType", "carries no NVIDIA driver"),
        ({"amiType": None}, "amiType", "is required for the GPUs of g6.2xlarge"),
        (
            {"scalingConfig": {"desiredSize": 5, "minSize": 1, "maxSize": 4}},
            "scalingConfig.desiredSize",
            "must lie between minSize 1 and maxSize 4",
        ),
        (
            {"scalingConfig": {"desiredSize": 0, "minSize": 0, "maxSize": 0}},
            "scalingConfig",
            "maxSize ≥ 1",
        ),
        (
            {"taints": [{"key": "a", "effect": "NoSchedule"}]},
            "taints[0].effect",
            "must be spelled as EKS does: NO_SCHEDULE",
        ),
        ({"labels": {"a/b/c": "x"}}, "labels", "is no label key"),
        ({"labels": {"pool": "x" * 64}}, "labels.pool", "is no label value"),
    ],
)
def test_eks_refuses(aws_checks: Plugin, changes: dict[str, Any], path: str, reason: str) -> None:
    failures = aws_checks.failures(stacks.NODE_GROUP, node_group(**changes))
    assert reason in failures[path]
    assert failures[path].startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"name": "L4"}, "name", "lower-case letters, digits and -"),
        ({"name": "x" * 41}, "name", "1 to 40"),
        ({"name": None}, "name", "every paid resource needs an explicit name"),
        ({"location": "us-centrall1"}, "location", 'did you mean "us-central1"?'),
        ({"location": "us-central1-d"}, "location", "is no zone of us-central1"),
        ({"nodeLocations": ["us-east4-a"]}, "nodeLocations[0]", "is no zone of us-central1"),
        (
            {"nodeConfig": node_config(machineType="g2-standard-9")},
            "nodeConfig.machineType",
            "no machine",
        ),
        (
            {"nodeConfig": node_config(guestAccelerators=None)},
            "nodeConfig.guestAccelerators",
            "is required for g2-standard-8",
        ),
        (
            {"nodeConfig": accelerator(type="nvidia-tesla-t4")},
            "nodeConfig.guestAccelerators[0].type",
            "g2-standard-8 carries nvidia-l4, not 'nvidia-tesla-t4'",
        ),
        (
            {"nodeConfig": accelerator(count=2)},
            "nodeConfig.guestAccelerators[0].count",
            "carries 1 GPUs, not 2",
        ),
        (
            {"nodeConfig": accelerator(gpuDriverInstallationConfig={"gpuDriverVersion": "NEW"})},
            "nodeConfig.guestAccelerators[0].gpuDriverInstallationConfig.gpuDriverVersion",
            "must be one of DEFAULT, LATEST",
        ),
        (
            {"nodeConfig": node_config(machineType="e2-standard-8")},
            "nodeConfig.guestAccelerators",
            "takes no accelerators",
        ),
        (
            {
                "nodeConfig": node_config(
                    machineType="a3-ultragpu-8g",
                    guestAccelerators=[{"type": "nvidia-h200-141gb", "count": 8}],
                    diskType="pd-balanced",
                )
            },
            "nodeConfig.diskType",
            "takes no persistent disk",
        ),
        (
            {"nodeConfig": node_config(resourceLabels={**LABELS, "Team": "x"})},
            "nodeConfig.resourceLabels",
            "'Team' is no label key",
        ),
        (
            {"nodeConfig": node_config(resourceLabels={"outlay-stack": "dev"})},
            "nodeConfig.resourceLabels",
            "lack outlay-project",
        ),
        (
            {
                "nodeConfig": node_config(
                    taints=[{"key": "a", "value": "b", "effect": "NoSchedule"}]
                )
            },
            "nodeConfig.taints[0].effect",
            "must be spelled as GKE does",
        ),
        (
            {"autoscaling": {"minNodeCount": 3, "maxNodeCount": 2}},
            "autoscaling.minNodeCount",
            "between 0 and maxNodeCount (2)",
        ),
        (
            {"autoscaling": {"minNodeCount": 1, "totalMaxNodeCount": 2}},
            "autoscaling",
            "cannot be mixed",
        ),
        (
            {"autoscaling": {"locationPolicy": "SPREAD"}},
            "autoscaling.locationPolicy",
            "ANY or BALANCED",
        ),
    ],
)
def test_gke_refuses(gcp_checks: Plugin, changes: dict[str, Any], path: str, reason: str) -> None:
    assert reason in gcp_checks.failures(stacks.NODE_POOL, node_pool(**changes))[path]


def test_a_type_sold_by_reservation_only_passes_with_a_reservation(gcp_checks: Plugin) -> None:
    """a3-ultragpu-8g has no on-demand market; with its own reservation it can be had."""
    config = node_config(
        machineType="a3-ultragpu-8g",
        spot=None,
        diskType="hyperdisk-balanced",
        guestAccelerators=[{"type": "nvidia-h200-141gb", "count": 8}],
    )
    reserved = {
        "consumeReservationType": "SPECIFIC_RESERVATION",
        "key": "compute.googleapis.com/reservation-name",
        "values": ["mine"],
    }
    changes = {"location": "us-east4", "nodeLocations": ["us-east4-a"]}
    bare = gcp_checks.failures(stacks.NODE_POOL, node_pool(**changes, nodeConfig=config))
    held = node_pool(**changes, nodeConfig={**config, "reservationAffinity": reserved})
    assert "nodeConfig.machineType" in bare
    assert gcp_checks.failures(stacks.NODE_POOL, held) == {}


def test_only_the_mega_variant_takes_the_mega_accelerator(gcp_checks: Plugin) -> None:
    def refused(machine: str, kind: str) -> bool:
        config = node_config(machineType=machine, guestAccelerators=[{"type": kind, "count": 8}])
        path = "nodeConfig.guestAccelerators[0].type"
        return path in gcp_checks.failures(stacks.NODE_POOL, node_pool(nodeConfig=config))

    assert refused("a3-megagpu-8g", "nvidia-h100-80gb")
    assert refused("a3-highgpu-8g", "nvidia-h100-mega-80gb")
    assert not refused("a3-megagpu-8g", "nvidia-h100-mega-80gb")
    assert not refused("a3-highgpu-8g", "nvidia-h100-80gb")


@pytest.mark.parametrize(
    ("token", "inputs", "path", "reason"),
    [
        ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/8"}, "cidrBlock", "must be a /16 to a /28"),
        ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.1/16"}, "cidrBlock", "is no address range"),
        (
            SUBNET,
            {"vpcId": "v", "availabilityZone": "us-west-2e"},
            "availabilityZone",
            "is no zone",
        ),
        (
            SUBNET,
            {"vpcId": "v", "availabilityZoneId": "usw2-az5"},
            "availabilityZoneId",
            "is no zone",
        ),
        ("aws:ec2/eip:Eip", {"tags": TAGS}, "tags.Name", "needs an explicit name"),
        ("aws:s3/bucket:Bucket", {"bucket": "No", "tags": TAGS}, "bucket", "is no bucket name"),
        (
            stacks.EKS,
            {"name": "llm", "roleArn": "r", "vpcConfig": {"subnetIds": ["one"]}, "tags": TAGS},
            "vpcConfig.subnetIds",
            "at least two availability zones",
        ),
        (
            stacks.EKS,
            {"name": "a b", "roleArn": "r", "vpcConfig": {"subnetIds": ["a", "b"]}, "tags": TAGS},
            "name",
            "is no EKS cluster name",
        ),
    ],
)
def test_aws_refuses(
    aws_checks: Plugin, token: str, inputs: dict[str, Any], path: str, reason: str
) -> None:
    assert reason in aws_checks.failures(token, inputs)[path]


def test_a_control_plane_needs_two_zones_and_none_that_eks_refuses(aws: Plugin) -> None:
    vpc = aws.create("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16", "region": "us-east-1"})

    def subnets(*zones: str) -> dict[str, str]:
        ids = [
            aws.create(
                SUBNET, {"vpcId": vpc.id, "availabilityZoneId": zone, "region": "us-east-1"}
            ).id
            for zone in zones
        ]
        cluster = {"name": "llm", "roleArn": "r", "vpcConfig": {"subnetIds": ids}, "tags": TAGS}
        return aws.failures(stacks.EKS, {**cluster, "region": "us-east-1"})

    assert subnets("use1-az1", "use1-az2") == {}
    assert "at least two" in subnets("use1-az1", "use1-az1")["vpcConfig.subnetIds"]
    assert "use1-az3" in subnets("use1-az1", "use1-az3")["vpcConfig.subnetIds"]


def test_a_gke_cluster_needs_first_nodes(gcp_checks: Plugin) -> None:
    cluster = {"name": "llm", "location": "us-central1", "resourceLabels": LABELS}
    failures = gcp_checks.failures(stacks.GKE, cluster)
    assert "removeDefaultNodePool" in failures["initialNodeCount"]


def test_tags_of_the_provider_count(aws: Plugin) -> None:
    aws.configure(
        region="us-west-2",
        defaultTags='{"tags": {"outlay:project": "tiny", "outlay:stack": "dev"}}',
    )
    assert aws.failures(stacks.NODE_GROUP, node_group(tags=None)) == {}


def test_a_missing_region_or_project_is_named(aws: Plugin, gcp: Plugin) -> None:
    aws.configure()
    gcp.configure()
    assert "set aws:region" in aws.failures("aws:ec2/vpc:Vpc", {})["region"]
    assert "set gcp:project" in gcp.failures("gcp:compute/network:Network", {})["project"]


def test_a_wrong_provider_region_is_named(aws_checks: Plugin, gcp_checks: Plugin) -> None:
    assert 'did you mean "us-west-' in aws_checks.check_config(region="us-west-7")["region"]
    assert "no region" in gcp_checks.check_config(region="mars-1")["region"]
    assert aws_checks.check_config(region="us-west-2") == {}


@pytest.mark.parametrize("token", ["aws:ec2/vpcc:Vpcc", "aws:rds/instance:Instance"])
def test_an_unknown_type_is_refused_by_name(aws_checks: Plugin, token: str) -> None:
    with pytest.raises(RefusedError, match=f"no resource type {token}") as refused:
        aws_checks.failures(token, {})
    assert refused.value.code == "INVALID_ARGUMENT"


def test_an_unknown_function_is_refused_never_answered_empty(aws_checks: Plugin) -> None:
    with pytest.raises(RefusedError, match="the sandbox has no function aws:ec2/getVpc:getVpc"):
        aws_checks.invoke("aws:ec2/getVpc:getVpc")


def test_an_unknown_argument_of_a_function_is_refused(aws_checks: Plugin) -> None:
    with pytest.raises(RefusedError, match="has no argument stat"):
        aws_checks.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", stat="available")


def test_functions_answer_as_the_region_is(aws_checks: Plugin, gcp_checks: Plugin) -> None:
    zones = aws_checks.invoke(
        "aws:index/getAvailabilityZones:getAvailabilityZones", region="us-west-1"
    )
    assert zones["names"] == ["us-west-1a", "us-west-1c"]
    assert zones["zoneIds"] == ["usw1-az1", "usw1-az3"]
    assert gcp_checks.invoke("gcp:compute/getZones:getZones", region="us-east1")["names"] == [
        "us-east1-b",
        "us-east1-c",
        "us-east1-d",
    ]


def test_a_policy_document_reads_as_iam_writes_it(aws_checks: Plugin) -> None:
    answer = aws_checks.invoke(
        "aws:iam/getPolicyDocument:getPolicyDocument",
        statements=[
            {
                "actions": ["sts:AssumeRole"],
                "principals": [{"type": "Service", "identifiers": ["eks.amazonaws.com"]}],
            }
        ],
    )
    assert answer["minifiedJson"] == (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
        '"Principal":{"Service":"eks.amazonaws.com"}}]}'
    )


def test_a_name_is_taken_once(aws: Plugin) -> None:
    pool = stacks.eks_pool(aws)
    with pytest.raises(RefusedError) as refused:
        aws.create(stacks.NODE_GROUP, pool.inputs, name="other")
    assert refused.value.code == "ALREADY_EXISTS"
    assert (
        "ResourceInUseException: l4-spot already exists with id llm:l4-spot"
        in refused.value.message
    )


def test_the_same_name_in_another_region_is_another_resource(aws: Plugin) -> None:
    role = {"name": "lt"}
    west = aws.create("aws:ec2/launchTemplate:LaunchTemplate", role)
    east = aws.create("aws:ec2/launchTemplate:LaunchTemplate", {**role, "region": "us-east-1"})
    assert (west.outputs["region"], east.outputs["region"]) == ("us-west-2", "us-east-1")
    with pytest.raises(RefusedError, match="already exists"):
        aws.create("aws:ec2/launchTemplate:LaunchTemplate", {**role, "region": "us-east-1"})


def test_paid_resources_known_by_their_tag_have_no_twin(aws: Plugin) -> None:
    inputs = {"tags": {**TAGS, "Name": "nat"}}
    aws.create("aws:ec2/eip:Eip", inputs)
    with pytest.raises(RefusedError, match="nat already exists"):
        aws.create("aws:ec2/eip:Eip", inputs)


def test_a_bucket_name_is_taken_in_the_whole_world(aws: Plugin) -> None:
    inputs = {"bucket": "weights", "tags": TAGS}
    aws.create("aws:s3/bucket:Bucket", inputs)
    with pytest.raises(RefusedError, match="weights already exists"):
        aws.create("aws:s3/bucket:Bucket", {**inputs, "region": "us-east-1"})


def test_free_resources_get_a_random_name_and_keep_it(aws_checks: Plugin) -> None:
    first = aws_checks.check("aws:iam/role:Role", {"assumeRolePolicy": ASSUME}, name="node")
    again, _ = aws_checks.check_raw(
        "aws:iam/role:Role", {"assumeRolePolicy": ASSUME}, name="node", olds=first
    )
    assert first["name"].startswith("node-")
    assert again["name"] == first["name"]


def test_a_name_prefix_is_kept(aws_checks: Plugin) -> None:
    inputs = {"assumeRolePolicy": ASSUME, "namePrefix": "node-of-"}
    assert aws_checks.check("aws:iam/role:Role", inputs)["name"].startswith("node-of-")


def test_any_input_may_be_unknown(aws_checks: Plugin, gcp_checks: Plugin) -> None:
    """In a preview it may come out of another resource."""
    for key in node_group():
        assert aws_checks.failures(stacks.NODE_GROUP, node_group(**{key: UNKNOWN})) == {}, key
    for key in node_pool():
        assert gcp_checks.failures(stacks.NODE_POOL, node_pool(**{key: UNKNOWN})) == {}, key
    for key in node_config():
        inputs = node_pool(nodeConfig=node_config(**{key: UNKNOWN}))
        assert gcp_checks.failures(stacks.NODE_POOL, inputs) == {}, key
    cluster = {"name": "llm", "roleArn": "r", "tags": TAGS}
    for subnets in (UNKNOWN, [UNKNOWN, UNKNOWN]):
        inputs = {**cluster, "vpcConfig": {"subnetIds": subnets}}
        assert aws_checks.failures(stacks.EKS, inputs) == {}


def test_any_input_may_be_unknown_in_a_created_preview(
    aws_checks: Plugin, gcp_checks: Plugin
) -> None:
    for key in node_group():
        assert aws_checks.preview(stacks.NODE_GROUP, node_group(**{key: UNKNOWN}))[key] == UNKNOWN
    for key in node_pool():
        assert gcp_checks.preview(stacks.NODE_POOL, node_pool(**{key: UNKNOWN}))[key] == UNKNOWN


def test_what_is_named_must_exist_and_in_the_same_region(aws: Plugin) -> None:
    vpc = aws.create("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"})
    for inputs in ({"vpcId": "vpc-nowhere"}, {"vpcId": vpc.id, "region": "us-east-1"}):
        with pytest.raises(RefusedError, match="vpcId names") as refused:
            aws.create(SUBNET, inputs)
        assert refused.value.code == "NOT_FOUND"


def test_what_is_still_needed_cannot_be_deleted(aws: Plugin) -> None:
    vpc, _ = stacks.eks_network(aws)
    with pytest.raises(RefusedError, match=f"DependencyViolation: {vpc.id} is still used by"):
        aws.delete(vpc)


def test_a_protected_cluster_is_not_deleted(gcp: Plugin) -> None:
    """GKE's protection is on unless the program says otherwise."""
    cluster = stacks.gke_cluster(gcp, deletionProtection=None)
    with pytest.raises(RefusedError, match="deletionProtection is true; set it to false"):
        gcp.delete(cluster)


def test_capacity_is_what_the_region_has_in_all(aws: Plugin, ledger: Ledger) -> None:
    ledger.set_capacity(package="aws", region="us-west-2", sku="g6.2xlarge", market="spot", nodes=3)
    pool = stacks.eks_pool(aws)
    three = {"minSize": 1, "desiredSize": 3, "maxSize": 4}
    aws.update(pool, {**pool.inputs, "scalingConfig": three})
    with pytest.raises(RefusedError) as refused:
        aws.update(pool, {**pool.inputs, "scalingConfig": {**three, "desiredSize": 4}})
    assert refused.value.code == "RESOURCE_EXHAUSTED"
    assert (
        "InsufficientInstanceCapacity: us-west-2 has 0 free g6.2xlarge" in refused.value.message
        or "has 3 free" in refused.value.message
    )


def test_quota_counts_in_the_preview_already(aws: Plugin, ledger: Ledger) -> None:
    ledger.set_quota(package="aws", region="us-west-2", market="spot", unit="gpus", amount=1)
    with pytest.raises(RefusedError, match="QuotaExceeded: 2 more spot gpus") as refused:
        aws.preview(stacks.NODE_GROUP, node_group())
    assert refused.value.code == "RESOURCE_EXHAUSTED"


def test_quota_of_another_market_does_not_count(aws: Plugin, ledger: Ledger) -> None:
    ledger.set_quota(package="aws", region="us-west-2", market="on-demand", unit="gpus", amount=0)
    assert aws.preview(stacks.NODE_GROUP, node_group())["capacityType"] == "SPOT"


def test_nodes_of_a_regional_pool_count_in_every_zone(gcp: Plugin, ledger: Ledger) -> None:
    """A count of 2 over two zones takes 4 machines of the region."""
    where = {"package": "gcp", "region": "us-central1", "sku": "g2-standard-8", "market": "spot"}
    ledger.set_capacity(**where, nodes=3)
    zones = ["us-central1-a", "us-central1-b"]
    with pytest.raises(RefusedError, match="ZONE_RESOURCE_POOL_EXHAUSTED"):
        stacks.gke_pool(gcp, nodeLocations=zones)
    ledger.set_capacity(**where, nodes=4)
    cluster = next(made for made in gcp.made if made.token == stacks.GKE)
    gcp.create(stacks.NODE_POOL, node_pool(cluster=cluster.id, nodeLocations=zones))
    (pool,) = ledger.records(stacks.NODE_POOL)
    assert (pool.usage.nodes, pool.usage.gpus, pool.usage.vcpus) == (4, 4, 32)
