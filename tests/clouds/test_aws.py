"""A plan's AWS cluster as the engine gets it."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from outlay.clouds import CloudOptions, provision
from outlay.clouds.aws.network import private_cidrs, public_cidrs
from outlay.clouds.aws.zones import ZONE_IDS, home_zones
from outlay.errors import InputError
from outlay.planning.plan import Cluster
from sandbox.schema import load_schema
from tests.clouds.builders import aws_cluster, plan, pool, spot_pool
from tests.clouds.recorder import Recorded, record, resolved
from tests.clouds.whole import whole

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
CLUSTER = "aws:eks/cluster:Cluster"
SUBNET = "aws:ec2/subnet:Subnet"
# Kinds that AWS gives no tags to.
UNTAGGED = {
    "aws:ec2/route:Route",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
}


def provisioned(
    cluster: Cluster | None = None, *, preview: bool = False, **options: Any
) -> Recorded:
    """Provision a cluster against mocks."""
    made = cluster or aws_cluster()
    return record(lambda: provision(plan(made), options=CloudOptions(**options)), preview=preview)


def group(recorded: Recorded, name: str) -> dict[str, Any]:
    """Return the inputs of the node group of a pool."""
    return recorded.of(NODE_GROUP)[f"outlay-dev-aws-us-east-1-{name}"]


@pytest.mark.parametrize("preview", [True, False])
def test_every_pool_is_one_node_group_whose_size_a_preview_knows(preview: bool) -> None:
    """Counts, machines, labels and taints are plain values, so that policies can price them."""
    recorded = provisioned(preview=preview)
    assert sorted(recorded.of(NODE_GROUP)) == [
        "outlay-dev-aws-us-east-1-cpu",
        "outlay-dev-aws-us-east-1-g6-xlarge-on-demand",
        "outlay-dev-aws-us-east-1-p5-48xlarge-spot",
    ]
    spot = group(recorded, "p5-48xlarge-spot")
    assert spot["instanceTypes"] == ["p5.48xlarge"]
    assert spot["capacityType"] == "SPOT"
    assert spot["amiType"] == "AL2023_x86_64_NVIDIA"
    assert spot["scalingConfig"] == {"minSize": 2, "desiredSize": 3, "maxSize": 5}
    assert spot["diskSize"] == 500
    assert spot["region"] == "us-east-1"
    assert spot["labels"] == {
        "outlay/pool": "p5-48xlarge-spot",
        "outlay/market": "spot",
        "outlay/gpu": "H100",
    }
    assert spot["taints"] == [
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"},
        {"key": "outlay/market", "value": "spot", "effect": "NO_SCHEDULE"},
    ]


def test_an_on_demand_pool_has_only_the_gpu_taint() -> None:
    bought = group(provisioned(), "g6-xlarge-on-demand")
    assert bought["capacityType"] == "ON_DEMAND"
    assert [taint["key"] for taint in bought["taints"]] == ["nvidia.com/gpu"]


def test_gpu_nodes_are_repaired_and_updated_without_a_spare() -> None:
    """A spare GPU node may be neither to be had nor in the budget."""
    recorded = provisioned()
    gpu, cpu = group(recorded, "g6-xlarge-on-demand"), group(recorded, "cpu")
    assert gpu["updateConfig"] == {"maxUnavailable": 1, "updateStrategy": "MINIMAL"}
    assert cpu["updateConfig"] == {"maxUnavailable": 1, "updateStrategy": "DEFAULT"}
    assert gpu["nodeRepairConfig"] == cpu["nodeRepairConfig"] == {"enabled": True}


def test_cpu_nodes_are_on_demand_without_gpu_image_or_taint() -> None:
    cpu = group(provisioned(), "cpu")
    assert (cpu["amiType"], cpu["capacityType"]) == ("AL2023_x86_64_STANDARD", "ON_DEMAND")
    assert cpu["scalingConfig"] == {"minSize": 2, "desiredSize": 2, "maxSize": 2}
    assert cpu["taints"] == []


def test_a_pool_that_forces_new_machines_gets_a_new_name_and_one_that_grows_keeps_it() -> None:
    """Only then can the new pool come before the old one goes."""

    def name_of(**changes: Any) -> str:
        cluster = aws_cluster(pools=(spot_pool(name="gpus", **changes),))
        return str(group(provisioned(cluster), "gpus")["nodeGroupName"])

    assert name_of() == name_of(nodes=4, max_nodes=9)
    others = {name_of(instance_type="p5e.48xlarge"), name_of(disk_gib=600)}
    assert len(others | {name_of()}) == 3


def test_the_control_plane_stays_in_standard_support_and_logs_who_did_what() -> None:
    """Extended support would cost six times as much, without a word."""
    cluster = provisioned(kubernetes_version="1.35").only(CLUSTER)
    assert cluster["name"] == "outlay-dev-aws-us-east-1"
    assert cluster["version"] == "1.35"
    assert cluster["upgradePolicy"] == {"supportType": "STANDARD"}
    assert cluster["accessConfig"]["authenticationMode"] == "API"
    assert cluster["enabledClusterLogTypes"] == ["audit", "authenticator"]
    assert cluster["region"] == "us-east-1"
    assert len(cluster["vpcConfig"]["subnetIds"]) == 3


@pytest.mark.parametrize("protected", [True, False])
def test_deletion_is_refused_where_the_environment_says_so(protected: bool) -> None:
    assert provisioned(protected=protected).only(CLUSTER)["deletionProtection"] is protected


def test_the_kubernetes_api_is_open_to_the_given_addresses() -> None:
    recorded = provisioned(api_cidrs=("192.0.2.0/24",))
    assert recorded.only(CLUSTER)["vpcConfig"]["publicAccessCidrs"] == ["192.0.2.0/24"]


def test_the_plan_pays_for_one_gateway_and_one_address() -> None:
    """Pricing counts exactly these as a cluster's standing cost."""
    recorded = provisioned()
    assert len(recorded.of("aws:ec2/natGateway:NatGateway")) == 1
    assert len(recorded.of("aws:ec2/eip:Eip")) == 1
    assert recorded.only("aws:ec2/vpcEndpoint:VpcEndpoint")["vpcEndpointType"] == "Gateway"


def test_everything_taggable_carries_the_cost_tags() -> None:
    for resource in provisioned().resources:
        if resource.typ.startswith("aws:") and resource.typ not in UNTAGGED:
            tags = resource.inputs["tags"]
            assert tags["outlay:project"] == "outlay", resource.name
            assert tags["outlay:stack"] == "dev", resource.name
            assert tags["Team"] == "Serving & Search", resource.name


def test_every_input_is_one_of_the_sdks() -> None:
    """Types declared without the SDK's class are held to the SDK's types all the same."""
    schema = load_schema("aws")
    failures = [
        f"{resource.typ} {resource.name}: {failure}"
        for resource in provisioned().resources
        if resource.typ.startswith("aws:")
        for failure in schema.check(resource.typ, whole(resource.inputs))
    ]
    assert failures == []


def test_the_kubeconfig_is_secret_and_asks_the_aws_command_for_a_token() -> None:
    cluster = aws_cluster()

    def kubeconfig() -> pulumi.Output[str]:
        return provision(plan(cluster), options=CloudOptions())[0].kubeconfig

    text, is_secret = resolved(kubeconfig)
    assert is_secret
    document = json.loads(text)
    assert document["clusters"][0]["cluster"]["server"] == "https://eks.example"
    command = document["users"][0]["user"]["exec"]
    assert [command["command"], *command["args"]] == [
        "aws",
        "--region",
        "us-east-1",
        "eks",
        "get-token",
        "--cluster-name",
        "outlay-dev-aws-us-east-1",
        "--output",
        "json",
    ]


def test_a_cluster_gives_its_pools_by_their_names_in_the_plan() -> None:
    """Serving waits for the pool that it runs on."""
    cluster = aws_cluster()
    names: list[str] = []
    record(lambda: names.extend(provision(plan(cluster), options=CloudOptions())[0].pools))
    assert names == ["cpu", "g6-xlarge-on-demand", "p5-48xlarge-spot"]


def test_a_plan_without_a_cpu_pool_has_only_gpu_pools() -> None:
    recorded = provisioned(aws_cluster(cpu_pool=None, pools=(pool(),)))
    assert list(recorded.of(NODE_GROUP)) == ["outlay-dev-aws-us-east-1-g6-xlarge-on-demand"]


def test_zones_are_named_by_id_and_two_or_three_of_them_used() -> None:
    """EKS needs two; ids name the same place in every account."""
    zones = {inputs["availabilityZoneId"] for inputs in provisioned().of(SUBNET).values()}
    assert zones == {"use1-az1", "use1-az2", "use1-az4"}
    assert {len(home_zones(region)) for region in ZONE_IDS} == {2, 3}


@pytest.mark.parametrize("refused", ["use1-az3", "usw1-az2", "cac1-az3"])
def test_no_zone_that_eks_refuses_is_in_the_table(refused: str) -> None:
    assert all(refused not in zones for zones in ZONE_IDS.values())


def test_every_region_that_sells_gpus_has_zones() -> None:
    """Whatever the planner may choose can be provisioned."""
    from outlay.catalog import load_catalog

    assert {r for provider, r in load_catalog().regions if provider == "aws"} <= set(ZONE_IDS)


def test_a_chosen_zone_moves_its_pool_and_adds_subnets_without_moving_others() -> None:
    """Another zone for one pool must not replace the network under the others."""
    before = provisioned().of(SUBNET)
    after = provisioned(gpu_zones={"us-east-1/p5.48xlarge": ("use1-az6",)})
    subnets = after.of(SUBNET)
    assert {name: subnets[name] for name in before} == before
    assert group(after, "p5-48xlarge-spot")["subnetIds"] == [
        "id:outlay-dev-aws-us-east-1-private-use1-az6"
    ]
    assert group(after, "cpu") == group(provisioned(), "cpu")


def test_subnets_never_overlap() -> None:
    """Ranges of all zones of the largest region, private and public."""
    ranges = [*private_cidrs(), *public_cidrs()]
    assert max(map(len, ZONE_IDS.values())) <= len(private_cidrs())
    assert not any(a.overlaps(b) for i, a in enumerate(ranges) for b in ranges[i + 1 :])


@pytest.mark.parametrize(
    ("cluster", "options", "message"),
    [
        (aws_cluster(region="us-east-9"), {}, "no availability zones of AWS region 'us-east-9'"),
        (
            aws_cluster(),
            {"gpu_zones": {"us-east-1": ("us-east-1a",)}},
            "gpuZones: us-east-1a is no zone id of us-east-1 .* use1-az1",
        ),
    ],
)
def test_a_place_that_does_not_exist_is_refused_before_anything_is_declared(
    cluster: Cluster, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        provision(plan(cluster), options=CloudOptions(**options))
