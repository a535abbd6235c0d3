"""Whatever a user types is resolved once, at the border, or answered with what is near."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import load_catalog
from outlay.catalog.names import Names, normalise
from outlay.errors import UnknownNameError

MANY: list[tuple[str, list[str]]] = [(f"card{number}", []) for number in range(9)]
NAMES = Names.build(
    "GPU", [("H100", ["H100-80GB-SXM", "A"]), ("A", []), ("B200", ["h100 80gb sxm"]), *MANY]
)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("H100_80GB SXM", "h100-80gb-sxm"),
        ("  meta-llama/Llama-3.1-8B ", "meta-llama-llama-3.1-8b"),
        ("a__/ b", "a-b"),
        ("", ""),
    ],
)
def test_case_and_separators_are_folded(typed: str, key: str) -> None:
    assert normalise(typed) == key


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_a_canonical_name_wins_over_an_alias_and_the_first_alias_over_later_ones() -> None:
    assert NAMES.resolve("a") == "A"
    assert NAMES.resolve("H100_80GB_SXM") == "H100"


@pytest.mark.parametrize(
    ("typed", "near"),
    [("H10", ("H100",)), ("b20", ("B200",)), ("", ()), ("q", ()), ("80gb", ("H100",))],
)
def test_an_unknown_name_carries_what_is_near(typed: str, near: tuple[str, ...]) -> None:
    with pytest.raises(UnknownNameError) as caught:
        NAMES.resolve(typed)
    assert (caught.value.kind, caught.value.name, caught.value.nearest) == ("GPU", typed, near)


def test_few_names_are_shown_whole() -> None:
    few = Names.build("provider", [("gcp", ["google"]), ("aws", [])])
    assert few.nearest("zzz") == ("aws", "gcp")
    assert few.nearest("goggle") == ("gcp",)


def test_the_message_offers_the_near_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"^unknown GPU 'h10'; did you mean H100\?$"):
        NAMES.resolve("h10")
    with pytest.raises(UnknownNameError, match=r"^unknown GPU 'tpu'$"):
        NAMES.resolve("tpu")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("llama-3.1-8b", "Llama-3.1-8B"),
        ("LLAMA 3.1 8B", "Llama-3.1-8B"),
        ("meta-llama/Llama-3.1-8B-Instruct", "Llama-3.1-8B"),
        ("gpt_oss_120b", "gpt-oss-120b"),
    ],
)
def test_models_are_known_by_name_alias_and_repository(typed: str, name: str) -> None:
    assert load_catalog().model(typed).name == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [("h100", "H100"), ("T4-16", "T4"), ("nvidia-tesla-t4", "T4"), ("A100-40GB", "A100-40")],
)
def test_gpus_are_known_by_name_and_alias(typed: str, name: str) -> None:
    assert load_catalog().gpu(typed).name == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [("AWS", "aws"), ("google", "gcp"), ("lambda labs", "lambda"), ("Lambda_Labs", "lambda")],
)
def test_providers_are_known_by_name_and_alias(typed: str, name: str) -> None:
    assert load_catalog().provider_names.resolve(typed) == name
