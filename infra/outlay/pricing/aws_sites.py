"""Where an AWS resource is, and the services with one price there."""

from __future__ import annotations

import re

from outlay.pricing.rules import Request, Service, first_region
from outlay.pricing.types import Category

PROVIDER = "aws"
CONTROL_PLANE = Service(
    provider=PROVIDER,
    service="control_plane",
    what="EKS control plane",
    category=Category.MANAGEMENT,
)
EXTENDED_SUPPORT = Service(
    provider=PROVIDER,
    service="control_plane_extended",
    what="EKS control plane in extended support",
    category=Category.MANAGEMENT,
)
NAT = Service(
    provider=PROVIDER, service="nat_gateway", what="NAT gateway", category=Category.NETWORK
)
ADDRESS = Service(
    provider=PROVIDER, service="public_ipv4", what="public IPv4 address", category=Category.NETWORK
)
LOAD_BALANCER = Service(
    provider=PROVIDER, service="load_balancer", what="load balancer", category=Category.NETWORK
)
CLASSIC_LOAD_BALANCER = Service(
    provider=PROVIDER,
    service="load_balancer_classic",
    what="classic load balancer",
    category=Category.NETWORK,
)
ZONE = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d+)[a-z]")


def region(request: Request) -> str:
    """Return the region that the inputs or the provider name; a zone counts as its region."""
    named = first_region(request, ("region", "availabilityZone"))
    zone = ZONE.fullmatch(named)
    return zone[1] if zone else named
