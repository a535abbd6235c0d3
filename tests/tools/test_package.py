"""A wheel holds what the command needs, not its code alone: outlay may be installed without a checkout."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tools.setup.layout import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]


def files(folder: Path) -> set[Path]:
    """Return all files below a folder but Python's own."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path for path in found if path.suffix not in (".py", ".pyc")}


def test_the_package_takes_its_data_along() -> None:
    package = REPOSITORY / "infra" / "outlay"
    taken = {p for glob in SETUPTOOLS["package-data"]["outlay"] for p in package.glob(glob)}
    assert files(package) - taken == set()


def test_the_templates_come_along_in_the_same_folders() -> None:
    taken = {
        (Path(folder).relative_to("share/outlay"), path)
        for folder, globs in SETUPTOOLS["data-files"].items()
        for glob in globs
        for path in REPOSITORY.glob(glob)
    }
    templates = files(REPOSITORY / "templates")
    assert taken == {(path.parent.relative_to(REPOSITORY), path) for path in templates}


def test_the_wheel_asks_for_the_pinned_packages() -> None:
    assert PROJECT["project"]["dynamic"] == ["dependencies", "optional-dependencies"]
    assert SETUPTOOLS["dynamic"]["dependencies"] == {"file": ["requirements.txt"]}
    extras = SETUPTOOLS["dynamic"]["optional-dependencies"]
    assert all((REPOSITORY / file).is_file() for extra in extras.values() for file in extra["file"])
