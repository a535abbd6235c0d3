"""What looks old or wrong in the price book, without asking anybody."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from outlay.catalog import Catalog, CpuOffer, Market, Offer, ServicePrice

# One instance type across a provider's regions; spot prices differ more.
BANDS = {
    Market.ON_DEMAND: (Decimal("0.5"), Decimal(2)),
    Market.SPOT: (Decimal("0.25"), Decimal(4)),
}
# $/GPU-hour against the GPU type's median: a large host makes a GPU dearer, nothing makes it as cheap.
LEAST_GPU_SHARE = {Market.ON_DEMAND: Decimal("0.4"), Market.SPOT: Decimal("0.2")}
LEAST_SPOT_SHARE = Decimal("0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """Prices of one source that are older than allowed: how many, and the oldest day."""

    what: str
    source: str
    count: int
    oldest: str
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlier:
    """A price that is far from its like, and in what way."""

    offer: Offer
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The findings over a whole price book."""

    prices: int
    old: tuple[Old, ...]
    outliers: tuple[Outlier, ...]


def check(catalog: Catalog, *, today: date, max_age_days: int) -> Checked:
    """Look for old prices and outliers."""
    priced = _priced(catalog)
    return Checked(
        prices=len(priced),
        old=tuple(_old(priced, today=today, max_age_days=max_age_days)),
        outliers=tuple(_outliers(catalog.offers)),
    )


Priced = Offer | CpuOffer | ServicePrice


def _priced(catalog: Catalog) -> list[tuple[str, Priced]]:
    gpu = [(f"{o.provider} {o.market}", o) for o in catalog.offers]
    cpu = [(f"{o.provider} CPU nodes", o) for o in catalog.cpu_offers]
    services = [(f"{s.provider} services", s) for s in catalog.service_prices]
    return [*gpu, *cpu, *services]


def _old(priced: Iterable[tuple[str, Priced]], *, today: date, max_age_days: int) -> Iterator[Old]:
    groups: dict[tuple[str, str], list[str]] = {}
    for what, each in priced:
        if (today - date.fromisoformat(each.as_of)).days > max_age_days:
            groups.setdefault((what, each.source), []).append(each.as_of)
    for (what, source), days in sorted(groups.items(), key=lambda item: min(item[1])):
        oldest = min(days)
        age = (today - date.fromisoformat(oldest)).days
        yield Old(what=what, source=source, count=len(days), oldest=oldest, days=age)


def _outliers(offers: Iterable[Offer]) -> Iterator[Outlier]:
    offers = list(offers)
    listed = {
        (o.provider, o.region, o.instance_type): o.usd_per_hour
        for o in offers
        if o.market is Market.ON_DEMAND
    }
    types = _medians(((o.provider, o.instance_type, o.market), o.usd_per_hour) for o in offers)
    gpus = _medians(((o.provider, o.gpu, o.market), o.usd_per_gpu_hour) for o in offers)
    for offer in offers:
        reason = (
            _beside_its_type(offer, types[offer.provider, offer.instance_type, offer.market])
            or _beside_its_gpu(offer, gpus[offer.provider, offer.gpu, offer.market])
            or _beside_on_demand(offer, listed)
        )
        if reason:
            yield Outlier(offer=offer, reason=reason)


Like = tuple[str, str, Market]


def _medians(prices: Iterable[tuple[Like, Decimal]]) -> dict[Like, Decimal]:
    groups: dict[Like, list[Decimal]] = {}
    for like, price in prices:
        groups.setdefault(like, []).append(price)
    return {like: statistics.median(group) for like, group in groups.items()}


def _beside_its_type(offer: Offer, middle: Decimal) -> str:
    low, high = BANDS[offer.market]
    ratio = offer.usd_per_hour / middle
    return "" if low <= ratio <= high else f"{ratio:.2f} times the median of its type's regions"


def _beside_its_gpu(offer: Offer, middle: Decimal) -> str:
    share = offer.usd_per_gpu_hour / middle
    if share >= LEAST_GPU_SHARE[offer.market]:
        return ""
    return f"{share:.0%} of the median of {offer.provider}'s {offer.gpu} {offer.market}, by the GPU"


def _beside_on_demand(offer: Offer, listed: dict[tuple[str, str, str], Decimal]) -> str:
    ondemand = listed.get((offer.provider, offer.region, offer.instance_type))
    if offer.market is not Market.SPOT or ondemand is None:
        return ""
    if offer.usd_per_hour == ondemand:
        return "equals the on-demand price: rather unknown than no discount"
    share = offer.usd_per_hour / ondemand
    return f"{share:.0%} of the on-demand price" if share < LEAST_SPOT_SHARE else ""
