"""The one function that says what a declared resource costs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from outlay.pricing import (
    aws,
    azure,
    azure_machines,
    coreweave,
    free,
    gcp,
    kubernetes,
    lambda_cloud,
)
from outlay.pricing.beside import Beside
from outlay.pricing.inputs import Inputs, NoPriceError
from outlay.pricing.rates import Rates
from outlay.pricing.rules import Request, Rule
from outlay.pricing.types import Price, Unpriced

_RULES: dict[str, Rule] = {
    **aws.RULES,
    **gcp.RULES,
    **azure.RULES,
    **azure_machines.RULES,
    **coreweave.RULES,
}
_WHOLE_TYPES: dict[str, Rule] = {**lambda_cloud.RULES}
_API_VERSION = re.compile(r"/v\d{8}\w*(?=:)")


def price(
    resource_type: str,
    inputs: Mapping[str, object],
    *,
    rates: Rates,
    region: str | None = None,
    beside: Beside | None = None,
) -> Price:
    """Return what a resource costs per hour by its inputs, as the engine sends them.

    `region` is that of the resource's provider and counts when the inputs name none; `beside` holds
    the launch templates and the like of the same stack. A type without a rule, and an input that is
    missing, unknown or beyond the rule, is Unpriced; nothing is guessed.
    """
    rule = _rule_for(resource_type)
    if rule is None:
        return Unpriced(reason=f"no price rule for {resource_type}")
    try:
        return rule(Request(inputs=Inputs(inputs), rates=rates, region=region, beside=beside))
    except NoPriceError as error:
        return Unpriced(reason=str(error))


@lru_cache(maxsize=1024)
def _rule_for(resource_type: str) -> Rule | None:
    if resource_type.startswith("kubernetes:") and resource_type.count(":") == 2:
        return kubernetes.rule_for(resource_type)
    kind = _kind(resource_type)
    return _WHOLE_TYPES.get(resource_type) or _RULES.get(kind) or free.rule_for(kind)


def _kind(resource_type: str) -> str:
    """Return the type without what repeats or varies: class name, API version of azure-native."""
    package, _, _ = resource_type.partition(":")
    if package == "azure-native":
        return _API_VERSION.sub("", resource_type)
    return resource_type.rpartition(":")[0] if "/" in resource_type else resource_type
