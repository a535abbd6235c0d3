"""Put true output into README.md: `python -m tools.readme [--check]`.

A comment `<!-- output: COMMAND -->` stands before each fenced block that shows a command's output;
Markdown that a command prints stands unfenced, between it and `<!-- end of output -->`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys

from tools.setup.layout import REPOSITORY

README = REPOSITORY / "README.md"
BLOCK = re.compile(
    r"<!-- output: (?P<command>[^\n]*?) -->\n"
    r"(?:```(?P<kind>text|console)\n(?P<shown>.*?)```|(?P<markdown>[^`].*?)<!-- end of output -->)\n",
    re.DOTALL,
)


def main() -> None:
    """Rewrite the blocks, or with --check exit 1 when one is out of date."""
    parser = argparse.ArgumentParser(prog="python -m tools.readme", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing")
    check = parser.parse_args().check
    old = README.read_text()
    new = BLOCK.sub(_refreshed, old)
    if check and new != old:
        sys.exit("README.md shows old output: run `python -m tools.readme`")
    README.write_text(new)


def blocks() -> list[tuple[str, str]]:
    """Return each shown command with the output that README.md claims."""
    found = BLOCK.finditer(README.read_text())
    return [(m["command"], m["shown"] or m["markdown"]) for m in found]


def output(command: str) -> str:
    """Return what a command prints, without trailing blanks; a blocked preview may fail."""
    ran = subprocess.run(
        ["bash", "-c", command], check=False, capture_output=True, text=True, cwd=REPOSITORY
    )
    lines = [line.rstrip() for line in ran.stdout.strip("\n").splitlines()]
    return "\n".join(lines) + "\n"


def _refreshed(match: re.Match[str]) -> str:
    command, kind = match["command"], match["kind"]
    if kind is None:
        return f"<!-- output: {command} -->\n{output(command)}<!-- end of output -->\n"
    prompt = f"$ {command.removeprefix('.venv/bin/')}\n" if kind == "console" else ""
    return f"<!-- output: {command} -->\n```{kind}\n{prompt}{output(command)}```\n"


if __name__ == "__main__":
    main()
