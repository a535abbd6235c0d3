"""GCP resources cost what the price book says, to the last digit, or say why they have no price."""

from __future__ import annotations

from decimal import Decimal

import pytest

from outlay.pricing.inputs import UNKNOWN
from outlay.pricing.price import price
from outlay.pricing.types import Category, Cost, Free, Price, Unpriced
from tests.pricing.book import RATES, cost, line

CLUSTER = "gcp:container/cluster:Cluster"
NODE_POOL = "gcp:container/nodePool:NodePool"
INSTANCE = "gcp:compute/instance:Instance"
CONFIG: dict[str, object] = {"machineType": "g2-standard-4", "diskSizeGb": 100.0}
POOL: dict[str, object] = {
    "location": "us-central1",
    "nodeLocations": ["us-central1-a", "us-central1-b"],
    "nodeCount": 1.0,
    "nodeConfig": CONFIG,
}
MACHINE: dict[str, object] = {
    "zone": "us-central1-a",
    "machineType": "g2-standard-4",
    "bootDisk": {"initializeParams": {"size": 100, "type": "pd-balanced"}},
}


def gcp(resource_type: str, inputs: dict[str, object], region: str | None = None) -> Price:
    return price(resource_type, inputs, rates=RATES, region=region)


def money(found: Price) -> tuple[Decimal, Decimal, Decimal]:
    assert isinstance(found, Cost), found
    return found.low, found.expected, found.high


def test_a_pool_runs_its_count_in_each_zone() -> None:
    assert gcp(NODE_POOL, POOL) == cost(
        "1.6",
        "1.6",
        "1.6",
        line("nodes: 2 g2-standard-4 on-demand", Category.GPU, "1.4"),
        line("disks: 2 of 100 GiB", Category.STORAGE, "0.2"),
    )


def test_a_pool_in_one_zone_runs_its_count_once() -> None:
    inputs = POOL | {"location": "us-central1-a", "nodeLocations": None}
    assert money(gcp(NODE_POOL, inputs))[1] == Decimal("0.8")


def test_the_zones_count_though_their_names_are_unknown() -> None:
    assert money(gcp(NODE_POOL, POOL | {"nodeLocations": [UNKNOWN, UNKNOWN, UNKNOWN]}))[
        1
    ] == Decimal("2.4")


def test_an_autoscaled_pool_ranges_over_its_limits_in_each_zone() -> None:
    inputs = POOL | {
        "nodeCount": None,
        "initialNodeCount": 2,
        "autoscaling": {"minNodeCount": 1, "maxNodeCount": 5},
    }
    assert money(gcp(NODE_POOL, inputs)) == (Decimal("1.6"), Decimal("3.2"), Decimal("8.0"))


def test_total_limits_are_not_multiplied_by_the_zones() -> None:
    inputs = POOL | {
        "nodeCount": None,
        "autoscaling": {"totalMinNodeCount": 1, "totalMaxNodeCount": 5},
    }
    assert money(gcp(NODE_POOL, inputs)) == (Decimal("0.8"), Decimal("0.8"), Decimal("4.0"))


def test_an_autoscaled_pool_without_a_size_settles_at_its_minimum() -> None:
    inputs = POOL | {"nodeCount": None, "autoscaling": {"maxNodeCount": 3}}
    assert money(gcp(NODE_POOL, inputs)) == (Decimal(0), Decimal(0), Decimal("4.8"))


@pytest.mark.parametrize("flag", ["spot", "preemptible"])
def test_spot_nodes_cost_the_spot_price(flag: str) -> None:
    inputs = POOL | {"nodeConfig": CONFIG | {flag: True}}
    assert money(gcp(NODE_POOL, inputs))[1] == Decimal("0.76")


def test_attached_gpus_are_part_of_the_machine_type() -> None:
    config = CONFIG | {
        "machineType": "n1-standard-4",
        "guestAccelerators": [{"type": "nvidia-tesla-t4", "count": 1.0}],
    }
    found = gcp(NODE_POOL, POOL | {"nodeConfig": config})
    assert isinstance(found, Cost)
    assert found.lines[0] == line(
        "nodes: 2 n1-standard-4+1xnvidia-tesla-t4 on-demand", Category.GPU, "1.08"
    )


def test_gpus_that_come_with_the_machine_are_not_counted_twice() -> None:
    config = CONFIG | {"guestAccelerators": [{"type": "nvidia-l4", "count": 1}]}
    assert gcp(NODE_POOL, POOL | {"nodeConfig": config}) == gcp(NODE_POOL, POOL)


def test_the_disk_defaults_to_what_gke_gives() -> None:
    """100 GiB of pd-balanced."""
    assert gcp(NODE_POOL, POOL | {"nodeConfig": {"machineType": "g2-standard-4"}}) == gcp(
        NODE_POOL, POOL
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"nodeConfig": {}}, "nodeConfig.machineType is missing"),
        ({"nodeConfig": UNKNOWN}, "nodeConfig is not known before the update"),
        (
            {"nodeConfig": CONFIG | {"machineType": "n1-standard-4"}},
            "no on-demand price for gcp n1-standard-4 in us-central1",
        ),
        (
            {"nodeConfig": CONFIG | {"machineType": UNKNOWN}},
            "nodeConfig.machineType is not known before the update",
        ),
        (
            {"nodeConfig": CONFIG | {"diskType": "pd-ssd"}},
            "no price for disk_pd_ssd at gcp in us-central1",
        ),
        (
            {"nodeConfig": CONFIG | {"localSsdCount": 2}},
            "nodeConfig.localSsdCount: local SSDs have no price",
        ),
        (
            {"nodeConfig": CONFIG | {"flexStart": True}},
            "nodeConfig.flexStart: Flex-start nodes have no price",
        ),
        (
            {"nodeConfig": CONFIG | {"spot": UNKNOWN}},
            "nodeConfig.spot is not known before the update",
        ),
        ({"nodeCount": None}, "nodeCount is missing"),
        ({"nodeCount": UNKNOWN}, "nodeCount is not known before the update"),
        (
            {"autoscaling": {"minNodeCount": 0}},
            "autoscaling.maxNodeCount is missing",
        ),
        (
            {"autoscaling": {"minNodeCount": 0, "maxNodeCount": UNKNOWN}},
            "autoscaling.maxNodeCount is not known before the update",
        ),
        (
            {"nodeLocations": None},
            "nodeLocations is missing: a regional pool runs its node count in each of its zones",
        ),
        ({"nodeLocations": UNKNOWN}, "nodeLocations is not known before the update"),
        ({"location": UNKNOWN}, "location is not known before the update"),
        (
            {"location": None},
            "no region: neither location nor zone nor region nor the provider names one",
        ),
        (
            {"queuedProvisioning": {"enabled": True}},
            "queuedProvisioning: Flex-start nodes have no price",
        ),
    ],
)
def test_a_pool_whose_price_is_open_is_unpriced(change: dict[str, object], reason: str) -> None:
    assert gcp(NODE_POOL, POOL | change) == Unpriced(reason=reason)


@pytest.mark.parametrize(
    "accelerators",
    [
        [{"type": "nvidia-tesla-t4", "count": 1}, {"type": "nvidia-tesla-p4", "count": 1}],
        [{"type": "nvidia-tesla-t4", "count": 1, "gpuPartitionSize": "1g.5gb"}],
        [{"type": "nvidia-tesla-t4", "count": 9}],
        [{"count": 1}],
        [{"type": "nvidia-tesla-t4", "count": UNKNOWN}],
        UNKNOWN,
    ],
)
def test_accelerators_that_no_price_covers_are_unpriced(accelerators: object) -> None:
    config = CONFIG | {"machineType": "n1-standard-4", "guestAccelerators": accelerators}
    assert isinstance(gcp(NODE_POOL, POOL | {"nodeConfig": config}), Unpriced)


def test_a_cluster_costs_its_control_plane() -> None:
    inputs: dict[str, object] = {
        "location": "us-central1",
        "removeDefaultNodePool": True,
        "initialNodeCount": 1,
    }
    assert gcp(CLUSTER, inputs) == cost(
        "0.10", "0.10", "0.10", line("GKE control plane", Category.MANAGEMENT, "0.10")
    )


@pytest.mark.parametrize(
    "change",
    [
        {"removeDefaultNodePool": False},
        {"enableAutopilot": True},
        {"clusterAutoscaling": {"enabled": True}},
        {"nodePools": [{"name": "hidden", "nodeCount": 9}]},
    ],
)
def test_nodes_that_a_cluster_brings_by_itself_have_no_price(change: dict[str, object]) -> None:
    """A default, inline, Autopilot or auto-provisioned pool would be money that nobody counts."""
    inputs: dict[str, object] = {"location": "us-central1", "removeDefaultNodePool": True}
    assert isinstance(gcp(CLUSTER, inputs | change), Unpriced)


def test_a_vm_costs_machine_disk_and_ephemeral_addresses() -> None:
    """A reserved address is priced where it is reserved."""
    inputs = MACHINE | {
        "networkInterfaces": [{"accessConfigs": [{}, {"natIp": UNKNOWN}]}, {"network": "default"}],
        "scheduling": {"provisioningModel": "SPOT"},
    }
    assert gcp(INSTANCE, inputs) == cost(
        "0.385",
        "0.385",
        "0.385",
        line("nodes: 1 g2-standard-4 spot", Category.GPU, "0.28"),
        line("disks: 1 of 100 GiB", Category.STORAGE, "0.1"),
        line("external IPv4 address", Category.NETWORK, "0.005"),
    )


def test_a_vm_on_an_existing_disk_costs_the_machine() -> None:
    assert money(gcp(INSTANCE, MACHINE | {"bootDisk": {"source": UNKNOWN}}))[1] == Decimal("0.70")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bootDisk": {}}, "bootDisk.initializeParams.type is missing"),
        (
            {"bootDisk": {"initializeParams": {"type": "pd-balanced"}}},
            "bootDisk.initializeParams.size is missing",
        ),
        ({"scratchDisks": [{"interface": "NVME"}]}, "scratchDisks: local SSDs have no price"),
        (
            {"scheduling": {"provisioningModel": "FLEX_START"}},
            "scheduling.provisioningModel FLEX_START has no price rule",
        ),
    ],
)
def test_a_vm_whose_price_is_open_is_unpriced(change: dict[str, object], reason: str) -> None:
    assert gcp(INSTANCE, MACHINE | change) == Unpriced(reason=reason)


def test_a_disk_costs_its_size() -> None:
    inputs: dict[str, object] = {"zone": "us-central1-a", "size": 500, "type": "pd-balanced"}
    assert money(gcp("gcp:compute/disk:Disk", inputs))[1] == Decimal("0.5")
    assert gcp("gcp:compute/disk:Disk", {"zone": "us-central1-a", "size": 500}) == Unpriced(
        reason="type is missing"
    )


@pytest.mark.parametrize(
    ("inputs", "usd_per_hour"),
    [
        ({"natIpAllocateOption": "MANUAL_ONLY", "natIps": [UNKNOWN]}, "0.04"),
        ({"natIpAllocateOption": "AUTO_ONLY"}, "0.045"),
    ],
)
def test_cloud_nat_costs_its_cap_and_its_automatic_address(
    inputs: dict[str, object], usd_per_hour: str
) -> None:
    found = gcp("gcp:compute/routerNat:RouterNat", inputs | {"region": "us-central1"})
    assert money(found)[1] == Decimal(usd_per_hour)


def test_only_external_addresses_cost() -> None:
    address, everywhere = "gcp:compute/address:Address", "gcp:compute/globalAddress:GlobalAddress"
    free = Free(reason="internal addresses are not charged")
    assert gcp(address, {"addressType": "INTERNAL"}) == free
    assert gcp(everywhere, {"addressType": "INTERNAL"}) == free
    assert money(gcp(address, {"region": "us-central1"}))[1] == Decimal("0.005")
    assert money(gcp(everywhere, {}))[1] == Decimal("0.005")
    assert isinstance(gcp(address, {"addressType": UNKNOWN, "region": "us-central1"}), Unpriced)


def test_forwarding_rules_cost() -> None:
    regional = gcp("gcp:compute/forwardingRule:ForwardingRule", {"region": "us-central1"})
    everywhere = gcp("gcp:compute/globalForwardingRule:GlobalForwardingRule", {})
    assert money(regional)[1] == money(everywhere)[1] == Decimal("0.02")


@pytest.mark.parametrize(
    "region", ["us-central1", "us-central1-a", "projects/p/regions/us-central1"]
)
def test_the_provider_may_name_region_or_zone(region: str) -> None:
    inputs = POOL | {"location": None}
    assert money(gcp(NODE_POOL, inputs, region=region))[1] == Decimal("1.6")
