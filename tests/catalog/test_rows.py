"""A CSV cell becomes a typed value, or an error that names file, line and column."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from outlay.catalog import Market
from outlay.catalog.rows import Row, read_rows
from outlay.errors import DataError


def row(value: str) -> Row:
    return Row("offers.csv", 7, {"cell": value})


def test_values_are_exact_and_stripped() -> None:
    assert row(" T4 ").text("cell") == "T4"
    assert row("16").integer("cell") == 16
    assert row("16.0").integer("cell") == 16
    assert row("15.78").number("cell") == 15.78
    assert row("0.1").usd("cell") == Decimal("0.1")
    assert row("0").usd("cell") == Decimal(0)
    assert row("3.912").optional_usd("cell") == Decimal("3.912")
    assert row("2026-07-20").date("cell") == "2026-07-20"
    assert row("spot").one_of("cell", Market) is Market.SPOT
    assert row(" a; b;;").names("cell") == ("a", "b")


def test_an_empty_cell_is_none_only_where_it_may_be() -> None:
    assert row(" ").optional_text("cell") == ""
    assert row("").optional_integer("cell") is None
    assert row("").optional_number("cell") is None
    assert row("").optional_usd("cell") is None
    assert row("").names("cell") == ()


@pytest.mark.parametrize(
    ("accessor", "value", "problem"),
    [
        ("text", " ", "column cell is empty"),
        ("integer", "", "column cell is empty"),
        ("integer", "1.5", "column cell must be a whole number, got 1.5"),
        ("integer", "eight", "column cell must be a number, got 'eight'"),
        ("integer", "nan", "column cell must be finite and not negative, got nan"),
        ("integer", "inf", "column cell must be finite and not negative, got inf"),
        ("number", "1,5", "column cell must be a number, got '1,5'"),
        ("number", "-1", "column cell must be finite and not negative, got -1"),
        ("optional_number", "x", "column cell must be a number, got 'x'"),
        ("optional_integer", "0.5", "column cell must be a whole number, got 0.5"),
        ("usd", "", "column cell is empty"),
        ("usd", "$1", "column cell must be an amount, got '$1'"),
        ("usd", "-0.1", "column cell must not be negative, got -0.1"),
        ("usd", "NaN", "column cell must not be negative, got NaN"),
        ("usd", "Infinity", "column cell must not be negative, got Infinity"),
        ("optional_usd", "0", "column cell must be positive, got 0; unknown is empty"),
        ("optional_usd", "free", "column cell must be an amount, got 'free'"),
        ("date", "2026-02-30", "column cell must be a date, got '2026-02-30'"),
        ("date", "", "column cell is empty"),
    ],
)
def test_a_bad_cell_names_file_line_and_column(accessor: str, value: str, problem: str) -> None:
    with pytest.raises(DataError) as caught:
        getattr(row(value), accessor)("cell")
    assert str(caught.value) == f"offers.csv, line 7: {problem}"
    assert (caught.value.file, caught.value.row) == ("offers.csv", 7)


def test_a_word_outside_the_enumeration_names_those_allowed() -> None:
    with pytest.raises(DataError, match="must be one of on-demand, spot, got 'reserved'"):
        row("reserved").one_of("cell", Market)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match=re.escape("offers.csv, line 7: column price is missing")):
        row("x").text("price")


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    """A quoted cell may hold a line break; blank lines are skipped but counted."""
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,"x\ny"\n\n2,z\n')
    assert [(r.line, r.text("a"), r.text("b")) for r in read_rows(path)] == [
        (3, "1", "x\ny"),
        (5, "2", "z"),
    ]


@pytest.mark.parametrize("line", ["1", "1,2,3"])
def test_a_line_with_too_few_or_many_cells_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"a,b\n1,2\n{line}\n")
    with pytest.raises(DataError, match=r"^t\.csv, line 3: wrong number of cells$"):
        list(read_rows(path))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty; restore it from the repository"),
        (b"a,b\n\xff,1\n", "not a readable CSV file"),
        (b'a,b\n"1,2\n', "not a readable CSV file"),
    ],
)
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"^t\.csv: {problem}"):
        list(read_rows(path))


def test_a_missing_file_names_its_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        list(read_rows(tmp_path / "t.csv"))
    assert str(caught.value) == (
        f"t.csv: file not found in {tmp_path}; restore it from the repository"
    )


def test_a_folder_in_place_of_a_file_is_an_error_of_the_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a readable CSV file"):
        list(read_rows(tmp_path))
