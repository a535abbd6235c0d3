"""Options of the verbs that ask the engine about a stack."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

PROJECT_OPTION = click.option(
    "--project",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="Folder of Pulumi.yaml.",
    show_default="this folder",
)
PACK_OPTION = click.option(
    "--policy-pack",
    "policy_packs",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    multiple=True,
    help="Policy pack to run on head; repeatable.",
)
PACK_CONFIG_OPTION = click.option(
    "--policy-pack-config",
    "pack_configs",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    multiple=True,
    help="Configuration of each pack, in the order of --policy-pack.",
)


def amount(text: str) -> Decimal | None:
    """Return an amount of USD, or None when the text is none; `$` and commas may be in it."""
    try:
        value = Decimal(text.strip().lstrip("$").replace(",", ""))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


class Usd(click.ParamType[Decimal]):
    """An amount of USD, not negative; another currency is refused by name."""

    name = "USD"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        """Return the amount, or fail with what would be right."""
        found = value if isinstance(value, Decimal) else amount(str(value))
        if found is None or found < 0:
            self.fail(
                f"{value!r} is no amount of USD of 0 or more, such as 500 or 1250.50", param, ctx
            )
        return found


class Percent(click.ParamType[Decimal]):
    """A percentage of 0 or more; the sign may be in it."""

    name = "PERCENT"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        """Return the percentage, or fail with what would be right."""
        found = value if isinstance(value, Decimal) else amount(str(value).rstrip("% "))
        if found is None or found < 0:
            self.fail(f"{value!r} is no percentage of 0 or more, such as 10", param, ctx)
        return found


def paired(
    packs: tuple[Path, ...], configs: tuple[Path, ...]
) -> tuple[tuple[Path, Path | None], ...]:
    """Join each pack with its configuration.

    Raises:
        InputError: There are configurations, but not one for each pack.
    """
    from outlay.errors import InputError

    if not configs:
        return tuple((pack, None) for pack in packs)
    if len(configs) != len(packs):
        raise InputError(
            f"{len(packs)} policy packs but {len(configs)} configurations: give one for each, or none"
        )
    return tuple(zip(packs, configs, strict=True))
