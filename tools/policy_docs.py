"""Write the tables of rules and their options into docs/policies.md: `python -m tools.policy_docs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from policies.options import Option
from policies.rule import Levels
from policies.table import RULES
from tools.marked import replaced

FILE = Path(__file__).parent.parent / "docs" / "policies.md"
COMMAND = "python -m tools.policy_docs"


def tables() -> str:
    """Return what the page says of each rule, and of its options."""
    return "".join([*_rules(), *_options()])


def _rules() -> Iterator[str]:
    yield "| rule | what holds | why | what to do | severity | level |\n|---|---|---|---|---|---|\n"
    for rule in RULES:
        level, severity = _level(rule.levels), rule.severity.value
        yield (
            f"| `{rule.name}` | {rule.holds} | {rule.reason} | {rule.remedy} | {severity} | {level} |\n"
        )


def _level(levels: Levels) -> str:
    dev, staging, prod = (each.value for each in (levels.dev, levels.staging, levels.prod))
    if dev == staging == prod:
        return dev
    return f"{prod}; {dev} in dev" + (" and staging" if staging == dev else "")


def _options() -> Iterator[str]:
    yield "\n| rule | option | type | default | meaning |\n|---|---|---|---|---|\n"
    for rule in RULES:
        for name, option in rule.options.items():
            yield (
                f"| `{rule.name}` | `{name}` | {_kind(option)} | {_default(option)} | {option.meaning} |\n"
            )


def _kind(option: Option) -> str:
    if option.choices:
        return " or ".join(f"`{choice}`" for choice in option.choices)
    above = "" if option.above is None else f" above {option.above:g}"
    return f"{option.kind}{above}"


def _default(option: Option) -> str:
    if option.default is None:
        return ""
    if isinstance(option.default, tuple):
        return ", ".join(f"`{each}`" for each in option.default)
    return f"`{option.default}`"


def main() -> None:
    """Write the page."""
    text = FILE.read_text(encoding="utf-8")
    FILE.write_text(replaced(text, command=COMMAND, part=tables()), encoding="utf-8")


if __name__ == "__main__":
    main()
