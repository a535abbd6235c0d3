"""Inputs are read as the engine sends them, and nothing unreadable passes for a value."""

from __future__ import annotations

import pytest

from outlay.pricing.inputs import UNKNOWN, Inputs, NoPriceError, is_unknown, unwrap

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
OUTPUT = {"4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4"}


@pytest.mark.parametrize(
    ("wrapped", "value"),
    [
        (3, 3),
        ({**SECRET, "value": "p5.48xlarge"}, "p5.48xlarge"),
        ({**SECRET, "plaintext": '"p5.48xlarge"'}, "p5.48xlarge"),
        ({**OUTPUT, "value": {**SECRET, "value": 2}}, 2),
        ({**SECRET, "ciphertext": "v1:abc"}, UNKNOWN),
        ({**SECRET, "plaintext": "not json"}, UNKNOWN),
        (OUTPUT, UNKNOWN),
    ],
)
def test_secrets_and_outputs_are_unwrapped(wrapped: object, value: object) -> None:
    assert unwrap(wrapped) == value


@pytest.mark.parametrize(
    ("value", "count"), [(2, 2), (2.0, 2), ("2", 2), (0.0, 0), ({**SECRET, "value": 4.0}, 4)]
)
def test_whole_numbers_are_counts_in_every_form_of_the_wire(value: object, count: int) -> None:
    assert Inputs({"n": value}).count("n") == count


@pytest.mark.parametrize(
    "value", [-1, 1.5, True, "two", "", [], {}, float("inf"), float("nan"), "²"]
)
def test_anything_else_is_no_count(value: object) -> None:
    with pytest.raises(NoPriceError, match="n must be a whole number of 0 or more"):
        Inputs({"n": value}).count("n")


def test_a_missing_field_is_named_by_its_whole_path() -> None:
    with pytest.raises(NoPriceError, match=r"^scalingConfig\.minSize is missing$"):
        Inputs({"scalingConfig": {}}).child("scalingConfig").count("minSize")


@pytest.mark.parametrize(
    "unknown",
    [UNKNOWN, "3eeb2bf0-c639-47a8-9e75-3b44932eb421", "[secret]", {**SECRET, "ciphertext": "x"}],
)
def test_an_unknown_never_reads_as_a_value(unknown: object) -> None:
    """Whatever reader is used, a value that is known only later stops the pricing."""
    inputs = Inputs({"field": unknown, "list": [unknown]})
    for read in (
        inputs.text,
        inputs.texts,
        inputs.count,
        inputs.optional_count,
        inputs.flag,
        inputs.child,
        inputs.children,
        inputs.length,
    ):
        with pytest.raises(NoPriceError, match="field is not known before the update"):
            read("field")
    with pytest.raises(NoPriceError, match=r"list\[0\] is not known before the update"):
        inputs.texts("list")
    assert inputs.given("field")
    assert is_unknown(unwrap(unknown))


def test_the_length_of_a_list_is_known_though_its_elements_are_not() -> None:
    assert Inputs({"subnets": [UNKNOWN, UNKNOWN]}).length("subnets") == 2


def test_absent_fields_read_as_nothing() -> None:
    inputs = Inputs({})
    assert inputs.optional_text("a") is None
    assert inputs.optional_count("a") is None
    assert inputs.flag("a") is False
    assert inputs.texts("a") == ()
    assert inputs.children("a") == ()
    assert inputs.child("a") == Inputs({}, "a")
    assert not inputs.given("a")


@pytest.mark.parametrize(
    ("read", "value"),
    [
        ("text", 3),
        ("flag", "perhaps"),
        ("child", [1]),
        ("children", ["x"]),
        ("texts", "x"),
        ("texts", [1]),
    ],
)
def test_a_value_of_the_wrong_kind_stops_the_pricing(read: str, value: object) -> None:
    with pytest.raises(NoPriceError, match=r"f.* must be"):
        getattr(Inputs({"f": value}), read)("f")
