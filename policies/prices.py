"""Prices of the resources of one preview or update, as its policies see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from pulumi_policy import PolicyProviderResource, PolicyResource, ResourceValidationArgs
from pulumi_policy.proxy import UnknownValueError

from outlay.catalog import load_catalog
from outlay.pricing.inputs import UNKNOWN, is_unknown
from outlay.pricing.price import price
from outlay.pricing.rates import Rates
from outlay.pricing.types import Free, Price

LOCATIONS = ("region", "location", "zone")
COMPONENT = Free(reason="a component; the resources in it are priced on their own")


@lru_cache(maxsize=1)
def rates() -> Rates:
    """Return the price book of the repository, loaded when the first resource arrives."""
    return Rates(load_catalog())


@dataclass(frozen=True)
class Prices:
    """Remember each resource's price from its inputs.

    A rule on one resource gets the inputs. A rule on the stack gets outputs only, and none at all of
    what lies behind a provider that is not configured yet, so it takes what was remembered.
    """

    seen: dict[str, Price] = field(default_factory=dict)

    def remember(self, args: ResourceValidationArgs) -> Price:
        """Price a resource by its inputs."""
        # The engine names a provider for every resource but components, providers and the stack.
        found = COMPONENT if args.provider is None else _price(args)
        self.seen[args.urn] = found
        return found

    def of(self, resource: PolicyResource) -> Price:
        """Return the remembered price, else one by the outputs."""
        return self.seen.get(resource.urn) or _price(resource)


def _price(resource: ResourceValidationArgs | PolicyResource) -> Price:
    return price(
        resource.resource_type,
        plain(resource.props),
        rates=rates(),
        region=_region(resource.provider),
    )


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


def _region(provider: PolicyProviderResource | None) -> str | None:
    if provider is None:
        return None
    props = plain(provider.props)
    named = (props.get(location) for location in LOCATIONS)
    return next((name for name in named if isinstance(name, str) and not is_unknown(name)), None)
