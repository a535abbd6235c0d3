"""What every terminal report looks like: its tables and its lines of text."""

from __future__ import annotations

from collections.abc import Set

from rich.console import Console
from rich.table import Table
from rich.text import Text

Json = dict[str, object]


def table(*columns: str, wrapped: Set[str] = frozenset()) -> Table:
    """Return an empty table; a column that starts with `>` is right-aligned.

    On a narrow terminal only the columns in `wrapped` give way, so that no name breaks in two.
    """
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        name = column.removeprefix(">")
        made.add_column(
            name,
            justify="right" if name != column else "left",
            overflow="fold",
            no_wrap=name not in wrapped,
        )
    return made


def line(out: Console, text: str | Text, *, style: str = "") -> None:
    """Print text; a line that a program reads stays one line."""
    shown = Text(text, style=style) if isinstance(text, str) else text
    out.print(shown, soft_wrap=not out.is_terminal)


def percent(share: float, *, digits: int = 1) -> str:
    """Write a share as `98.7 %`."""
    return f"{share:.{digits}%}".replace("%", " %")
