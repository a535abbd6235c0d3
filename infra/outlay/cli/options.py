"""Options that say what to plan: a stack, a settings file, flags, or flags over one of the two."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from outlay.catalog import Catalog
    from outlay.errors import Problem
    from outlay.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

# Flag -> (setting, click type, repeatable, help). Settings have the same names in YAML.
FLAGS: dict[str, tuple[str, Any, bool, str]] = {
    "--model": ("model", str, False, "Model to serve, such as llama-3.1-8b."),
    "--rps": (
        "targetRps",
        str,
        False,
        "Target requests per second; a range such as 1..1000 for sweep.",
    ),
    "--input-tokens": ("inputTokens", str, False, "Mean prompt tokens per request."),
    "--output-tokens": ("outputTokens", str, False, "Mean output tokens per request."),
    "--ttft-ms": ("ttftMs", str, False, "SLO: time to first token."),
    "--tpot-ms": ("tpotMs", str, False, "SLO: time per output token."),
    "--slo-percentile": (
        "sloPercentile",
        str,
        False,
        "What keeps the SLO: mean (default) or p95 of the requests.",
    ),
    "--precision": ("precisions", str, True, "Weight precision to consider; repeatable."),
    "--kv-precision": ("kvPrecision", str, False, "KV cache precision: bf16, fp16 or fp8."),
    "--provider": ("providers", str, True, "Provider to consider; repeatable."),
    "--region": ("regions", str, True, "Region or pattern such as 'us-*'; repeatable."),
    "--gpu": ("gpus", str, True, "GPU type to consider; repeatable."),
    "--market": ("markets", str, True, "on-demand or spot; repeatable."),
    "--max-spot-share": ("maxSpotShare", str, False, "Largest share of capacity on spot, 0 to 1."),
    "--survive-domain": (
        "surviveDomain",
        str,
        False,
        "What may be lost: none, spot, region, provider.",
    ),
    "--survive-fraction": (
        "surviveFraction",
        str,
        False,
        "Share of demand kept when it is, 0 to 1.",
    ),
    "--budget": ("budgetUsdPerMonth", str, False, "Largest cost in USD a month."),
}


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked to plan, not yet validated."""

    stack: str | None
    settings_file: Path | None
    project: Path
    flags: dict[str, object]

    def settings(self, catalog: Catalog) -> Settings:
        """Read, merge (flags win) and validate.

        Raises:
            InputError: nothing names a model, a file is missing, or settings are wrong.
        """
        from outlay.errors import InputError, SettingsError
        from outlay.settings import parse_settings

        raw, source = self._base()
        merged = self._over(raw)
        if not merged:
            raise InputError(
                "nothing to plan: name a model and its demand (--model llama-3.1-8b --rps 10),"
                " a stack (--stack dev) or a settings file (--settings FILE)"
            )
        try:
            return parse_settings(merged, catalog, source=source)
        except SettingsError as error:
            raise SettingsError([*map(self._as_typed, error.problems)], source=source) from None

    def _over(self, raw: dict[str, object]) -> dict[str, object]:
        """Put the flags over the base; where that has several workloads, over each of them."""
        from outlay.settings.load import SINGLE_ONLY, WORKLOAD_KEYS

        workloads = raw.get("workloads")
        if not isinstance(workloads, list):
            return {**raw, **self.flags}
        each = {k: self.flags[k] for k in WORKLOAD_KEYS if k in self.flags and k not in SINGLE_ONLY}
        over = [{**w, **each} if isinstance(w, dict) else w for w in workloads]
        return {**raw, **self.flags, "workloads": over}

    def _as_typed(self, problem: Problem) -> Problem:
        """Name the flag where the user typed one, or could only have typed one."""
        from outlay.errors import Problem

        key = re.split(r"[.\[]", problem.path, maxsplit=1)[0]
        flag = next((flag for flag, (setting, *_) in FLAGS.items() if setting == key), None)
        is_flag = key in self.flags or not (self.stack or self.settings_file)
        return Problem(flag, problem.message) if flag and is_flag else problem

    def _base(self) -> tuple[dict[str, object], str]:
        from outlay.errors import InputError
        from outlay.settings import raw_from_stack, raw_from_yaml

        if self.stack and self.settings_file:
            raise InputError("give --stack or --settings, not both")
        and_flags = " and flags" if self.flags else ""
        if self.stack:
            source = f"Pulumi.{self.stack}.yaml{and_flags}"
            return raw_from_stack(self.project, self.stack), source
        if self.settings_file:
            return raw_from_yaml(self.settings_file), f"{self.settings_file}{and_flags}"
        return {}, "flags"


def request_options(command: F) -> F:
    """Give a command all options that say what to plan; it receives one Request as `request`."""

    # wraps() also carries over the options that the command already has.
    @functools.wraps(command)
    def wrapped(**values: Any) -> Any:
        flags = {
            setting: list(given) if many else given
            for flag, (setting, _, many, _) in FLAGS.items()
            if (given := values.pop(_parameter(flag)))
        }
        request = Request(
            stack=values.pop("stack"),
            settings_file=values.pop("settings_file"),
            project=values.pop("project"),
            flags=flags,
        )
        return command(request=request, **values)

    result: Any = wrapped
    for flag, (_, kind, many, text) in reversed(FLAGS.items()):
        result = click.option(flag, type=kind, multiple=many, help=text)(result)
    result = click.option(
        "--project",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(),
        help="Folder of Pulumi.yaml, for --stack.",
        show_default="this folder",
    )(result)
    result = click.option(
        "--settings",
        "settings_file",
        type=click.Path(path_type=Path),
        help="Settings in a YAML file.",
    )(result)
    decorate = click.option("--stack", "-s", help="Settings of Pulumi.<stack>.yaml.")
    return decorate(result)  # type: ignore[no-any-return]  # the chain of decorators is untyped


def _parameter(flag: str) -> str:
    return flag.lstrip("-").replace("-", "_")
