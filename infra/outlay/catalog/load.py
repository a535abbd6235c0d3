"""Load the data files into one frozen Catalog, checking every row on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TypeVar

from outlay.catalog.names import Names
from outlay.catalog.providers import PROVIDER_ALIASES, PROVIDER_NAMES
from outlay.catalog.rows import Row, missing, read_rows
from outlay.catalog.types import (
    Confidence,
    CpuOffer,
    Gpu,
    Market,
    Model,
    Offer,
    Precision,
    PriceBook,
    ReservedPrice,
    ServicePrice,
)
from outlay.errors import DataError

DATA = Path(__file__).parent / "data"
PRICE_FILES = (
    "offers.csv",
    "cpu_offers.csv",
    "service_prices.csv",
    "not_sold.csv",
    "reserved.csv",
)

# AWS Spot Advisor: < 5 %, 5-10 %, 10-15 %, 15-20 %, > 20 % a month.
INTERRUPTION_BUCKETS = range(5)

T = TypeVar("T")


@dataclass(frozen=True)
class Catalog:
    """Everything outlay knows before it is asked anything. Loaded once, never changed."""

    models: tuple[Model, ...]
    gpus: tuple[Gpu, ...]
    offers: tuple[Offer, ...]
    cpu_offers: tuple[CpuOffer, ...]
    service_prices: tuple[ServicePrice, ...]
    interruptions: dict[tuple[str, str], int]
    price_book: PriceBook
    reserved: tuple[ReservedPrice, ...] = ()

    @cached_property
    def model_names(self) -> Names:
        """Names and aliases of models, Hugging Face ids included."""
        return Names.build("model", ((m.name, (*m.aliases, m.hf_id)) for m in self.models))

    @cached_property
    def gpu_names(self) -> Names:
        """Names and aliases of GPUs."""
        return Names.build("GPU", ((g.name, g.aliases) for g in self.gpus))

    @cached_property
    def provider_names(self) -> Names:
        """Names and aliases of providers."""
        aliases = {
            name: [a for a, n in PROVIDER_ALIASES.items() if n == name] for name in PROVIDER_NAMES
        }
        return Names.build("provider", aliases.items())

    @cached_property
    def regions(self) -> tuple[tuple[str, str], ...]:
        """Every (provider, region) where a GPU is on sale."""
        return tuple(sorted({(offer.provider, offer.region) for offer in self.offers}))

    @cached_property
    def _models_by_name(self) -> dict[str, Model]:
        return {model.name: model for model in self.models}

    @cached_property
    def _gpus_by_name(self) -> dict[str, Gpu]:
        return {gpu.name: gpu for gpu in self.gpus}

    @cached_property
    def _services(self) -> dict[tuple[str, str, str], ServicePrice]:
        return {(s.provider, s.service, s.region): s for s in self.service_prices}

    def model(self, name: str) -> Model:
        """Return a model by any of its names; raises UnknownNameError."""
        return self._models_by_name[self.model_names.resolve(name)]

    def gpu(self, name: str) -> Gpu:
        """Return a GPU by any of its names; raises UnknownNameError."""
        return self._gpus_by_name[self.gpu_names.resolve(name)]

    def service_price(self, provider: str, service: str, region: str) -> ServicePrice | None:
        """Return the price in the region, else the provider's general one, else None."""
        exact = self._services.get((provider, service, region))
        return exact or self._services.get((provider, service, "*"))

    def interruption_bucket(self, region: str, instance_type: str) -> int | None:
        """Return the AWS Spot Advisor bucket, 0 (< 5 %/month) to 4 (> 20 %), or None.

        Source: AWS Spot Advisor, spot_interruption.csv. It ranks; it is no hazard rate.
        """
        return self.interruptions.get((region, instance_type))


@lru_cache(maxsize=4)
def load_catalog(folder: Path = DATA) -> Catalog:
    """Load and check all data files.

    Raises:
        DataError: a file is missing or broken, or a row contradicts another; names file and line.
    """
    gpus = _table(folder, "gpus.csv", _gpu, key=lambda gpu: gpu.name)
    offers = _offers(folder, {gpu.name: gpu for gpu in gpus})
    return Catalog(
        models=_table(folder, "models.csv", _model, key=lambda model: model.name),
        gpus=gpus,
        offers=offers,
        cpu_offers=_table(
            folder,
            "cpu_offers.csv",
            _cpu_offer,
            key=lambda o: (o.provider, o.region, o.instance_type),
        ),
        service_prices=_table(
            folder, "service_prices.csv", _service, key=lambda s: (s.provider, s.service, s.region)
        ),
        interruptions=_interruptions(folder),
        price_book=_price_book(folder, offers),
        reserved=_table(
            folder, "reserved.csv", _reserved, key=lambda r: (r.instance_type, r.region)
        ),
    )


def _table(
    folder: Path, file: str, parse: Callable[[Row], T], *, key: Callable[[T], object]
) -> tuple[T, ...]:
    seen: set[object] = set()
    values: list[T] = []
    for row in read_rows(folder / file):
        value = parse(row)
        identity = key(value)
        if identity in seen:
            raise row.fail(f"duplicate key {identity}")
        seen.add(identity)
        values.append(value)
    if not values:
        raise _no_rows(file)
    return tuple(values)


def _no_rows(file: str) -> DataError:
    return DataError(file, "the file has no rows; restore it from the repository")


def _gpu(row: Row) -> Gpu:
    capability = row.optional_text("compute_capability")
    return Gpu(
        name=row.text("gpu"),
        aliases=row.names("aliases"),
        vendor=row.text("vendor"),
        memory_gb=row.number("memory_gb"),
        memory_usable_gib=row.optional_number("memory_usable_gib"),
        memory_bandwidth_gb_per_s=row.number("memory_bandwidth_gb_per_s"),
        fp16_tflops=row.optional_number("fp16_bf16_dense_tflops"),
        fp8_tflops=row.optional_number("fp8_dense_tflops"),
        int8_tops=row.optional_number("int8_dense_tops"),
        fp4_tflops=row.optional_number("fp4_dense_tflops"),
        link=row.optional_text("link"),
        link_bandwidth_gb_per_s=row.optional_number("link_bandwidth_per_direction_gb_per_s"),
        # AMD names its architectures (gfx942); only NVIDIA has a number.
        compute_capability=row.number("compute_capability") if capability[:1].isdigit() else None,
        confidence=row.one_of("confidence", Confidence),
        source=row.text("source"),
    )


def _model(row: Row) -> Model:
    return Model(
        name=row.text("model"),
        hf_id=row.text("hf_id"),
        aliases=row.names("aliases"),
        layers=row.integer("layers"),
        hidden=row.integer("hidden"),
        heads=row.integer("heads"),
        kv_heads=row.integer("kv_heads"),
        head_dim=row.integer("head_dim"),
        intermediate=row.optional_integer("intermediate"),
        vocab=row.integer("vocab"),
        params_b=row.number("params_b"),
        active_params_b=row.number("active_params_b"),
        n_experts=row.optional_integer("n_experts") or 0,
        experts_per_token=row.optional_integer("experts_per_tok") or 0,
        n_shared_experts=row.optional_integer("n_shared_experts") or 0,
        n_dense_layers=row.optional_integer("n_dense_layers") or 0,
        moe_intermediate=row.optional_integer("moe_intermediate"),
        attention=row.text("attention"),
        full_attention_layers=row.integer("full_attention_layers"),
        sliding_window_tokens=row.optional_integer("sliding_window_tokens"),
        max_context_tokens=row.integer("max_context_tokens"),
        kv_bytes_per_token_16bit=row.integer("kv_bytes_per_token_16bit"),
        native_precision=row.one_of("native_weight_precision", Precision),
        confidence=row.one_of("confidence", Confidence),
        source=row.text("source"),
    )


def _offers(folder: Path, gpus: dict[str, Gpu]) -> tuple[Offer, ...]:
    not_sold = {
        (row.text("provider"), row.text("instance_type"), row.one_of("market", Market))
        for row in read_rows(folder / "not_sold.csv")
    }
    seen: set[tuple[str, str, str]] = set()
    offers: list[Offer] = []
    for row in read_rows(folder / "offers.csv"):
        key = (row.text("provider"), row.text("instance_type"), row.text("region"))
        if key in seen:
            raise row.fail(f"duplicate key {key}")
        seen.add(key)
        _check_offer(row, gpus)
        offers += [
            o for o in _markets(row) if (o.provider, o.instance_type, o.market) not in not_sold
        ]
    if not offers:
        raise _no_rows("offers.csv")
    return tuple(sorted(offers, key=lambda offer: offer.key))


def _check_offer(row: Row, gpus: dict[str, Gpu]) -> None:
    gpu = gpus.get(row.text("gpu"))
    if gpu is None:
        raise row.fail(f"GPU {row.text('gpu')!r} is not in gpus.csv")
    if row.number("gpu_memory_gb") != gpu.memory_gb:
        raise row.fail(f"gpu_memory_gb differs from gpus.csv ({gpu.memory_gb:g})")
    ondemand = row.optional_usd("price_ondemand_usd_per_hour")
    spot = row.optional_usd("price_spot_usd_per_hour")
    if ondemand is not None and spot is not None and spot > ondemand:
        raise row.fail(f"spot price {spot} is above the on-demand price {ondemand}")


def _markets(row: Row) -> Iterable[Offer]:
    # A slice of a GPU serves no large model, and providers outside the table are not compared.
    if row.number("gpu_count") < 1 or row.text("provider") not in PROVIDER_NAMES:
        return
    for market, price, as_of in (
        (Market.ON_DEMAND, "price_ondemand_usd_per_hour", "ondemand_as_of"),
        (Market.SPOT, "price_spot_usd_per_hour", "spot_as_of"),
    ):
        usd_per_hour = row.optional_usd(price)
        if usd_per_hour is not None:
            yield _offer(row, market=market, usd_per_hour=usd_per_hour, as_of=row.date(as_of))


def _offer(row: Row, *, market: Market, usd_per_hour: Decimal, as_of: str) -> Offer:
    return Offer(
        provider=row.text("provider"),
        region=row.text("region"),
        instance_type=row.text("instance_type"),
        market=market,
        gpu=row.text("gpu"),
        gpus_per_node=row.integer("gpu_count"),
        vcpus=row.integer("vcpus"),
        host_memory_gib=row.number("host_memory_gib"),
        usd_per_hour=usd_per_hour,
        as_of=as_of,
        source=row.text("source"),
        confidence=row.one_of("confidence", Confidence),
    )


def _cpu_offer(row: Row) -> CpuOffer:
    return CpuOffer(
        provider=row.text("provider"),
        region=row.text("region"),
        instance_type=row.text("instance_type"),
        vcpus=row.integer("vcpus"),
        host_memory_gib=row.number("host_memory_gib"),
        usd_per_hour=row.usd("price_ondemand_usd_per_hour"),
        as_of=row.date("as_of_date"),
        source=row.text("source"),
        confidence=row.one_of("confidence", Confidence),
    )


def _service(row: Row) -> ServicePrice:
    return ServicePrice(
        provider=row.text("provider"),
        service=row.text("service"),
        region=row.text("region"),
        unit=row.text("unit"),
        usd=row.usd("price_usd"),
        as_of=row.date("as_of_date"),
        source=row.text("source"),
        confidence=row.one_of("confidence", Confidence),
    )


def _reserved(row: Row) -> ReservedPrice:
    price = ReservedPrice(
        instance_type=row.text("instance_type"),
        region=row.text("region"),
        usd_per_hour=row.usd("reserved_1yr_usd_per_hour"),
        ondemand_usd_per_hour=row.usd("ondemand_usd_per_hour"),
    )
    if price.usd_per_hour > price.ondemand_usd_per_hour:
        raise row.fail("the reserved price is above the on-demand price")
    return price


def _interruptions(folder: Path) -> dict[tuple[str, str], int]:
    pairs = _table(folder, "spot_interruption.csv", _interruption, key=lambda pair: pair[0])
    return dict(pairs)


def _interruption(row: Row) -> tuple[tuple[str, str], int]:
    bucket = row.integer("bucket_index")
    if bucket not in INTERRUPTION_BUCKETS:
        raise row.fail(f"column bucket_index must be 0 to 4, got {bucket}")
    return (row.text("region"), row.text("instance_type")), bucket


def _price_book(folder: Path, offers: tuple[Offer, ...]) -> PriceBook:
    digest = hashlib.sha256()
    for file in PRICE_FILES:
        digest.update(_content(folder / file))
    return PriceBook(version=digest.hexdigest()[:12], date=max(o.as_of for o in offers))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise missing(path) from None
    except OSError as error:
        raise DataError(path.name, f"cannot be read ({error})") from None
