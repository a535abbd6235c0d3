"""Prices of AWS resources; machines are in `aws_machines`."""

from __future__ import annotations

from dataclasses import replace

from outlay.pricing import aws_machines
from outlay.pricing.aws_sites import (
    ADDRESS,
    CLASSIC_LOAD_BALANCER,
    CONTROL_PLANE,
    EXTENDED_SUPPORT,
    LOAD_BALANCER,
    NAT,
    PROVIDER,
    region,
)
from outlay.pricing.aws_templates import ebs
from outlay.pricing.disks import disk_hour
from outlay.pricing.eks import in_extended_support
from outlay.pricing.inputs import Inputs, NoPriceError
from outlay.pricing.metered import GB, GB_MONTH, Meter, by_use, with_use
from outlay.pricing.rules import Request, Rule, Service, disk_line, fixed
from outlay.pricing.types import Cost, Free


def _service(service: Service) -> Rule:
    return lambda request: fixed(service.line(request.rates, region=region(request)))


def eks_cluster(request: Request) -> Cost:
    """Price the control plane; a version past standard support on the price book's day costs more."""
    inputs = request.inputs
    if inputs.child("computeConfig").flag("enabled"):
        raise NoPriceError(
            "computeConfig.enabled: Auto Mode starts nodes by itself and adds a fee to each"
        )
    day = request.rates.catalog.price_book.date
    plane = EXTENDED_SUPPORT if in_extended_support(inputs, on=day) else CONTROL_PLANE
    return fixed(plane.line(request.rates, region=region(request)))


def _control_plane(request: Request) -> Cost:
    """Price the control plane, and name the logs that it is asked to send."""
    found = eks_cluster(request)
    if not request.inputs.given("enabledClusterLogTypes"):
        return found
    return replace(found, metered=(LOGS.read(request, region),))


def volume(request: Request) -> Cost:
    """Price a volume by its size, and by IOPS and throughput where they cost extra."""
    # Source: Amazon EC2 CreateVolume, VolumeType.
    usual = {"type": "gp2", **{k: v for k, v in request.inputs.values.items() if v is not None}}
    disk = ebs(Inputs(usual), size="size", kind="type")
    usd = disk_hour(request.rates, disk, region=region(request))
    return fixed(disk_line(usd, gib=disk.gib, count=1))


def load_balancer(request: Request) -> Cost:
    """Price the standing hours, and one address per subnet when it faces the internet."""
    inputs = request.inputs
    kind = inputs.optional_text("loadBalancerType") or "application"
    if kind not in ("application", "network"):
        raise NoPriceError(f"loadBalancerType {kind} has no price")
    zones = inputs.length("subnets") + inputs.length("subnetMappings")
    return _balancer(request, LOAD_BALANCER, zones)


def classic_load_balancer(request: Request) -> Cost:
    """Price a load balancer of the first generation, and one address per subnet or zone."""
    inputs = request.inputs
    zones = inputs.length("subnets") + inputs.length("availabilityZones")
    return _balancer(request, CLASSIC_LOAD_BALANCER, zones)


def _balancer(request: Request, service: Service, zones: int) -> Cost:
    where = region(request)
    lines = [service.line(request.rates, region=where)]
    if not request.inputs.flag("internal"):
        if zones == 0:
            raise NoPriceError("subnets is missing: each one brings a public IPv4 address")
        lines.append(ADDRESS.line(request.rates, region=where, quantity=zones))
    return fixed(*lines)


def vpc_endpoint(request: Request) -> Free:
    """Tell gateway endpoints, which are free, from interface endpoints, which no price covers."""
    kind = request.inputs.optional_text("vpcEndpointType") or "Gateway"
    if kind != "Gateway":
        raise NoPriceError(f"vpcEndpointType {kind} has no price")
    return Free(reason="gateway endpoints are not charged")


NAT_DATA = Meter(provider=PROVIDER, what="data through NAT", unit=GB, service="nat_data")
LOGS = Meter(provider=PROVIDER, what="logs taken in", unit=GB, service="log_ingestion")
OBJECTS = Meter(provider=PROVIDER, what="objects kept", unit=GB_MONTH, service="object_storage")
IMAGES = Meter(provider=PROVIDER, what="images kept", unit=GB_MONTH)
CAPACITY = Meter(provider=PROVIDER, what="load balancer capacity", unit="unit-hour")

_BUCKET = by_use(OBJECTS, region=region)
_BALANCER = with_use(load_balancer, CAPACITY, region=region)
RULES: dict[str, Rule] = {
    **aws_machines.RULES,
    "aws:alb/loadBalancer": _BALANCER,
    "aws:cloudwatch/logGroup": by_use(LOGS, region=region),
    "aws:ebs/volume": volume,
    "aws:ec2/eip": _service(ADDRESS),
    "aws:ec2/natGateway": with_use(_service(NAT), NAT_DATA, region=region),
    "aws:ec2/vpcEndpoint": vpc_endpoint,
    "aws:ecr/repository": by_use(IMAGES, region=region),
    "aws:eks/cluster": _control_plane,
    "aws:elb/loadBalancer": with_use(classic_load_balancer, CAPACITY, region=region),
    "aws:lb/loadBalancer": _BALANCER,
    "aws:s3/bucket": _BUCKET,
    "aws:s3/bucketV2": _BUCKET,
}
