"""Build a tool from its pinned module into the cache folder, once for all checkouts."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools.cluster.pins import GoTool
from tools.setup.errors import MissingToolError, SetupError
from tools.setup.gobuild import GO_ENVIRONMENT, GO_FIX, go_environment, go_version, put
from tools.setup.layout import Layout
from tools.setup.progress import duration, run_step, say

# Others work on this machine too; a build of minutes stands back.
NICENESS = 15
FREE_BYTES_NEEDED = 6 * 1024**3


def ensure(tools: Iterable[GoTool], layout: Layout) -> None:
    """Build those tools that the cache folder does not have.

    Raises:
        SetupError: Go is missing or too old, there is too little room, or a build fails.
    """
    missing = [tool for tool in tools if not folder(tool, layout).is_dir()]
    if not missing:
        return
    _check_go()
    seconds = sum(tool.cpu_seconds for tool in missing) / max(1, min(os.cpu_count() or 1, 4))
    names = ", ".join(program for tool in missing for program in tool.programs)
    say(f"building {names} from source, once: about {duration(seconds)} with empty caches")
    for tool in missing:
        _build(tool, layout)


def folder(tool: GoTool, layout: Layout) -> Path:
    """Return where a tool's programs and files are, or will be."""
    return layout.cache / "bin" / f"{tool.name}-{source_key(tool)}"


def program(tool: GoTool, name: str, layout: Layout) -> Path:
    """Return a built program.

    Raises:
        MissingToolError: it has not been built.
    """
    found = folder(tool, layout) / name
    if not found.is_file():
        raise MissingToolError(f"{name} {tool.version} is not built", fix="make test-cluster")
    return found


def source_key(tool: GoTool) -> str:
    """Return a hash of all that decides what is built."""
    system = (platform.system(), platform.machine())
    digest = hashlib.sha256(
        repr(
            (system, tool.ldflags, sorted(tool.programs.items()), tool.files, GO_ENVIRONMENT)
        ).encode()
    )
    for name in ("go.mod", "go.sum"):
        digest.update((tool.sources / name).read_bytes())
    return digest.hexdigest()[:16]


def _check_go() -> None:
    if shutil.which("go") is None:
        raise MissingToolError(
            "the tests' cluster is built with Go, which is not there", fix=GO_FIX
        )
    go_version()


def _build(tool: GoTool, layout: Layout) -> None:
    target = folder(tool, layout)
    target.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target.parent).free
    if free < FREE_BYTES_NEEDED:
        raise SetupError(
            f"the build needs about 5 GB, {target.parent} has {free / 1e9:.1f} GB free",
            fix="make room, or set XDG_CACHE_HOME, GOCACHE and GOMODCACHE to a larger disk",
        )
    # Built beside its place and renamed, so that an interrupted build leaves nothing half done.
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = Path(scratch) / tool.name
        made.mkdir()
        for name, package in tool.programs.items():
            arguments = ["build", "-ldflags", tool.ldflags, "-o", str(made / name), package]
            _go(tool, arguments, layout=layout, what=f"compiling {name} {tool.version}")
        _copy_files(tool, made, layout)
        put(made, target)


def _copy_files(tool: GoTool, made: Path, layout: Layout) -> None:
    if not tool.files:
        return
    arguments = ["list", "-m", "-f", "{{.Dir}}", tool.module]
    module = Path(_go(tool, arguments, layout=layout, what=f"finding {tool.module}")[-1])
    for name in tool.files:
        shutil.copyfile(module / name, made / Path(name).name)


def _go(tool: GoTool, arguments: Sequence[str], *, layout: Layout, what: str) -> list[str]:
    return run_step(
        ["nice", "-n", str(NICENESS), "go", *arguments],
        what=what,
        fix="check that the Go module proxy is reachable (go env GOPROXY), then make test-cluster",
        env=go_environment(layout),
        cwd=tool.sources,
    )
