"""Every document says only what is there: links, verbs, flags, settings, modules; nothing of one machine."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest
import yaml

from outlay.cli.main import cli
from tools.setup.layout import REPOSITORY

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.+?)\s*$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
# At the start of a command only: messages that are quoted in code may contain the same words.
MAKE = re.compile(r"(?:^|&& )make ((?:[a-z-]+(?: |$))+)", re.MULTILINE)
OUTLAY = re.compile(r"\boutlay (plan|compare|sweep|render)\b([^`\n|;]*)")
COMMAND = re.compile(r"(?:^|&& )(?:\S*/bin/)?outlay ([a-z]+)\b", re.MULTILINE)
HIDDEN = re.compile(r"<!--.*?-->", re.DOTALL)
SETTING = re.compile(r"\boutlay:([A-Za-z]\w*)")
MODULE = re.compile(r"\bpython3? -m ((?:tools|sandbox|outlay)[\w.]*)")
PATH = re.compile(r"(?:infra|tests|tools|sandbox|policies|templates|docs)/[\w./-]+")
# Tags, not settings: clouds/tags.py.
TAGS = frozenset({"project", "stack"})
FORBIDDEN = re.compile(
    r"/root\b|/home/|/Users/|/tmp/|/work/|\bTODO\b|\bFIXME\b|\bTBD\b|\blorem\b", re.IGNORECASE
)


@cache
def documents() -> tuple[Path, ...]:
    """Return every Markdown file that git knows or would add; golden files are no documents."""
    answer = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md", ":!tests"],
        check=True,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )
    paths = (REPOSITORY / line for line in answer.stdout.splitlines())
    return tuple(sorted(path for path in paths if path.exists()))


def code(text: str) -> str:
    """Return what stands in code: fenced blocks, and what lies between backticks."""
    blocks = FENCE.findall(text)
    return "\n".join([*blocks, *CODE.findall(FENCE.sub("", text))])


def anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    titles = HEADING.findall(FENCE.sub("", path.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(path: Path) -> Iterator[str]:
    """Yield the relative links that lead nowhere."""
    for target in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        if not file.exists() or (anchor and anchor not in anchors(file)):
            yield target


@pytest.fixture(params=documents(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def document(request: pytest.FixtureRequest) -> Path:
    """Each document in turn."""
    path: Path = request.param
    return path


@cache
def verbs() -> frozenset[str]:
    """Return the Makefile's targets."""
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^([a-z-]+):", text, re.MULTILINE))


@cache
def flags(command: str) -> frozenset[str]:
    """Return the options of one command."""
    found = cli.commands[command].params
    options = [option for option in found if isinstance(option, click.Option)]
    return frozenset({"--help", "-h", *(name for option in options for name in option.opts)})


@cache
def settings() -> frozenset[str]:
    """Return the keys that Pulumi.yaml declares."""
    declared = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    return frozenset(declared)


def test_there_are_documents() -> None:
    names = {path.name for path in documents()}
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "planning.md", "sizing.md"} <= names


def test_relative_links_resolve(document: Path) -> None:
    assert list(broken_links(document)) == []


def test_make_verbs_exist(document: Path) -> None:
    found = MAKE.findall(code(document.read_text(encoding="utf-8")))
    assert {verb for group in found for verb in group.split()} - verbs() == set()


def test_commands_and_their_flags_exist(document: Path) -> None:
    text = code(document.read_text(encoding="utf-8"))
    assert set(COMMAND.findall(text)) <= cli.commands.keys()
    for command, rest in OUTLAY.findall(text):
        assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest)) <= flags(command)


def test_settings_exist(document: Path) -> None:
    text = HIDDEN.sub("", document.read_text(encoding="utf-8"))
    named = set(SETTING.findall(text))
    assert named - TAGS - settings() == set()


def test_modules_exist(document: Path) -> None:
    for name in MODULE.findall(code(document.read_text(encoding="utf-8"))):
        assert importlib.util.find_spec(name.rstrip(".")) is not None, name


def test_paths_of_the_repository_exist(document: Path) -> None:
    """A path in code is one from the root or from the document's folder; other repositories' are not ours."""
    lines = document.read_text(encoding="utf-8").splitlines()
    text = code("\n".join(line for line in lines if "GitHub" not in line))
    roots = (REPOSITORY, document.parent)
    named = {path.rstrip("/.") for path in PATH.findall(text)}
    assert [n for n in sorted(named) if not any((root / n).exists() for root in roots)] == []


def test_nothing_of_one_machine_or_unfinished(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert [match[0] for match in FORBIDDEN.finditer(text)] == []


def test_every_page_is_in_the_index() -> None:
    """docs/README.md leads to each page of its folder."""
    index = (REPOSITORY / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in (REPOSITORY / "docs").glob("*.md")} - {"README.md"}
    assert pages - set(LINK.findall(index)) == set()


def test_every_pinned_dependency_is_explained() -> None:
    """docs/dependencies.md has each package, in its pinned version where it states one."""
    text = (REPOSITORY / "docs" / "dependencies.md").read_text(encoding="utf-8")
    stated = set(re.findall(r"^\| ([\w-]+) (\S+) \|", text, re.MULTILINE))
    for file in ("requirements.txt", "requirements-dev.txt", "requirements-refresh.txt"):
        lines = (REPOSITORY / file).read_text(encoding="utf-8").splitlines()
        for name, version in re.findall(r"^([\w-]+)==(\S+)$", "\n".join(lines), re.MULTILINE):
            assert name in text, name
            assert (name, version) in stated or name.startswith("types-"), f"{name} {version}"
