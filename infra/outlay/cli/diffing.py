"""From a stack and a base to a cost diff, for the verbs that start from one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from outlay.cli.engine import Engine, interruptible
from outlay.cli.progress import progress
from outlay.cli.worktree import Checkout, checked_out, repository_of
from outlay.errors import DataError, OverLimitError, PolicyFailedError
from outlay.pricing.diff import Labels, StackDiff, as_deployed, diff_stack
from outlay.pricing.limits import Limits, broken

if TYPE_CHECKING:
    from outlay.catalog import Catalog
    from outlay.pricing.events import Preview

DEPENDENCIES = ("requirements.txt", "package-lock.json", "go.sum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What head is compared with; without a preview the stack is new."""

    preview: Preview | None
    catalog: Catalog
    name: str
    notes: tuple[str, ...] = ()


def make_diff(engine: Engine, base: str | None) -> StackDiff:
    """Preview head and base against the same state and compare what they cost.

    Without a base, head is compared with what is deployed.

    Raises:
        InputError: The stack or the base does not exist.
        EngineError: One of the two does not preview.
    """
    from outlay.catalog import load_catalog
    from outlay.pricing.rates import Rates

    engine.check()
    catalog = load_catalog()
    with interruptible():
        with progress(f"previewing stack {engine.stack}"):
            head = engine.preview(what=f"stack {engine.stack} at head")
        found = _deployed(head, catalog) if base is None else _base(engine, base, catalog)
    return diff_stack(
        head,
        found.preview,
        head_rates=Rates(catalog),
        base_rates=Rates(found.catalog),
        labels=Labels(
            project=_project(head),
            stack=engine.stack,
            base_name=found.name,
            notes=found.notes,
        ),
    )


def _deployed(head: Preview, catalog: Catalog) -> Base:
    return Base(preview=as_deployed(head), catalog=catalog, name="what is deployed")


def _base(engine: Engine, ref: str, catalog: Catalog) -> Base:
    with progress(f"previewing stack {engine.stack} at {ref}"), _at(engine, ref) as (checkout, at):
        name = f"{ref} ({checkout.commit[:12]})"
        book, notes = _catalog(checkout, catalog, head=engine.project)
        if not at.settings_file.is_file():
            notes = (*notes, f"{ref} has no {at.settings_file.name}: the stack is new")
            return Base(preview=None, catalog=book, name=name, notes=notes)
        preview = at.preview(what=f"stack {engine.stack} at base {ref}")
        notes = (*notes, *_other_packages(engine.project, checkout, ref))
        return Base(preview=preview, catalog=book, name=name, notes=notes)


@contextmanager
def _at(engine: Engine, ref: str) -> Iterator[tuple[Checkout, Engine]]:
    with checked_out(engine.project, ref) as checkout:
        # Policies judge what is proposed; base is what was merged already.
        yield checkout, replace(engine, project=checkout.project, policy_packs=())


def _catalog(
    checkout: Checkout, catalog: Catalog, *, head: Path
) -> tuple[Catalog, tuple[str, ...]]:
    """Return base's price book: its own where the book lies in the repository, else the installed one."""
    from outlay.catalog.load import DATA, load_catalog

    repository = repository_of(head)
    if repository is None or not DATA.resolve().is_relative_to(repository.resolve()):
        return catalog, ()
    folder = checkout.repository / DATA.resolve().relative_to(repository.resolve())
    if not folder.is_dir():
        return catalog, ("base has no price book; all amounts are at head's prices",)
    try:
        return load_catalog(folder), ()
    except DataError as error:
        note = f"base's price book cannot be read ({error}); all amounts are at head's prices"
        return catalog, (note,)


def _other_packages(project: Path, checkout: Checkout, ref: str) -> tuple[str, ...]:
    changed = [
        name
        for name in DEPENDENCIES
        if (project / name).is_file() and _bytes(project / name) != _bytes(checkout.project / name)
    ]
    if not changed:
        return ()
    return (f"{', '.join(changed)} differs from {ref}, which was previewed with head's packages",)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _project(head: Preview) -> str:
    # urn:pulumi:<stack>::<project>::<type>::<name>
    urn = next((step.urn for step in head.steps), "")
    parts = urn.split("::")
    return parts[1] if len(parts) > 2 else "project"


def hold(diffs: Sequence[StackDiff], limits: Limits) -> None:
    """Raise for what stops a change: policies first, then limits."""
    failed = [f"{d.stack}: {p.policy}" for d in diffs for p in d.failed_policies]
    if failed:
        raise PolicyFailedError(tuple(dict.fromkeys(failed)))
    reasons = [reason for each in diffs for reason in broken(each, limits)]
    if reasons:
        raise OverLimitError(reasons)
