"""Edit a copy of the data files, cell by cell."""

from __future__ import annotations

import csv
from pathlib import Path


def lines(path: Path) -> list[list[str]]:
    """Return all lines of a CSV file, the header first."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.reader(handle))


def write(path: Path, rows: list[list[str]]) -> None:
    """Write lines as CSV."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows(rows)


def set_cell(path: Path, column: str, value: str, *, line: int = 2) -> None:
    """Put a value into one cell; line 1 is the header."""
    rows = lines(path)
    rows[line - 1][rows[0].index(column)] = value
    write(path, rows)


def cell(path: Path, column: str, *, line: int = 2) -> str:
    """Return one cell."""
    rows = lines(path)
    return rows[line - 1][rows[0].index(column)]
