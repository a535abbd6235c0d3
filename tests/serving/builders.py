"""Small plans for the tests: every value has a default, so that a test names only what it is about."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from outlay.catalog import Grade, Market, Precision, PriceBook
from outlay.planning.plan import Cluster, CpuPool, Placement, Plan, Pool, Workload
from outlay.sizing.types import Interval, ReplicaShape

LLAMA = "llama-3-1-8b"
QWEN = "qwen3-32b"


def interval(expected: float) -> Interval:
    """Return an interval around a value."""
    return Interval(low=expected * 0.8, expected=expected, high=expected * 1.2)


def shape(**changes: Any) -> ReplicaShape:
    """Return a replica of Llama-3.1-8B in bf16 on one L4."""
    values: dict[str, Any] = {
        "model": "Llama-3.1-8B",
        "gpu": "L4",
        "tensor_parallel": 1,
        "weight_precision": Precision.BF16,
        "kv_precision": Precision.BF16,
        "quantize_online": False,
        "checkpoint": "meta-llama/Llama-3.1-8B-Instruct",
        "max_sequences": 64,
        "max_model_len": 2048,
        "gpu_memory_utilization": 0.9,
        "weights_gib": 15.0,
        "kv_cache_gib": 4.0,
        "capacity_rps": interval(2.0),
        "ttft_ms": interval(300.0),
        "tpot_ms": interval(40.0),
        "prefill_tokens_per_s": 4200.0,
        "grade": Grade.COVERED,
    }
    return ReplicaShape(**(values | changes))


def qwen_shape(**changes: Any) -> ReplicaShape:
    """Return a replica of Qwen3-32B, quantised to fp8 while loading, on two H100."""
    values: dict[str, Any] = {
        "model": "Qwen3-32B",
        "gpu": "H100",
        "tensor_parallel": 2,
        "weight_precision": Precision.FP8,
        "kv_precision": Precision.FP8,
        "quantize_online": True,
        "checkpoint": "Qwen/Qwen3-32B",
        "max_sequences": 256,
        "max_model_len": 8192,
        "prefill_tokens_per_s": 15928.4,
    }
    return shape(**(values | changes))


def pool(**changes: Any) -> Pool:
    """Return an on-demand pool of two g6.xlarge on AWS."""
    values: dict[str, Any] = {
        "name": "l4-on-demand",
        "cluster": "aws-us-east-1",
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
        "max_nodes": 3,
        "disk_gib": 100,
        "usd_per_node_hour": Decimal("0.8048"),
        "disk_usd_per_node_hour": Decimal("0.01"),
        "price_as_of": "2026-07-20",
        "price_source": "test",
    }
    return Pool(**(values | changes))


def placement(**changes: Any) -> Placement:
    """Return two replicas of Llama-3.1-8B on the pool of `pool()`."""
    values: dict[str, Any] = {
        "workload": LLAMA,
        "pool": "l4-on-demand",
        "cluster": "aws-us-east-1",
        "replicas": 2,
        "min_replicas": 2,
        "max_replicas": 3,
        "shape": shape(),
        "cpus": 2,
        "memory_gib": 11,
    }
    return Placement(**(values | changes))


def cpu_pool(**changes: Any) -> CpuPool:
    """Return one m7i.4xlarge for routers."""
    values: dict[str, Any] = {
        "name": "cpu",
        "cluster": "aws-us-east-1",
        "instance_type": "m7i.4xlarge",
        "vcpus": 16,
        "host_memory_gib": 64.0,
        "nodes": 1,
        "disk_gib": 50,
        "usd_per_node_hour": Decimal("0.8064"),
    }
    return CpuPool(**(values | changes))


def cluster(**changes: Any) -> Cluster:
    """Return an AWS cluster with one GPU pool and one placement."""
    values: dict[str, Any] = {
        "name": "aws-us-east-1",
        "provider": "aws",
        "region": "us-east-1",
        "cpu_pool": cpu_pool(),
        "pools": (pool(),),
        "placements": (placement(),),
    }
    return Cluster(**(values | changes))


def workload(**changes: Any) -> Workload:
    """Return Llama-3.1-8B at ten requests per second."""
    values: dict[str, Any] = {
        "name": LLAMA,
        "model": "Llama-3.1-8B",
        "hf_id": "meta-llama/Llama-3.1-8B-Instruct",
        "target_rps": 10.0,
        "input_tokens": 512,
        "output_tokens": 256,
        "ttft_slo_ms": 2000.0,
        "tpot_slo_ms": 50.0,
    }
    return Workload(**(values | changes))


def qwen_workload() -> Workload:
    """Return Qwen3-32B at four requests per second."""
    return workload(name=QWEN, model="Qwen3-32B", hf_id="Qwen/Qwen3-32B", target_rps=4.0)


def plan(**changes: Any) -> Plan:
    """Return a plan of one AWS cluster and one workload."""
    values: dict[str, Any] = {
        "project": "outlay",
        "stack": "test",
        "namespace": "llm-d",
        "workloads": (workload(),),
        "clusters": (cluster(),),
        "fixed_costs": (),
        "budget_usd_per_month": None,
        "mip_gap": 0.0,
        "price_book": PriceBook(version="0" * 12, date="2026-08-10"),
        "tags": (),
        "left_out": (),
        "warnings": (),
    }
    return Plan(**(values | changes))


def spot_pool() -> Pool:
    """Return a spot pool of g6.12xlarge: four L4 a node."""
    return pool(
        name="l4x4-spot",
        instance_type="g6.12xlarge",
        market=Market.SPOT,
        gpus_per_node=4,
        vcpus=48,
        host_memory_gib=192.0,
    )


def gcp_pool(**changes: Any) -> Pool:
    """Return a pool of one a3-highgpu-8g on GCP."""
    values: dict[str, Any] = {
        "name": "h100x8-on-demand",
        "cluster": "gcp-us-central1",
        "provider": "gcp",
        "region": "us-central1",
        "instance_type": "a3-highgpu-8g",
        "gpu": "H100",
        "gpus_per_node": 8,
        "vcpus": 208,
        "host_memory_gib": 1872.0,
        "nodes": 1,
        "min_nodes": 1,
        "max_nodes": 2,
    }
    return pool(**(values | changes))


def gcp_cluster() -> Cluster:
    """Return a GCP cluster that serves both models: Qwen on H100, Llama on spot L4."""
    name = "gcp-us-central1"
    l4 = gcp_pool(
        name="l4x2-spot",
        instance_type="g2-standard-24",
        gpu="L4",
        gpus_per_node=2,
        market=Market.SPOT,
    )
    qwen = placement(
        workload=QWEN,
        pool="h100x8-on-demand",
        cluster=name,
        replicas=4,
        shape=qwen_shape(),
        cpus=51,
    )
    llama = placement(pool="l4x2-spot", cluster=name, replicas=2, cpus=10, memory_gib=40)
    return cluster(
        name=name,
        provider="gcp",
        region="us-central1",
        cpu_pool=cpu_pool(cluster=name, instance_type="n2-standard-32"),
        pools=(gcp_pool(), l4),
        placements=(qwen, llama),
    )


def two_cloud_plan() -> Plan:
    """Return two workloads over AWS (on-demand and spot) and GCP; the plan of the golden files."""
    spot = placement(pool="l4x4-spot", replicas=4, cpus=11, memory_gib=43)
    aws = cluster(pools=(pool(), spot_pool()), placements=(placement(), spot))
    return plan(workloads=(workload(), qwen_workload()), clusters=(aws, gcp_cluster()))
