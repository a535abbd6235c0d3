"""Failure domains: what is lost together, by the rule that the settings choose."""

from __future__ import annotations

from outlay.catalog import Market, Offer
from outlay.settings import Settings, SurviveDomain

NO_DOMAIN = ""


def domain(offer: Offer, settings: Settings) -> str:
    """Return the domain that takes an offer's nodes away when it is lost, or NO_DOMAIN.

    For `spot`, all spot nodes of one GPU type in a region are one domain: they come from the same
    hardware, and are reclaimed together. On-demand nodes then belong to none.
    """
    if settings.survive_fraction <= 0:
        return NO_DOMAIN
    match settings.survive_domain:
        case SurviveDomain.SPOT:
            spot = f"{offer.provider}/{offer.region}/{offer.gpu}"
            return spot if offer.market is Market.SPOT else NO_DOMAIN
        case SurviveDomain.REGION:
            return f"{offer.provider}/{offer.region}"
        case SurviveDomain.PROVIDER:
            return offer.provider
        case SurviveDomain.NONE:
            return NO_DOMAIN
