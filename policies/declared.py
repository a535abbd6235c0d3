"""Resources as the pack's rules see them: inputs where there are any, never a read that raises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from pulumi_policy import PolicyResource, ResourceValidationArgs
from pulumi_policy.proxy import UnknownValueError

from outlay.catalog import load_catalog
from outlay.pricing.beside import REFERRED_TO, Beside, Neighbour
from outlay.pricing.inputs import UNKNOWN, is_unknown
from outlay.pricing.price import price
from outlay.pricing.rates import Rates
from outlay.pricing.types import Cost, Free, NodeSet, Price

# What may name a launch template or a node class instead of saying what it starts.
REFERRING = (
    "aws:autoscaling/group:",
    "aws:ec2/instance:",
    "aws:eks/nodeGroup:",
    "kubernetes:karpenter.sh/",
)
LOCATIONS = ("region", "location", "zone")
COMPONENT = Free(reason="a component; the resources in it are priced on their own")


@lru_cache(maxsize=1)
def rates() -> Rates:
    """Return the price book of the repository, loaded when the first resource arrives."""
    return Rates(load_catalog())


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One resource. `provider_inputs` are those of its provider, empty for a component."""

    urn: str
    name: str
    resource_type: str
    inputs: Mapping[str, object]
    provider_inputs: Mapping[str, object]
    price: Price

    @property
    def nodes(self) -> tuple[NodeSet, ...]:
        """The machines that it buys, of those that have a price."""
        return self.price.nodes if isinstance(self.price, Cost) else ()

    @property
    def is_billable(self) -> bool:
        """Whether it costs something, or may."""
        return not isinstance(self.price, Free)


def declared(
    resource: ResourceValidationArgs | PolicyResource, beside: Beside | None = None
) -> Declared:
    """Return a resource with its price; `beside` is what its inputs may refer to."""
    inputs = plain(resource.props)
    by = resource.provider
    provider_inputs = {} if by is None else plain(by.props)
    return Declared(
        urn=resource.urn,
        name=resource.name,
        resource_type=resource.resource_type,
        inputs=inputs,
        provider_inputs=provider_inputs,
        # The engine names a provider for every resource but components, providers and the stack.
        price=COMPONENT
        if by is None
        else _price(resource.resource_type, inputs, provider_inputs, beside),
    )


def repriced(each: Declared, beside: Beside) -> Declared:
    """Return a resource with its price among everything that its inputs may refer to."""
    if each.price == COMPONENT or not each.resource_type.startswith(REFERRING):
        return each
    found = _price(each.resource_type, each.inputs, each.provider_inputs, beside)
    return replace(each, price=found)


def refers(each: Declared) -> bool:
    """Whether a resource names a launch template or a node class that chooses its machines."""
    named = each.inputs.get("launchTemplate"), at(each.inputs, "spec", "template", "spec")
    return each.resource_type.startswith(REFERRING) and any(named)


def neighbour(each: Declared) -> Neighbour | None:
    """Return a resource as others refer to it, None for one that nothing refers to."""
    if each.resource_type not in REFERRED_TO:
        return None
    return Neighbour(type=each.resource_type, id=None, inputs=each.inputs, outputs={})


def _price(
    resource_type: str,
    inputs: Mapping[str, object],
    provider_inputs: Mapping[str, object],
    beside: Beside | None,
) -> Price:
    region = region_of(provider_inputs)
    return price(resource_type, inputs, rates=rates(), region=region, beside=beside)


def region_of(provider_inputs: Mapping[str, object]) -> str | None:
    """Return the region of a provider, if it has a known one."""
    named = (provider_inputs.get(location) for location in LOCATIONS)
    return next((name for name in named if isinstance(name, str) and not is_unknown(name)), None)


def plain(props: Mapping[str, object]) -> dict[str, object]:
    """Copy properties, with UNKNOWN where a read would raise.

    An UnknownValueError that left a rule would turn its result into a mere advice.
    """
    return {key: _read(props, key) for key in props}


def _read(holder: Mapping[str, object] | Sequence[object], key: str | int) -> object:
    try:
        value = holder[key]  # type: ignore[index]  # the caller pairs list and index
    except UnknownValueError:
        return UNKNOWN
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_read(value, index) for index in range(len(value))]
    return value


def at(value: object, *path: str | int) -> object:
    """Return what lies at a path, None when nothing does, UNKNOWN when it is not known yet."""
    for key in path:
        if is_unknown(value):
            return UNKNOWN
        value = _step(value, key)
    return value


def _step(value: object, key: str | int) -> object:
    if isinstance(key, int):
        items = listed(value)
        return items[key] if key < len(items) else None
    return value.get(key) if isinstance(value, Mapping) else None


def listed(value: object) -> Sequence[object]:
    """Return a list, empty for anything else."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def mapped(value: object) -> Mapping[str, object]:
    """Return an object, empty for anything else."""
    return value if isinstance(value, Mapping) else {}
