"""The resources that a stack declares, as a state or a preview writes them down, and their prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from outlay.pricing.beside import REFERRED_TO, Beside, Neighbour
from outlay.pricing.inputs import is_unknown, unwrap
from outlay.pricing.price import price
from outlay.pricing.rates import Rates
from outlay.pricing.types import Free, Price

PROVIDER_PREFIX = "pulumi:providers:"
LOCATIONS = ("region", "location", "zone")
COMPONENT = Free(reason="a component; the resources in it are priced on their own")
EXTERNAL = Free(reason="only read by this stack; whoever made it pays for it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of a state or a preview.

    Attributes:
        urn: Its name in the stack.
        type: Its type token.
        inputs: What the program asked for, as the engine writes it.
        outputs: What the provider answered; only a fallback for where the resource is.
        provider: The URN of its provider, None for components.
        id: What its provider calls it; None before it exists.
        is_custom: Whether a provider manages it; components cost nothing by themselves.
        is_external: Whether the stack only reads it.
        is_leaving: Whether it waits for its deletion, and costs until then.
        is_retained: Whether it stays in the account when the stack drops it.
    """

    urn: str
    type: str
    inputs: Mapping[str, object]
    outputs: Mapping[str, object]
    provider: str | None
    is_custom: bool
    id: str | None = None
    is_external: bool = False
    is_leaving: bool = False
    is_retained: bool = False

    @property
    def name(self) -> str:
        """The last part of the URN."""
        return self.urn.rsplit("::", 1)[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a price depends on besides the resource: where its provider buys, and what it refers to.

    `config` is the stack's configuration: default providers, which take their region from it, are
    in no event of the engine.
    """

    providers: Mapping[str, Mapping[str, object]]
    config: Mapping[str, object]
    beside: Beside

    @classmethod
    def of(cls, resources: Sequence[Resource], config: Mapping[str, object]) -> Surroundings:
        """Collect the providers, and what others refer to, among the resources of one document."""
        found = {r.urn: r.inputs for r in resources if r.type.startswith(PROVIDER_PREFIX)}
        neighbours = (
            Neighbour(type=r.type, id=r.id, inputs=r.inputs, outputs=r.outputs)
            for r in resources
            if r.type in REFERRED_TO and not r.is_leaving
        )
        return cls(providers=found, config=config, beside=Beside.of(neighbours))

    def region_of(self, resource: Resource) -> str | None:
        """Return the region of a resource's provider, or None when nothing says it."""
        if resource.provider is None:
            return None
        known = self.providers.get(resource.provider)
        if known is not None:
            return _location(known)
        return _location(resource.outputs) or self._configured(resource.provider)

    def _configured(self, provider: str) -> str | None:
        package = provider.rpartition(PROVIDER_PREFIX)[2].partition("::")[0]
        settings = {key: self.config.get(f"{package}:{key}") for key in LOCATIONS}
        return _location(settings)


def price_resource(resource: Resource, *, rates: Rates, around: Surroundings) -> Price:
    """Return what a declared resource costs per hour; see `price` for what is Unpriced."""
    if not resource.is_custom:
        return COMPONENT
    if resource.is_external:
        return EXTERNAL
    region = around.region_of(resource)
    return price(resource.type, resource.inputs, rates=rates, region=region, beside=around.beside)


def _location(values: Mapping[str, object]) -> str | None:
    named = (unwrap(values.get(key)) for key in LOCATIONS)
    return next((n for n in named if isinstance(n, str) and n and not is_unknown(n)), None)
