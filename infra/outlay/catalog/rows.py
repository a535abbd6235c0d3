"""Read one CSV file into typed rows; a bad cell becomes an error that names file, line and column."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from outlay.errors import DataError

E = TypeVar("E", bound=StrEnum)


class Row:
    """One line of a file; every accessor raises DataError when the cell is not what it asks for."""

    __slots__ = ("_cells", "file", "line")

    def __init__(self, file: str, line: int, cells: dict[str, str]) -> None:
        self.file = file
        self.line = line
        self._cells = cells

    @property
    def cells(self) -> dict[str, str]:
        """All cells by column, as they stand in the file."""
        return dict(self._cells)

    def fail(self, problem: str) -> DataError:
        """Return (not raise) an error that names this line."""
        return DataError(self.file, problem, row=self.line)

    def text(self, column: str) -> str:
        """Return a cell that must not be empty."""
        value = self.optional_text(column)
        if not value:
            raise self.fail(f"column {column} is empty")
        return value

    def optional_text(self, column: str) -> str:
        """Return a cell that may be empty."""
        try:
            return self._cells[column].strip()
        except KeyError:
            raise self.fail(f"column {column} is missing") from None

    def integer(self, column: str) -> int:
        """Return a whole number."""
        number = self.number(column)
        if number != int(number):
            raise self.fail(f"column {column} must be a whole number, got {number:g}")
        return int(number)

    def optional_integer(self, column: str) -> int | None:
        """Return a whole number, or None for an empty cell."""
        return self.integer(column) if self.optional_text(column) else None

    def number(self, column: str) -> float:
        """Return a finite number that is not negative: nothing in the catalogue is."""
        value = self.text(column)
        try:
            number = float(value)
        except ValueError:
            raise self.fail(f"column {column} must be a number, got {value!r}") from None
        if not math.isfinite(number) or number < 0:
            raise self.fail(f"column {column} must be finite and not negative, got {value}")
        return number

    def optional_number(self, column: str) -> float | None:
        """Return a number, or None for an empty cell."""
        return self.number(column) if self.optional_text(column) else None

    def optional_usd(self, column: str) -> Decimal | None:
        """Return a positive amount, or None for an empty cell."""
        if not self.optional_text(column):
            return None
        amount = self.usd(column)
        if not amount:
            raise self.fail(f"column {column} must be positive, got {amount}; unknown is empty")
        return amount

    def usd(self, column: str) -> Decimal:
        """Return an amount that may be zero but not negative or empty."""
        value = self.text(column)
        try:
            amount = Decimal(value)
        except InvalidOperation:
            raise self.fail(f"column {column} must be an amount, got {value!r}") from None
        if not amount.is_finite() or amount < 0:
            raise self.fail(f"column {column} must not be negative, got {value}")
        return amount

    def date(self, column: str) -> str:
        """Return a day, as ISO text such as 2026-07-20."""
        value = self.text(column)
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            raise self.fail(f"column {column} must be a date, got {value!r}") from None

    def one_of(self, column: str, enum: type[E]) -> E:
        """Return a member of an enumeration."""
        value = self.text(column)
        try:
            return enum(value)
        except ValueError:
            allowed = ", ".join(enum)
            raise self.fail(f"column {column} must be one of {allowed}, got {value!r}") from None

    def names(self, column: str) -> tuple[str, ...]:
        """Return the `;`-separated names of a cell."""
        return tuple(part.strip() for part in self.optional_text(column).split(";") if part.strip())


def missing(path: Path) -> DataError:
    """Return the error for a file that is not there."""
    return DataError(path.name, f"file not found in {path.parent}; restore it from the repository")


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a CSV file.

    Raises:
        DataError: the file is missing, not UTF-8, empty, or a line has too few or many cells.
    """
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            reader = csv.DictReader(handle, strict=True)
            if not reader.fieldnames:
                raise DataError(path.name, "the file is empty; restore it from the repository")
            for cells in reader:
                if None in cells or None in cells.values():
                    raise DataError(path.name, "wrong number of cells", row=reader.line_num)
                yield Row(path.name, reader.line_num, cells)
    except FileNotFoundError:
        raise missing(path) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(path.name, f"not a readable CSV file ({error})") from None
