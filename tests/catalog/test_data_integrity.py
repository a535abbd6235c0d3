"""The shipped data hold together. Each test is one rule over every row; a failure lists the rows."""

from __future__ import annotations

import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

import pytest

from outlay.catalog import PROVIDER_NAMES, PROVIDERS
from outlay.catalog.load import DATA
from outlay.catalog.names import normalise
from outlay.catalog.providers import ROUTERS_ON_GPU_NODES
from outlay.pricing.disks import WHOLE_SIZES_GIB
from tests.catalog.files import lines

# Hosts that carry one or few GPUs on a very large machine, so that a GPU costs a multiple there.
# AWS lists them at these prices; nobody would buy them for their GPUs.
LARGE_HOSTS = frozenset(
    {"g4dn.8xlarge", "g4dn.16xlarge", "g5.16xlarge", "g6.16xlarge", "g6e.16xlarge"}
)
# $/GPU of one GPU type at one provider and region, as a factor on its median across sizes.
BAND = (0.49, 2.0)
# Full layers of these have other heads than the windowed ones, which one row cannot hold; see `notes`.
OTHER_HEADS_IN_FULL_LAYERS = frozenset({"Gemma-4-26B-A4B", "Gemma-4-31B"})
# Listed without any price: the provider sells them through its sales people only.
CONTACT_SALES = frozenset({"gb300-4x"})
# Both columns hold what the driver reports (GiB), the first one rounded: on the safe side.
DRIVERS_FIGURE = frozenset({"B300"})
# Latent of DeepSeek's multi-head latent attention (512) and its rotary key (64), one for all heads.
MLA_VALUES_PER_LAYER = 512 + 64
# What a cluster, its disks and its answers need a price for, unless the provider has none of it.
SERVICES = ("block_storage", "internet_egress", "internet_egress_free_gb")
CLUSTER_SERVICES = ("control_plane", "nat_gateway", "public_ipv4")
UNITS = {
    **{f"premium_disk_{gib}_gib": "month" for gib in WHOLE_SIZES_GIB},
    "block_storage": "gb_month",
    "control_plane_extended": "hour",
    "control_plane_premium": "hour",
    "disk_gp2": "gb_month",
    "disk_hyperdisk_balanced": "gb_month",
    "disk_io1": "gb_month",
    "disk_io2": "gb_month",
    "disk_iops_gp3": "iops_month",
    "disk_iops_hyperdisk_balanced": "iops_month",
    "disk_iops_io1": "iops_month",
    "disk_iops_io2": "iops_month",
    "disk_pd_ssd": "gb_month",
    "disk_pd_standard": "gb_month",
    "disk_sc1": "gb_month",
    "disk_st1": "gb_month",
    "disk_throughput_gp3": "mib_per_s_month",
    "disk_throughput_hyperdisk_balanced": "mib_per_s_month",
    "load_balancer_classic": "hour",
    "log_ingestion": "gb",
    "object_storage": "gb_month",
    "internet_egress": "gb",
    "internet_egress_free_gb": "gb_per_month",
    "inter_region_egress": "gb",
    "nat_data": "gb",
    "control_plane": "hour",
    "load_balancer": "hour",
    "nat_gateway": "hour",
    "public_ipv4": "hour",
}
DATES = {
    "offers.csv": ("as_of_date", "ondemand_as_of", "spot_as_of"),
    "cpu_offers.csv": ("as_of_date",),
    "service_prices.csv": ("as_of_date",),
}
OLDEST = date(2020, 1, 1)
# The day up to which the files were gathered: a refresh moves it. No test asks the clock.
GATHERED = date(2026, 11, 23)
BUCKETS = {"<5%": "0", "5-10%": "1", "10-15%": "2", "15-20%": "3", ">20%": "4"}


@dataclass(frozen=True)
class Line:
    """One row as text."""

    file: str
    number: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def __str__(self) -> str:
        return f"{self.file}, line {self.number}: {', '.join(list(self.cells.values())[:8])}"

    @property
    def site(self) -> tuple[str, str]:
        """Provider and region."""
        return self["provider"], self["region"]

    @property
    def prices(self) -> list[Decimal]:
        """On-demand and spot price, where there is one."""
        columns = ("price_ondemand_usd_per_hour", "price_spot_usd_per_hour")
        return [Decimal(self[column]) for column in columns if self[column]]


@cache
def table(file: str) -> tuple[Line, ...]:
    header, *rows = lines(DATA / file)
    return tuple(
        Line(file, number, dict(zip(header, row, strict=True)))
        for number, row in enumerate(rows, start=2)
    )


Rule = Callable[[Line], bool]


def breaches(file: str, rule: Rule) -> list[str]:
    return [str(line) for line in table(file) if not rule(line)]


def gpu_of(line: Line) -> Line | None:
    return next((gpu for gpu in table("gpus.csv") if gpu["gpu"] == line["gpu"]), None)


def sources() -> set[str]:
    return {line["key"] for f in ("offer_sources.csv", "extra_sources.csv") for line in table(f)}


def offer_has_known_gpu(line: Line) -> bool:
    return gpu_of(line) is not None


def offer_has_its_gpus_memory(line: Line) -> bool:
    gpu = gpu_of(line)
    return gpu is not None and float(gpu["memory_gb"]) == float(line["gpu_memory_gb"])


def offer_has_a_price_or_is_sold_by_hand(line: Line) -> bool:
    by_hand = line["instance_type"] in CONTACT_SALES and "contact sales" in line["note"]
    return bool(line.prices) != by_hand


def offer_has_a_date_for_each_price(line: Line) -> bool:
    return all(
        bool(line[f"price_{market}_usd_per_hour"]) == bool(line[f"{market}_as_of"])
        for market in ("ondemand", "spot")
    )


def offer_is_dated_by_its_older_price(line: Line) -> bool:
    dates = [d for d in (line["ondemand_as_of"], line["spot_as_of"]) if d]
    return not dates or line["as_of_date"] == min(dates)


def offer_has_whole_gpus_or_is_an_azure_slice(line: Line) -> bool:
    count = float(line["gpu_count"])
    return count == int(count) > 0 or (0 < count < 1 and line["provider"] == "azure")


OFFER_RULES: list[Rule] = [
    offer_has_known_gpu,
    offer_has_its_gpus_memory,
    offer_has_a_price_or_is_sold_by_hand,
    offer_has_a_date_for_each_price,
    offer_is_dated_by_its_older_price,
    offer_has_whole_gpus_or_is_an_azure_slice,
    lambda line: all(price > 0 for price in line.prices),
    lambda line: len(line.prices) < 2 or line.prices[1] <= line.prices[0],
    # A spot price that equals the on-demand price is a source's way to say that it does not know.
    lambda line: len(line.prices) < 2 or line.prices[1] != line.prices[0],
    lambda line: int(line["vcpus"]) > 0 and float(line["host_memory_gib"]) > 0,
]
OFFER_RULE_NAMES = [
    *(rule.__name__ for rule in OFFER_RULES[:6]),
    "prices_are_positive",
    "spot_is_not_above_on_demand",
    "spot_is_not_on_demand",
    "host_has_cpus_and_memory",
]


@pytest.mark.parametrize("rule", OFFER_RULES, ids=OFFER_RULE_NAMES)
def test_offers(rule: Rule) -> None:
    assert breaches("offers.csv", rule) == []


@pytest.mark.parametrize(
    ("file", "columns"),
    [
        ("offers.csv", ("gpu", "gpu_count", "gpu_memory_gb", "vcpus", "host_memory_gib")),
        ("cpu_offers.csv", ("vcpus", "host_memory_gib")),
    ],
)
def test_an_instance_type_has_one_specification(file: str, columns: tuple[str, ...]) -> None:
    seen: dict[tuple[str, str], tuple[str, ...]] = {}

    def same(line: Line) -> bool:
        spec = tuple(line[column] for column in columns)
        return seen.setdefault((line["provider"], line["instance_type"]), spec) == spec

    assert breaches(file, same) == []


def usd_per_gpu(line: Line) -> float:
    return float(line["price_ondemand_usd_per_hour"]) / float(line["gpu_count"])


def test_a_gpu_costs_about_the_same_in_every_size_of_host() -> None:
    """One price out of line is more often a typing error, or another meter, than a bargain."""
    groups: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in table("offers.csv"):
        if line["price_ondemand_usd_per_hour"] and float(line["gpu_count"]) >= 1:
            groups[line["provider"], line["gpu"], line["region"]].append(line)
    outside = [
        line
        for group in groups.values()
        for line in group
        if not BAND[0] <= usd_per_gpu(line) / statistics.median(map(usd_per_gpu, group)) <= BAND[1]
    ]
    assert [str(line) for line in outside if line["instance_type"] not in LARGE_HOSTS] == []
    assert {line["instance_type"] for line in outside} == LARGE_HOSTS, "an exception is outdated"


@pytest.mark.parametrize("file", ["offers.csv", "cpu_offers.csv", "service_prices.csv"])
def test_every_source_key_is_described(file: str) -> None:
    known = sources()
    assert breaches(file, lambda line: set(line["source"].split("+")) <= known) == []


def test_no_source_key_is_described_twice() -> None:
    keys = [line["key"] for f in ("offer_sources.csv", "extra_sources.csv") for line in table(f)]
    assert sorted(keys) == sorted(set(keys))


def is_day(text: str) -> bool:
    return not text or OLDEST <= date.fromisoformat(text) <= GATHERED


@pytest.mark.parametrize("file", sorted(DATES))
def test_dates_are_days_and_none_is_later_than_the_gathering(file: str) -> None:
    assert breaches(file, lambda line: all(is_day(line[c]) for c in DATES[file])) == []


def names_of(line: Line, key: str) -> set[str]:
    typed = {line[key], *line["aliases"].split(";"), line.cells.get("hf_id", "")}
    return {normalise(name) for name in typed if name}


@pytest.mark.parametrize(("file", "key"), [("models.csv", "model"), ("gpus.csv", "gpu")])
def test_no_name_or_alias_stands_for_two(file: str, key: str) -> None:
    owners: dict[str, str] = {}

    def alone(line: Line) -> bool:
        return all(owners.setdefault(n, line[key]) == line[key] for n in names_of(line, key))

    assert breaches(file, alone) == []


def test_no_name_stands_for_a_model_and_a_gpu() -> None:
    models = {n for line in table("models.csv") for n in names_of(line, "model")}
    assert breaches("gpus.csv", lambda line: not names_of(line, "gpu") & models) == []


def number(line: Line, column: str) -> float:
    return float(line[column] or 0)


def kv_bytes(line: Line) -> float:
    """Keys and values of all layers that cache per token, two bytes each."""
    kv_layers = "full_attention_layers" if line["attention"] == "hybrid_linear" else "layers"
    per_layer = 2 * number(line, "kv_heads") * number(line, "head_dim")
    if line["attention"] == "mla":
        per_layer = MLA_VALUES_PER_LAYER
    return 2 * number(line, kv_layers) * per_layer


def model_has_the_kv_bytes_of_its_attention(line: Line) -> bool:
    exception = line["model"] in OTHER_HEADS_IN_FULL_LAYERS and "full" in line["notes"]
    return (number(line, "kv_bytes_per_token_16bit") == kv_bytes(line)) != exception


def model_has_the_layers_of_its_attention(line: Line) -> bool:
    full, layers = number(line, "full_attention_layers"), number(line, "layers")
    mixed = line["attention"] in {"sliding", "hybrid_linear"}
    return 0 <= full <= layers if mixed else full == layers


def model_has_the_heads_of_its_attention(line: Line) -> bool:
    heads, kv_heads = number(line, "heads"), number(line, "kv_heads")
    equal = {"mha": True, "gqa": False}.get(line["attention"], heads == kv_heads)
    return heads % kv_heads == 0 and (heads == kv_heads) == equal


def model_has_all_of_its_experts_or_nothing(line: Line) -> bool:
    columns = ("n_experts", "experts_per_tok", "moe_intermediate")
    total, active = number(line, "n_experts"), number(line, "experts_per_tok")
    return len({bool(line[column]) for column in columns}) == 1 and active <= total


MODEL_RULES: dict[str, Rule] = {
    "repository_is_owner_and_name": lambda line: (
        re.fullmatch(r"[\w.-]+/[\w.-]+", line["hf_id"]) is not None
    ),
    "aliases_are_lower_case": lambda line: line["aliases"] == line["aliases"].lower(),
    "heads_fit_the_attention": model_has_the_heads_of_its_attention,
    "layers_fit_the_attention": model_has_the_layers_of_its_attention,
    "kv_bytes_fit_the_attention": model_has_the_kv_bytes_of_its_attention,
    "a_window_means_sliding": lambda line: (
        bool(line["sliding_window_tokens"]) == (line["attention"] == "sliding")
    ),
    "experts_are_all_there_or_none": model_has_all_of_its_experts_or_nothing,
    "no_more_parameters_active_than_there_are": lambda line: (
        0 < number(line, "active_params_b") <= number(line, "params_b")
    ),
    "dense_models_use_all_parameters": lambda line: (
        bool(line["n_experts"]) or line["active_params_b"] == line["params_b"]
    ),
    "dense_layers_lead": lambda line: number(line, "n_dense_layers") <= number(line, "layers"),
    "sizes_are_positive": lambda line: all(
        number(line, c) > 0 for c in ("layers", "hidden", "head_dim", "vocab", "max_context_tokens")
    ),
    "source_is_named": lambda line: bool(line["source"]),
}


@pytest.mark.parametrize("rule", MODEL_RULES)
def test_models(rule: str) -> None:
    assert breaches("models.csv", MODEL_RULES[rule]) == []


GPU_RULES: dict[str, Rule] = {
    "memory_and_bandwidth_are_positive": lambda line: (
        number(line, "memory_gb") > 0 and number(line, "memory_bandwidth_gb_per_s") > 0
    ),
    # Makers write GB for GiB, and the driver keeps some: usable is not above the marketed figure.
    "usable_memory_is_not_above_the_marketed": lambda line: (
        (number(line, "memory_usable_gib") <= number(line, "memory_gb"))
        != (line["gpu"] in DRIVERS_FIGURE)
    ),
    "lower_precision_is_not_slower": lambda line: (
        not line["fp8_dense_tflops"]
        or number(line, "fp8_dense_tflops") >= number(line, "fp16_bf16_dense_tflops")
    ),
    "nvidia_names_its_capability": lambda line: (
        line["vendor"] != "nvidia" or float(line["compute_capability"]) >= 7
    ),
    "source_is_named": lambda line: bool(line["source"]),
}


@pytest.mark.parametrize("rule", GPU_RULES)
def test_gpus(rule: str) -> None:
    assert breaches("gpus.csv", GPU_RULES[rule]) == []


def test_cpu_offers_are_where_gpus_are_sold() -> None:
    sites = {line.site for line in table("offers.csv")}
    assert breaches("cpu_offers.csv", lambda line: line.site in sites) == []


def test_cpu_offers_are_positive() -> None:
    positive = breaches(
        "cpu_offers.csv",
        lambda line: Decimal(line["price_ondemand_usd_per_hour"]) > 0 and number(line, "vcpus") > 0,
    )
    assert positive == []


def test_a_larger_cpu_node_of_one_family_costs_more() -> None:
    groups: dict[tuple[str, str, str], list[tuple[int, Decimal]]] = defaultdict(list)
    for line in table("cpu_offers.csv"):
        family = re.sub(r"\d+(?=as_|s_|a?d?s?_v)|[.-]?\d*x?large$|-\d+$", "", line["instance_type"])
        price = Decimal(line["price_ondemand_usd_per_hour"])
        groups[*line.site, family].append((int(line["vcpus"]), price))
    wrong = {
        key: sizes
        for key, sizes in groups.items()
        if sorted(sizes) != sorted(sizes, key=lambda size: size[1])
    }
    assert wrong == {}


def test_not_sold_rows_name_something_on_offer() -> None:
    offered = {(line["provider"], line["instance_type"]) for line in table("offers.csv")}
    rule: Rule = lambda line: (line["provider"], line["instance_type"]) in offered  # noqa: E731 - one rule
    assert breaches("not_sold.csv", rule) == []


def test_what_needs_a_reservation_is_not_sold_on_demand() -> None:
    """The note of an offer and not_sold.csv say the same."""
    withheld = {line["instance_type"] for line in table("not_sold.csv")}
    noted = re.compile(r"list equivalent|only Spot|Spot or Flex|reservation", re.IGNORECASE)
    rule: Rule = lambda line: (  # noqa: E731 - one rule
        not noted.search(line["note"]) or line["instance_type"] in withheld
    )
    assert breaches("offers.csv", rule) == []


def test_interruption_buckets_are_those_of_their_text() -> None:
    rule: Rule = lambda line: (  # noqa: E731 - one rule
        BUCKETS[line["interruption_pct_per_month_bucket"]] == line["bucket_index"]
    )
    assert breaches("spot_interruption.csv", rule) == []


def reserved_matches_its_discount(line: Line) -> bool:
    full, less = (number(line, c) for c in ("ondemand_usd_per_hour", "reserved_1yr_usd_per_hour"))
    return 0 < less <= full and abs(1 - less / full - number(line, "discount_fraction")) < 0.001


def reserved_starts_from_the_offers_price(line: Line) -> bool:
    prices = {
        (offer["instance_type"], offer["region"]): offer["price_ondemand_usd_per_hour"]
        for offer in table("offers.csv")
        if offer["provider"] == "aws"
    }
    offered = prices.get((line["instance_type"], line["region"]))
    return offered is None or Decimal(offered) == Decimal(line["ondemand_usd_per_hour"])


@pytest.mark.parametrize(
    "rule", [reserved_matches_its_discount, reserved_starts_from_the_offers_price]
)
def test_reserved_prices(rule: Rule) -> None:
    sample = breaches("reserved.csv", rule)
    assert sample == []


def test_services_are_priced_in_the_unit_that_their_readers_expect() -> None:
    rule: Rule = lambda line: UNITS[line["service"]] == line["unit"]  # noqa: E731 - one rule
    assert breaches("service_prices.csv", rule) == []


def needed(provider: str) -> Iterable[str]:
    yield from SERVICES
    if provider not in ROUTERS_ON_GPU_NODES:
        yield from CLUSTER_SERVICES


@pytest.mark.parametrize("provider", PROVIDER_NAMES)
def test_a_provider_has_a_price_for_each_service_it_needs(provider: str) -> None:
    priced = {
        line["service"] for line in table("service_prices.csv") if line["provider"] == provider
    }
    assert set(needed(provider)) - priced == set()


@pytest.mark.parametrize("provider", PROVIDER_NAMES)
def test_a_provider_has_gpus_and_where_it_needs_them_cpu_nodes(provider: str) -> None:
    assert any(line["provider"] == provider for line in table("offers.csv"))
    has_cpus = any(line["provider"] == provider for line in table("cpu_offers.csv"))
    assert has_cpus or provider in ROUTERS_ON_GPU_NODES


def test_service_prices_are_of_known_providers_and_regions() -> None:
    sites = {line.site for line in table("offers.csv")} | {(name, "*") for name in PROVIDER_NAMES}
    assert breaches("service_prices.csv", lambda line: line.site in sites) == []


def test_providers_are_named_once() -> None:
    assert len({p.name for p in PROVIDERS}) == len(PROVIDERS)
