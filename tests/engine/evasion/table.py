"""Write the table of ways around a budget into docs/policies.md: `python -m tests.engine.evasion.table`."""

from __future__ import annotations

from collections.abc import Iterator

from tests.engine.evasion.beyond import BEYOND
from tests.engine.evasion.declared import TRICKS
from tests.engine.evasion.runs import RUNS
from tests.engine.evasion.tricks import Run, Trick
from tools.marked import replaced
from tools.setup.layout import REPOSITORY

FILE = REPOSITORY / "docs" / "policies.md"
COMMAND = "python -m tests.engine.evasion.table"


def table() -> str:
    """Return the section: what is stopped, and what is out of reach."""
    return "".join(_lines())


def _lines() -> Iterator[str]:
    yield f"{len(TRICKS) + len(RUNS)} ways are tried on the real engine and stopped, each by the rule named.\n\n"
    yield "| way | what stops it |\n|---|---|\n"
    tried: list[Trick | Run] = [*TRICKS, *RUNS]
    for each in tried:
        yield f"| {each.tries} | {each.answer} |\n"
    yield f"\n{len(BEYOND)} are out of a pack's reach:\n\n"
    yield "| way | why | instead |\n|---|---|---|\n"
    for way in BEYOND:
        yield f"| {way.tries} | {way.why} | {way.instead} |\n"


def main() -> None:
    """Write the page."""
    text = FILE.read_text(encoding="utf-8")
    FILE.write_text(replaced(text, command=COMMAND, part=table()), encoding="utf-8")


if __name__ == "__main__":
    main()
