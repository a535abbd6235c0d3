"""Ask the sources, judge what they say, and plan every stack with it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from outlay.catalog import Catalog, load_catalog
from outlay.errors import NoFeasiblePlanError, OutlayError
from outlay.planning.planner import make_plan
from outlay.refresh.book import Line, read_buckets, read_lines, updated, write_book
from outlay.refresh.merge import Merged, merge, wanted
from outlay.refresh.types import Failure, Feed, Get, Source, SourceError
from outlay.settings import parse_settings, raw_from_stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a stack's cheapest plan costs with the pinned prices and with the new ones, USD a month.

    None where there is no plan; `reason` says why, or what is wrong with the stack's settings.
    """

    stack: str
    before: Decimal | None
    after: Decimal | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """Everything a refresh found; nothing is written yet."""

    feeds: tuple[Feed, ...]
    failures: tuple[Failure, ...]
    merged: Merged
    lines: tuple[Line, ...]


def ask(
    sources: Iterable[Source], get: Get, lines: Iterable[Line], *, day: str
) -> tuple[tuple[Feed, ...], tuple[Failure, ...]]:
    """Return what the sources answer; one that fails keeps no other from answering."""
    need = wanted(lines, day)
    feeds: list[Feed] = []
    failures: list[Failure] = []
    for source in sources:
        try:
            feeds.append(source.fetch(get, need))
        except SourceError as error:
            failures.append(Failure(source=source.key, reason=str(error)))
    return tuple(feeds), tuple(failures)


def refresh(
    sources: Iterable[Source], get: Get, folder: Path, *, at: str, accept_jumps: bool = False
) -> Refreshed:
    """Ask for new prices and judge them; `at` is the time of asking, as 2026-11-25T09:30:00Z."""
    lines = read_lines(folder)
    feeds, failures = ask(sources, get, lines, day=at[:10])
    merged = merge(lines, feeds, buckets=read_buckets(folder), accept_jumps=accept_jumps)
    new = updated(lines, merged.taken, at=at)
    return Refreshed(feeds=feeds, failures=failures, merged=merged, lines=tuple(new))


def effects(found: Refreshed, folder: Path, project: Path) -> tuple[Effect, ...]:
    """Plan every stack of a project with the pinned and with the new prices.

    Raises:
        DataError: the new price book contradicts itself; nothing was written.
    """
    before = load_catalog(folder)
    with TemporaryDirectory() as scratch:
        new = Path(scratch) / "data"
        shutil.copytree(folder, new)
        write_book(new, found.lines, found.merged.buckets, like=folder)
        after = load_catalog(new)
    stacks = sorted(path.name.split(".")[1] for path in project.glob("Pulumi.*.yaml"))
    return tuple(_effect(stack, project, before, after) for stack in stacks)


def _effect(stack: str, project: Path, before: Catalog, after: Catalog) -> Effect:
    try:
        raw = raw_from_stack(project, stack)
        then, reason = _cost(raw, before, stack)
        now, other = _cost(raw, after, stack)
    except OutlayError as error:
        return Effect(stack=stack, before=None, after=None, reason=str(error))
    return Effect(stack=stack, before=then, after=now, reason=other or reason)


def _cost(raw: Mapping[str, object], catalog: Catalog, stack: str) -> tuple[Decimal | None, str]:
    settings = parse_settings(raw, catalog, source=f"Pulumi.{stack}.yaml")
    try:
        return make_plan(settings, catalog).usd_per_month, ""
    except NoFeasiblePlanError as error:
        return None, "; ".join(error.reasons) or str(error)
