"""Small plans for the tests: every value has a default, so that a test names only what it is about."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from outlay.catalog import Market, PriceBook
from outlay.planning.plan import Cluster, CpuPool, Plan, Pool


def pool(**changes: Any) -> Pool:
    """Return an on-demand pool of two g6.xlarge in us-east-1."""
    values: dict[str, Any] = {
        "name": "g6-xlarge-on-demand",
        "cluster": "outlay-dev-aws-us-east-1",
        "provider": "aws",
        "region": "us-east-1",
        "instance_type": "g6.xlarge",
        "market": Market.ON_DEMAND,
        "gpu": "L4",
        "gpus_per_node": 1,
        "vcpus": 4,
        "host_memory_gib": 16.0,
        "nodes": 2,
        "min_nodes": 2,
        "max_nodes": 2,
        "disk_gib": 120,
        "usd_per_node_hour": Decimal("0.8048"),
        "disk_usd_per_node_hour": Decimal("0.01"),
        "price_as_of": "2026-07-20",
        "price_source": "test",
    }
    return Pool(**(values | changes))


def spot_pool(**changes: Any) -> Pool:
    """Return a spot pool of three p5.48xlarge that may grow to five."""
    values: dict[str, Any] = {
        "name": "p5-48xlarge-spot",
        "instance_type": "p5.48xlarge",
        "market": Market.SPOT,
        "gpu": "H100",
        "gpus_per_node": 8,
        "nodes": 3,
        "min_nodes": 2,
        "max_nodes": 5,
        "disk_gib": 500,
    }
    return pool(**(values | changes))


def gcp_pool(**changes: Any) -> Pool:
    """Return an on-demand pool of two g2-standard-24 in us-central1."""
    values: dict[str, Any] = {
        "name": "g2-standard-24-on-demand",
        "cluster": "outlay-dev-gcp-us-central1",
        "provider": "gcp",
        "region": "us-central1",
        "instance_type": "g2-standard-24",
        "gpus_per_node": 2,
    }
    return pool(**(values | changes))


def cpu_pool(**changes: Any) -> CpuPool:
    """Return two m6i.2xlarge."""
    values: dict[str, Any] = {
        "name": "cpu",
        "cluster": "outlay-dev-aws-us-east-1",
        "instance_type": "m6i.2xlarge",
        "vcpus": 8,
        "host_memory_gib": 32.0,
        "nodes": 2,
        "disk_gib": 50,
        "usd_per_node_hour": Decimal("0.384"),
    }
    return CpuPool(**(values | changes))


def aws_cluster(**changes: Any) -> Cluster:
    """Return a cluster in us-east-1 with a CPU pool, an on-demand and a spot pool."""
    values: dict[str, Any] = {
        "name": "outlay-dev-aws-us-east-1",
        "provider": "aws",
        "region": "us-east-1",
        "cpu_pool": cpu_pool(),
        "pools": (pool(), spot_pool()),
        "placements": (),
    }
    return Cluster(**(values | changes))


def gcp_cluster(**changes: Any) -> Cluster:
    """Return a cluster in us-central1 with a CPU pool and one GPU pool."""
    name = "outlay-dev-gcp-us-central1"
    values: dict[str, Any] = {
        "name": name,
        "provider": "gcp",
        "region": "us-central1",
        "cpu_pool": cpu_pool(cluster=name, instance_type="e2-standard-8"),
        "pools": (gcp_pool(),),
        "placements": (),
    }
    return Cluster(**(values | changes))


def azure_pool(**changes: Any) -> Pool:
    """Return an on-demand pool of two Standard_NC24ads_A100_v4 in eastus."""
    values: dict[str, Any] = {
        "name": "standard-nc24ads-a100-v4-on-demand",
        "cluster": "outlay-dev-azure-eastus",
        "provider": "azure",
        "region": "eastus",
        "instance_type": "Standard_NC24ads_A100_v4",
        "gpu": "A100-80-PCIe",
    }
    return pool(**(values | changes))


def azure_cluster(**changes: Any) -> Cluster:
    """Return a cluster in eastus with a CPU pool, an on-demand and a spot pool."""
    name = "outlay-dev-azure-eastus"
    spot = azure_pool(
        name="standard-nc24ads-a100-v4-spot",
        market=Market.SPOT,
        nodes=3,
        min_nodes=2,
        max_nodes=5,
    )
    values: dict[str, Any] = {
        "name": name,
        "provider": "azure",
        "region": "eastus",
        "cpu_pool": cpu_pool(cluster=name, instance_type="Standard_D8s_v5"),
        "pools": (azure_pool(), spot),
        "placements": (),
    }
    return Cluster(**(values | changes))


def coreweave_pool(**changes: Any) -> Pool:
    """Return an on-demand pool of two gd-8xh100ib-i128 in US-EAST-04A."""
    values: dict[str, Any] = {
        "name": "gd-8xh100ib-i128-on-demand",
        "cluster": "outlay-dev-coreweave-us-east-04a",
        "provider": "coreweave",
        "region": "US-EAST-04A",
        "instance_type": "gd-8xh100ib-i128",
        "gpu": "H100",
        "gpus_per_node": 8,
    }
    return pool(**(values | changes))


def coreweave_cluster(**changes: Any) -> Cluster:
    """Return a cluster in US-EAST-04A with one GPU pool and no CPU pool."""
    values: dict[str, Any] = {
        "name": "outlay-dev-coreweave-us-east-04a",
        "provider": "coreweave",
        "region": "US-EAST-04A",
        "cpu_pool": None,
        "pools": (coreweave_pool(),),
        "placements": (),
    }
    return Cluster(**(values | changes))


def lambda_pool(**changes: Any) -> Pool:
    """Return an on-demand pool of two gpu_1x_gh200."""
    values: dict[str, Any] = {
        "name": "gpu-1x-gh200-on-demand",
        "cluster": "outlay-dev-lambda-global",
        "provider": "lambda",
        "region": "global",
        "instance_type": "gpu_1x_gh200",
        "gpu": "GH200",
    }
    return pool(**(values | changes))


def lambda_cluster(**changes: Any) -> Cluster:
    """Return a cluster with one pool of two nodes and no CPU pool."""
    values: dict[str, Any] = {
        "name": "outlay-dev-lambda-global",
        "provider": "lambda",
        "region": "global",
        "cpu_pool": None,
        "pools": (lambda_pool(),),
        "placements": (),
    }
    return Cluster(**(values | changes))


def plan(*clusters: Cluster, **changes: Any) -> Plan:
    """Return a plan of these clusters."""
    values: dict[str, Any] = {
        "project": "outlay",
        "stack": "dev",
        "namespace": "llm-d",
        "workloads": (),
        "clusters": clusters,
        "fixed_costs": (),
        "budget_usd_per_month": None,
        "mip_gap": 0.0,
        "price_book": PriceBook(version="0123456789ab", date="2026-08-10"),
        "tags": (("Team", "Serving & Search"),),
        "left_out": (),
        "warnings": (),
    }
    return Plan(**(values | changes))
