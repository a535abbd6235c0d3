"""Prices of Lambda's instances, which a dynamic provider of this project declares."""

from __future__ import annotations

from outlay.catalog import Market
from outlay.pricing.rules import Nodes, NodeType, Request, Rule, free, pool_cost
from outlay.pricing.types import Cost

PROVIDER = "lambda"
# The price book's name for all regions: Lambda asks one price everywhere.
EVERYWHERE = "global"
# What `class Instance(dynamic.Resource, module="outlay/lambda", name="Instance")` is registered as.
TYPES = "pulumi-python:dynamic/outlay/lambda:"
INSTANCE_TYPE = f"{TYPES}Instance"


def instance(request: Request) -> Cost:
    """Price one instance; its disk and address are included. The inputs are those of Lambda's API."""
    node = NodeType(
        provider=PROVIDER,
        region=EVERYWHERE,
        instance_types=(request.inputs.text("instance_type_name"),),
        market=Market.ON_DEMAND,
    )
    return pool_cost(request.rates, node, Nodes.exactly(1))


# By the whole type: any other class of that module may buy something else.
RULES: dict[str, Rule] = {
    INSTANCE_TYPE: instance,
    f"{TYPES}FirewallRuleset": free("Lambda's firewall is not charged"),
    f"{TYPES}Credentials": free("exists only in the Pulumi program"),
}
