"""The project as it was at another commit, beside the user's own checkout."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from outlay.cli.engine import run
from outlay.errors import EngineError, InputError

# What installed packages are called when a runtime does not say so in Pulumi.yaml.
PACKAGES = ("node_modules",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """The project's folder at a commit, and the repository around it."""

    project: Path
    repository: Path
    commit: str


def commit_of(project: Path, ref: str) -> str:
    """Return the hash of the commit that a branch, tag or hash names.

    Raises:
        InputError: The project is in no git repository, or there is no such commit.
    """
    _git(project, "rev-parse", "--show-toplevel")
    question = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"]
    answer = run(question, folder=project)
    if answer.returncode:
        raise InputError(
            f"base {ref!r} is no commit of this repository; in a CI job fetch it first"
            " (git fetch origin BRANCH, or fetch-depth: 0 for actions/checkout)"
        )
    return answer.stdout.strip()


@contextmanager
def checked_out(project: Path, commit: str) -> Iterator[Checkout]:
    """Check a commit out into a temporary folder, and remove it again whatever happens.

    Installed packages are not in git: the folder borrows those of the user's own checkout.

    Raises:
        InputError: The project is in no git repository.
        EngineError: git cannot check it out.
    """
    root = Path(_git(project, "rev-parse", "--show-toplevel"))
    prefix = _git(project, "rev-parse", "--show-prefix")
    scratch = Path(tempfile.mkdtemp(prefix="outlay-base-"))
    tree = scratch / "tree"
    try:
        _add(root, tree, commit)
        base = tree / prefix
        if base.is_dir():
            _borrow_packages(project, base)
        yield Checkout(project=base, repository=tree, commit=commit)
    finally:
        _remove(root, tree)
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def compiled_aside(base: Path) -> Iterator[None]:
    """Compile a Python project's modules meanwhile: in a fresh checkout none of them is compiled."""
    document = _document(base)
    python = next((base / name / "bin" / "python" for name in _virtualenv(document)), None)
    if python is None or not python.exists():
        yield
        return
    folder = base / str(document.get("main", "."))
    compiler = subprocess.Popen(
        [python, "-m", "compileall", "-q", folder],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        compiler.kill()
        compiler.wait()


def repository_of(folder: Path) -> Path | None:
    """Return the root of the git repository around a folder, or None."""
    answer = run(["git", "rev-parse", "--show-toplevel"], folder=folder)
    return Path(answer.stdout.strip()) if answer.returncode == 0 else None


def _add(root: Path, tree: Path, commit: str) -> None:
    answer = run(["git", "worktree", "add", "--quiet", "--detach", str(tree), commit], folder=root)
    if answer.returncode:
        raise EngineError(f"git cannot check {commit[:12]} out: {answer.stderr.strip()}")


def _remove(root: Path, tree: Path) -> None:
    run(["git", "worktree", "remove", "--force", str(tree)], folder=root)
    shutil.rmtree(tree, ignore_errors=True)
    run(["git", "worktree", "prune"], folder=root)


def _git(folder: Path, *arguments: str) -> str:
    answer = run(["git", *arguments], folder=folder)
    if answer.returncode:
        raise InputError(f"{folder.resolve()} is in no git repository, which --base needs")
    return answer.stdout.strip()


def _borrow_packages(project: Path, base: Path) -> None:
    for name in (*PACKAGES, *_virtualenv(_document(base))):
        own, borrowed = project / name, base / name
        if own.exists() and not borrowed.exists():
            borrowed.parent.mkdir(parents=True, exist_ok=True)
            borrowed.symlink_to(own.resolve(), target_is_directory=True)


def _document(base: Path) -> Mapping[str, object]:
    """Return base's Pulumi.yaml; nothing of one that cannot be read, whose preview says why."""
    import yaml

    try:
        document = yaml.safe_load((base / "Pulumi.yaml").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, ValueError):
        return {}
    return document if isinstance(document, Mapping) else {}


def _virtualenv(document: Mapping[str, object]) -> tuple[str, ...]:
    """Return the folder of the Python environment that a Pulumi.yaml names, if it is inside."""
    runtime = document.get("runtime")
    options = runtime.get("options") if isinstance(runtime, Mapping) else None
    name = options.get("virtualenv") if isinstance(options, Mapping) else None
    if not isinstance(name, str) or not name:
        return ()
    inside = not Path(name).is_absolute() and ".." not in Path(name).parts
    return (name,) if inside else ()
