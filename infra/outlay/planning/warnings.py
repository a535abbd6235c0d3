"""What a reader of a plan should know before he relies on it, one sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from outlay.catalog import Catalog, Confidence, Grade, Market, Offer
from outlay.planning.fleet import BoughtNodes, Fleet, OpenedSite
from outlay.pricing.rates import Rates
from outlay.settings import Settings, SurviveDomain

WHAT_IS_LOST = {
    SurviveDomain.SPOT: "one spot pool",
    SurviveDomain.REGION: "one region",
    SurviveDomain.PROVIDER: "one provider",
}
SERVICES_PAID = ("control_plane", "nat_gateway", "public_ipv4", "block_storage", "internet_egress")
# Three quarters of the spot prices in the book are above 0.39 of on-demand; so low a one seldom stays.
LOW_SPOT_SHARE = Decimal("0.15")
# Hosts with NVIDIA's Grace CPU, which is Arm.
ARM_GPUS = frozenset({"GH200", "GH200-144", "GB200", "GB300"})
# Against the newest price in the book, so that a plan does not change with the calendar.
OLD_DAYS = 180


def warnings(fleet: Fleet, *, settings: Settings, catalog: Catalog) -> Iterator[str]:
    """Yield the warnings of a solved fleet."""
    bought = [b for opened in fleet.opened for b in opened.bought]
    if fleet.gap > 0:
        yield f"not proven optimal: the best possible plan may be {fleet.gap:.2%} cheaper"
    yield from _unverified(fleet, catalog)
    yield from _low_spot_prices(bought, Rates(catalog))
    yield from _old_prices(bought, catalog)
    grades = {(o.shape.key, o.shape.grade) for b in bought for o, _ in b.replicas}
    for key, grade in sorted(grades):
        if grade in (Grade.THROUGHPUT_ONLY, Grade.EXTRAPOLATED):
            yield f"capacity of {key} is {grade}: measure it before you promise it"
    for gpu in sorted({b.candidate.offer.gpu for b in bought} & ARM_GPUS):
        yield f"nodes of {gpu} are Arm machines: check that every image is published for arm64"
    yield from _drafted(settings)
    yield from _fragile(bought, settings)
    if any(w.profile for w in settings.workloads) and not settings.serving.autoscaling:
        yield (
            "the cost counts on nodes being given back when demand is low, which nothing does:"
            " set serving.autoscaling"
        )


def _unverified(fleet: Fleet, catalog: Catalog) -> Iterator[str]:
    for opened in fleet.opened:
        names = [b.candidate.offer.instance_type for b in opened.bought if _doubtful(b)]
        names += [
            choice.offer.instance_type
            for choice, _ in opened.cpu_nodes
            if choice.offer.confidence is Confidence.UNVERIFIED
        ]
        names += _doubtful_services(opened, catalog)
        if names:
            yield f"unverified prices at {opened.site.key}: {', '.join(dict.fromkeys(names))}"


def _old_prices(bought: list[BoughtNodes], catalog: Catalog) -> Iterator[str]:
    newest = date.fromisoformat(catalog.price_book.date)
    for b in bought:
        offer = b.candidate.offer
        if (newest - date.fromisoformat(offer.as_of)).days > OLD_DAYS:
            yield (
                f"price of {offer.instance_type} {offer.market} in {offer.region} is of {offer.as_of}:"
                " outlay prices refresh asks for newer ones"
            )


def _doubtful(bought: BoughtNodes) -> bool:
    return bought.candidate.offer.confidence is Confidence.UNVERIFIED


def _doubtful_services(opened: OpenedSite, catalog: Catalog) -> Iterator[str]:
    for service in SERVICES_PAID:
        price = catalog.service_price(opened.site.provider, service, opened.site.region)
        if price is not None and price.usd and price.confidence is Confidence.UNVERIFIED:
            yield service.replace("_", " ")


def _low_spot_prices(bought: list[BoughtNodes], rates: Rates) -> Iterator[str]:
    for b in bought:
        offer = b.candidate.offer
        listed = _ondemand_usd(offer, rates)
        if offer.market is Market.SPOT and listed and offer.usd_per_hour < LOW_SPOT_SHARE * listed:
            share = offer.usd_per_hour / listed
            yield (
                f"spot price of {offer.instance_type} in {offer.region} is {share:.0%} of on-demand:"
                " check that it still holds"
            )


def _ondemand_usd(offer: Offer, rates: Rates) -> Decimal | None:
    listed = rates.gpu_offer(
        provider=offer.provider,
        region=offer.region,
        instance_type=offer.instance_type,
        market=Market.ON_DEMAND,
    )
    return listed.usd_per_hour if listed else None


def _drafted(settings: Settings) -> Iterator[str]:
    for workload in settings.workloads:
        if workload.speculation is not None:
            yield (
                f"capacity of {workload.label} counts on {workload.speculation.acceptance:.0%} of drafted"
                " tokens being accepted, which is calculated and in no measurement"
            )


def _fragile(bought: list[BoughtNodes], settings: Settings) -> Iterator[str]:
    replicas = [0] * len(settings.workloads)
    for b in bought:
        for option, count in b.replicas:
            replicas[option.workload] += count
    for workload, count in zip(settings.workloads, replicas, strict=True):
        if count == 1:
            yield f"{workload.label} runs as one replica: a restart or a rollout interrupts it"
    if any(b.candidate.offer.market is Market.SPOT for b in bought):
        yield _spot(settings)


def _spot(settings: Settings) -> str:
    lost = WHAT_IS_LOST.get(settings.survive_domain)
    if lost is None or not settings.survive_fraction:
        return "spot nodes can be taken away at any time, and nothing is kept in reserve"
    kept = f"{settings.survive_fraction:.0%} of the demand is kept"
    return f"spot nodes can be taken away at any time; if {lost} is lost, {kept}"
