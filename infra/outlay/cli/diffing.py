"""From a stack and a base to a cost diff, for the verbs that start from one."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from outlay.cli.engine import Engine, interruptible
from outlay.cli.progress import progress
from outlay.cli.worktree import Checkout, checked_out, commit_of, compiled_aside, repository_of
from outlay.errors import DataError, OverLimitError, PolicyFailedError
from outlay.pricing.diff import Labels, StackDiff, as_deployed, diff_stack
from outlay.pricing.limits import Limits, broken

if TYPE_CHECKING:
    from outlay.catalog import Catalog
    from outlay.pricing.events import Preview

DEPENDENCIES = ("requirements.txt", "package-lock.json", "go.sum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The price books of both sides."""

    head: Catalog
    base: Catalog
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What is compared; without a preview of base the stack is new."""

    head: Preview
    base: Preview | None
    books: Books
    base_name: str
    notes: tuple[str, ...] = ()


def make_diff(engine: Engine, base: str | None) -> StackDiff:
    """Preview head and base against the same state and compare what they cost.

    Without a base, head is compared with what is deployed.

    Raises:
        InputError: The stack or the base does not exist.
        EngineError: One of the two does not preview.
    """
    engine.check()
    # What the thread has set up is taken down after it has ended.
    with interruptible(), ExitStack() as kept, ThreadPoolExecutor(max_workers=1) as aside:
        if base is None:
            sides = _with_deployed(engine, aside)
        else:
            sides = _with_base(engine, base, kept, aside)
    return _compared(engine, sides)


def _compared(engine: Engine, sides: Sides) -> StackDiff:
    from outlay.pricing.rates import Rates

    return diff_stack(
        sides.head,
        sides.base,
        head_rates=Rates(sides.books.head),
        base_rates=Rates(sides.books.base),
        labels=Labels(
            project=_project(sides.head),
            stack=engine.stack,
            base_name=sides.base_name,
            notes=(*sides.books.notes, *sides.notes),
        ),
    )


def _with_deployed(engine: Engine, aside: Executor) -> Sides:
    books = aside.submit(_books, None, head=engine.project)
    aside.submit(_load_report)
    head = _head(engine)
    return Sides(
        head=head, base=as_deployed(head), books=books.result(), base_name="what is deployed"
    )


def _with_base(engine: Engine, ref: str, kept: ExitStack, aside: Executor) -> Sides:
    # Base is checked out and compiled, and prices are read, while the engine previews head.
    commit = commit_of(engine.project, ref)
    prepared = aside.submit(_prepared, engine.project, commit, kept)
    head = _head(engine)
    checkout, books = prepared.result()
    base, notes = _base(engine, ref, checkout)
    name = f"{ref} ({commit[:12]})"
    return Sides(head=head, base=base, books=books, base_name=name, notes=notes)


def _prepared(project: Path, commit: str, kept: ExitStack) -> tuple[Checkout, Books]:
    checkout = kept.enter_context(checked_out(project, commit))
    kept.enter_context(compiled_aside(checkout.project))
    books = _books(checkout, head=project)
    _load_report()
    return checkout, books


def _load_report() -> None:
    """Load what every report of a diff needs: half a second that the engine's previews hide."""
    import_module("outlay.reporting.diff")


def _head(engine: Engine) -> Preview:
    with progress(f"previewing stack {engine.stack}"):
        return engine.preview(what=f"stack {engine.stack} at head")


def _base(engine: Engine, ref: str, checkout: Checkout) -> tuple[Preview | None, tuple[str, ...]]:
    # Policies judge what is proposed; base is what was merged already.
    at = replace(engine, project=checkout.project, policy_packs=())
    if not at.settings_file.is_file():
        return None, (f"{ref} has no {at.settings_file.name}: the stack is new",)
    with progress(f"previewing stack {engine.stack} at {ref}"):
        preview = at.preview(what=f"stack {engine.stack} at base {ref}")
    return preview, _other_packages(engine.project, checkout, ref)


def _books(checkout: Checkout | None, *, head: Path) -> Books:
    """Return both price books: base's own where the book lies in the repository, else the installed one."""
    from outlay.catalog.load import DATA, load_catalog

    catalog = load_catalog()
    own = None if checkout is None else _own_book(checkout, DATA.resolve(), head=head)
    if own is None or _same_files(own, DATA):
        return Books(head=catalog, base=catalog)
    if not own.is_dir():
        note = "base has no price book; all amounts are at head's prices"
        return Books(head=catalog, base=catalog, notes=(note,))
    try:
        return Books(head=catalog, base=load_catalog(own))
    except DataError as error:
        note = f"base's price book cannot be read ({error}); all amounts are at head's prices"
        return Books(head=catalog, base=catalog, notes=(note,))


def _own_book(checkout: Checkout, installed: Path, *, head: Path) -> Path | None:
    """Return where base keeps its price book, or None when the book is not part of the repository."""
    repository = repository_of(head)
    if repository is None or not installed.is_relative_to(repository.resolve()):
        return None
    return checkout.repository / installed.relative_to(repository.resolve())


def _same_files(one: Path, other: Path) -> bool:
    names = {path.name for folder in (one, other) for path in folder.glob("*.csv")}
    return all(_bytes(one / name) == _bytes(other / name) for name in names)


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
