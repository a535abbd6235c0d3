"""The data files become one catalogue; a file that is missing or contradicts itself stops everything."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from outlay.catalog import Confidence, CpuOffer, Market, Offer, Precision, load_catalog
from outlay.catalog.load import DATA, PRICE_FILES
from outlay.errors import DataError
from tests.catalog.files import cell, lines, set_cell, write

LOADED = (*PRICE_FILES, "gpus.csv", "models.csv", "spot_interruption.csv")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the data files to break."""
    return shutil.copytree(DATA, tmp_path / "data")


def refused(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        load_catalog(folder)
    return str(caught.value)


def test_a_gpu_has_the_values_of_its_row() -> None:
    gpu = load_catalog().gpu("T4")
    assert (gpu.memory_gb, gpu.memory_usable_gib, gpu.memory_bandwidth_gb_per_s) == (16, 15, 320)
    assert (gpu.fp16_tflops, gpu.fp8_tflops, gpu.int8_tops, gpu.fp4_tflops) == (65, None, 130, None)
    assert (gpu.vendor, gpu.link, gpu.link_bandwidth_gb_per_s) == ("nvidia", "PCIe3x16", 16)
    assert (gpu.compute_capability, gpu.confidence) == (7.5, Confidence.SOURCED)


def test_an_architecture_name_is_no_compute_capability() -> None:
    assert load_catalog().gpu("MI300X").compute_capability is None


def test_a_model_has_the_values_of_its_row() -> None:
    model = load_catalog().model("Llama-2-70B")
    assert (model.layers, model.hidden, model.heads, model.kv_heads) == (80, 8192, 64, 8)
    assert (model.params_b, model.kv_bytes_per_token_16bit) == (68.98, 327_680)
    assert (model.n_experts, model.is_moe, model.sliding_window_tokens) == (0, False, None)
    assert model.native_precision is Precision.FP16


def test_one_row_becomes_one_offer_per_market() -> None:
    offers = [
        o
        for o in load_catalog().offers
        if (o.instance_type, o.region) == ("g4dn.12xlarge", "us-east-1")
    ]
    on_demand = Offer(
        provider="aws",
        region="us-east-1",
        instance_type="g4dn.12xlarge",
        market=Market.ON_DEMAND,
        gpu="T4",
        gpus_per_node=4,
        vcpus=48,
        host_memory_gib=192.0,
        usd_per_hour=Decimal("3.912"),
        as_of="2026-07-20",
        source="karpenter-aws+spotinfo-aws",
        confidence=Confidence.SOURCED,
    )
    spot = replace(
        on_demand, market=Market.SPOT, usd_per_hour=Decimal("1.5537"), as_of="2026-08-10"
    )
    assert offers == [on_demand, spot]
    assert on_demand.key == "aws/us-east-1/g4dn.12xlarge/on-demand"
    assert on_demand.usd_per_gpu_hour == Decimal("0.978")


def test_an_unknown_price_is_no_offer() -> None:
    keys = {offer.key for offer in load_catalog().offers}
    assert "aws/us-west-2/g4dn.12xlarge/on-demand" in keys
    assert "aws/us-west-2/g4dn.12xlarge/spot" not in keys


def test_what_is_not_sold_in_a_market_is_no_offer_there() -> None:
    sold = {(o.instance_type, o.market) for o in load_catalog().offers}
    assert ("a3-highgpu-1g", Market.SPOT) in sold
    assert ("a3-highgpu-1g", Market.ON_DEMAND) not in sold


def test_slices_of_gpus_and_providers_outside_the_table_are_left_out() -> None:
    offers = load_catalog().offers
    assert {o.provider for o in offers} == {"aws", "gcp", "azure", "coreweave", "lambda"}
    assert min(o.gpus_per_node for o in offers) == 1


def test_offers_are_sorted_by_key() -> None:
    keys = [offer.key for offer in load_catalog().offers]
    assert keys == sorted(set(keys))


def test_cpu_offers_and_service_prices_have_the_values_of_their_rows() -> None:
    catalog = load_catalog()
    assert catalog.cpu_offers[0] == CpuOffer(
        provider="aws",
        region="ap-northeast-1",
        instance_type="m6i.2xlarge",
        vcpus=8,
        host_memory_gib=32.0,
        usd_per_hour=Decimal("0.496"),
        as_of="2025-01-01",
        source="skypilot-v8-aws",
        confidence=Confidence.SOURCED,
    )
    control_plane = catalog.service_price("aws", "control_plane", "us-east-1")
    assert control_plane is not None
    assert (control_plane.usd, control_plane.unit) == (Decimal("0.10"), "hour")


def test_a_service_has_the_price_of_its_region_else_the_general_one_else_none() -> None:
    catalog = load_catalog()
    regions = [
        price.region
        for region in ("us-east-1", "eu-west-1")
        if (price := catalog.service_price("aws", "control_plane", region))
    ]
    assert regions == ["us-east-1", "*"]
    assert catalog.service_price("aws", "teleport", "us-east-1") is None


def test_interruptions_and_reserved_prices_have_the_values_of_their_rows() -> None:
    catalog = load_catalog()
    assert catalog.interruption_bucket("af-south-1", "g4dn.2xlarge") == 4
    assert catalog.interruption_bucket("af-south-1", "p9.large") is None
    first = catalog.reserved[0]
    assert (first.instance_type, first.region) == ("g4dn.12xlarge", "af-south-1")
    assert (first.usd_per_hour, first.ondemand_usd_per_hour) == (Decimal("3.542"), Decimal("5.19"))


def test_regions_are_those_of_the_offers() -> None:
    assert ("aws", "us-east-1") in load_catalog().regions
    assert list(load_catalog().regions) == sorted(set(load_catalog().regions))


def test_the_price_book_is_the_hash_of_the_price_files_and_the_newest_offer_date() -> None:
    digest = hashlib.sha256(b"".join((DATA / file).read_bytes() for file in PRICE_FILES))
    book = load_catalog().price_book
    assert book.version == digest.hexdigest()[:12]
    assert book.date == max(offer.as_of for offer in load_catalog().offers)


def test_another_price_makes_another_price_book(folder: Path) -> None:
    set_cell(folder / "offers.csv", "price_ondemand_usd_per_hour", "3.913")
    assert load_catalog(folder).price_book.version != load_catalog().price_book.version


@pytest.mark.parametrize("file", LOADED)
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    assert refused(folder) == (
        f"{file}: file not found in {folder}; restore it from the repository"
    )


@pytest.mark.parametrize("file", LOADED)
def test_an_empty_file_is_named(folder: Path, file: str) -> None:
    (folder / file).write_bytes(b"")
    assert refused(folder) == f"{file}: the file is empty; restore it from the repository"


@pytest.mark.parametrize("file", sorted(set(LOADED) - {"not_sold.csv"}))
def test_a_file_without_rows_is_named(folder: Path, file: str) -> None:
    write(folder / file, lines(folder / file)[:1])
    assert refused(folder) == f"{file}: the file has no rows; restore it from the repository"


def test_everything_may_be_sold(folder: Path) -> None:
    """not_sold.csv lists exceptions; there may be none."""
    write(folder / "not_sold.csv", lines(folder / "not_sold.csv")[:1])
    assert len(load_catalog(folder).offers) > len(load_catalog().offers)


@pytest.mark.parametrize("file", LOADED)
def test_a_file_that_is_not_utf_8_is_named(folder: Path, file: str) -> None:
    path = folder / file
    path.write_bytes(path.read_bytes() + "é\n".encode("latin-1"))
    assert refused(folder).startswith(f"{file}: not a readable CSV file")


@pytest.mark.parametrize("file", LOADED)
def test_a_cut_line_is_named(folder: Path, file: str) -> None:
    rows = lines(folder / file)
    write(folder / file, [*rows[:2], rows[2][:-1], *rows[3:]])
    assert refused(folder) == f"{file}, line 3: wrong number of cells"


@pytest.mark.parametrize("file", sorted(set(LOADED) - {"not_sold.csv"}))
def test_a_repeated_line_is_a_duplicate_key(folder: Path, file: str) -> None:
    rows = lines(folder / file)
    write(folder / file, [rows[0], rows[1], *rows[1:]])
    assert refused(folder).startswith(f"{file}, line 3: duplicate key")


BAD_CELLS = [
    ("gpus.csv", "memory_gb", "lots"),
    ("gpus.csv", "memory_gb", "-1"),
    ("gpus.csv", "compute_capability", "7.x"),
    ("gpus.csv", "fp8_dense_tflops", "nan"),
    ("gpus.csv", "confidence", "sure"),
    ("models.csv", "layers", "32.5"),
    ("models.csv", "kv_heads", "inf"),
    ("models.csv", "native_weight_precision", "fp64"),
    ("models.csv", "model", ""),
    ("offers.csv", "gpu_count", "1.5"),
    ("offers.csv", "price_ondemand_usd_per_hour", "0"),
    ("offers.csv", "price_ondemand_usd_per_hour", "-3.9"),
    ("offers.csv", "price_spot_usd_per_hour", "cheap"),
    ("offers.csv", "spot_as_of", "yesterday"),
    ("offers.csv", "region", " "),
    ("cpu_offers.csv", "price_ondemand_usd_per_hour", ""),
    ("cpu_offers.csv", "as_of_date", "2026-13-01"),
    ("service_prices.csv", "price_usd", "-0.1"),
    ("service_prices.csv", "unit", ""),
    ("not_sold.csv", "market", "lease"),
    ("spot_interruption.csv", "bucket_index", "5"),
    ("spot_interruption.csv", "bucket_index", "x"),
    ("reserved.csv", "reserved_1yr_usd_per_hour", "?"),
]


@pytest.mark.parametrize(("file", "column", "value"), BAD_CELLS)
def test_a_bad_cell_names_file_line_and_column(
    folder: Path, file: str, column: str, value: str
) -> None:
    set_cell(folder / file, column, value, line=3)
    if column == "spot_as_of":
        assert cell(folder / file, "price_spot_usd_per_hour", line=3)
    assert refused(folder).startswith(f"{file}, line 3: column {column} ")


def test_an_offer_of_an_unknown_gpu_is_refused(folder: Path) -> None:
    set_cell(folder / "offers.csv", "gpu", "H1000")
    assert refused(folder) == "offers.csv, line 2: GPU 'H1000' is not in gpus.csv"


def test_an_offer_whose_gpu_has_other_memory_is_refused(folder: Path) -> None:
    set_cell(folder / "offers.csv", "gpu_memory_gb", "24")
    assert refused(folder) == "offers.csv, line 2: gpu_memory_gb differs from gpus.csv (16)"


def test_spot_above_on_demand_is_refused(folder: Path) -> None:
    set_cell(folder / "offers.csv", "price_spot_usd_per_hour", "3.9121")
    assert refused(folder) == (
        "offers.csv, line 2: spot price 3.9121 is above the on-demand price 3.912"
    )


def test_reserved_above_on_demand_is_refused(folder: Path) -> None:
    set_cell(folder / "reserved.csv", "reserved_1yr_usd_per_hour", "5.20")
    assert refused(folder) == (
        "reserved.csv, line 2: the reserved price is above the on-demand price"
    )
