"""What exists: models, GPUs, offers and prices, each with its source and date."""

from outlay.catalog.load import Catalog, load_catalog
from outlay.catalog.providers import PROVIDER_NAMES, PROVIDERS, provider
from outlay.catalog.types import (
    Confidence,
    CpuOffer,
    Gpu,
    Grade,
    Market,
    Model,
    Offer,
    Percentile,
    Precision,
    PriceBook,
    Provider,
    ReservedPrice,
    ServicePrice,
)

__all__ = [
    "PROVIDERS",
    "PROVIDER_NAMES",
    "Catalog",
    "Confidence",
    "CpuOffer",
    "Gpu",
    "Grade",
    "Market",
    "Model",
    "Offer",
    "Percentile",
    "Precision",
    "PriceBook",
    "Provider",
    "ReservedPrice",
    "ServicePrice",
    "load_catalog",
    "provider",
]
