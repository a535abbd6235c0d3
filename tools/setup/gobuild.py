"""Build the engine from the Go modules pinned in tools/engine."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.setup.errors import MissingToolError, SetupError, StepFailedError
from tools.setup.layout import Layout
from tools.setup.progress import duration, run_step, say

LOWEST_GO = (1, 26)
CPU_SECONDS = 540
FREE_BYTES_NEEDED = 4 * 1024**3
CLI = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
SDK = "github.com/pulumi/pulumi/sdk/v3"
HOST = "./pulumi-language-python"
GO_ENVIRONMENT = {
    "GOTOOLCHAIN": "local",
    "CGO_ENABLED": "0",
    # Modules are kept writable, so that `rm -r` is enough to delete them.
    "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false -trimpath",
}
# Files of the SDK module that must lie beside the language host, with their modes.
COMPANIONS = (
    ("python/cmd/pulumi-language-python-exec", 0o644),
    ("python/dist/pulumi-resource-pulumi-python", 0o755),
)
GO_FIX = (
    "install Go 1.26 or newer (macOS: brew install go; Linux: sudo apt-get install golang-go where"
    " that is new enough, else https://go.dev/doc/install), or install Pulumi itself:"
    " https://www.pulumi.com/docs/install/"
)
GIT_FIX = "sudo apt-get install git (macOS: xcode-select --install), then make setup"


def engine_version(layout: Layout) -> str:
    """Return the engine's version that go.mod pins, without the v.

    Raises:
        SetupError: go.mod names none.
    """
    text = (layout.engine_sources / "go.mod").read_text()
    match = re.search(rf"^\s*{re.escape(SDK)} v(\S+)", text, re.MULTILINE)
    if match is None:
        raise SetupError(
            f"{layout.engine_sources / 'go.mod'} does not require {SDK}",
            fix="git checkout tools/engine/go.mod",
        )
    return match[1]


def build_flags(version: str) -> list[str]:
    """Return the flags of `go build`; the version is empty in the binary unless set here."""
    variable = f"{SDK}/go/common/version.Version"
    return ["-ldflags", f"-s -w -X {variable}=v{version}"]


def source_key(layout: Layout) -> str:
    """Return a hash of all that the build reads from the repository."""
    digest = hashlib.sha256(repr((build_flags(engine_version(layout)), GO_ENVIRONMENT)).encode())
    sources = layout.engine_sources
    for path in [sources / "go.mod", sources / "go.sum", *sorted(sources.glob("*/*.go"))]:
        if not path.name.endswith("_test.go"):
            digest.update(f"{path.relative_to(sources)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def ensure_build(layout: Layout) -> Path:
    """Return the folder with the built engine, building it if this cache has none.

    Raises:
        MissingToolError: Go is missing or too old.
        SetupError: There is too little room, or a step of the build fails.
    """
    target = _target(layout, go=go_version())
    if not (target / "bin").is_dir():
        _build(layout, target=target, version=engine_version(layout))
    return target / "bin"


def cached_build(layout: Layout) -> Path | None:
    """Return the folder with the engine if this very engine has been built before."""
    try:
        folder = _target(layout, go=go_version()) / "bin"
    except MissingToolError:
        return None
    return folder if folder.is_dir() else None


def _target(layout: Layout, *, go: str) -> Path:
    text = f"{source_key(layout)} {go} {platform.system()} {platform.machine()}"
    return layout.cache / "engine" / hashlib.sha256(text.encode()).hexdigest()[:16]


def go_version() -> str:
    """Return the version of the Go on PATH, for instance `go1.26.8`.

    Raises:
        MissingToolError: It is missing or older than the module needs.
    """
    if shutil.which("go") is None:
        raise MissingToolError(
            "no `pulumi` on PATH, no official download, and no `go` to build it", fix=GO_FIX
        )
    answer = subprocess.run(["go", "env", "GOVERSION"], check=False, capture_output=True, text=True)
    version = answer.stdout.strip()
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers < LOWEST_GO:
        raise MissingToolError(f"Go is {version or 'broken'}, 1.26 or newer is needed", fix=GO_FIX)
    return version


def _build(layout: Layout, *, target: Path, version: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target.parent).free
    if free < FREE_BYTES_NEEDED:
        raise SetupError(
            f"the build needs about 3.5 GB, {target.parent} has {free / 1e9:.1f} GB free",
            fix="make room, or set XDG_CACHE_HOME, GOCACHE and GOMODCACHE to a larger disk",
        )
    _announce(version)
    # Built beside its place and renamed, so that an interrupted build leaves nothing half done.
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        folder = Path(scratch) / "engine"
        (folder / "bin").mkdir(parents=True)
        _compile(layout, folder / "bin", version=version)
        _copy_companions(layout, folder / "bin")
        put(folder, target)


def _announce(version: str) -> None:
    estimate = duration(CPU_SECONDS / max(1, min(os.cpu_count() or 1, 6)))
    say(f"building Pulumi {version} and its Python language host from source, once")
    say(f"  about 9 CPU-minutes, here about {estimate} (seconds when Go's caches are warm)")
    say("  Go keeps about 3 GB in its build and module caches; they may be deleted afterwards")


def _compile(layout: Layout, folder: Path, *, version: str) -> None:
    packages = [CLI, HOST]
    deps = _go(layout, ["list", "-deps", *packages], what="fetching the sources")
    total = sum(not line.startswith("go: ") for line in deps)
    _go(
        layout,
        ["build", "-v", *build_flags(version), "-o", f"{folder}/", *packages],
        what="compiling",
        total=total,
    )


def _copy_companions(layout: Layout, folder: Path) -> None:
    module = _go(layout, ["list", "-m", "-f", "{{.Dir}}", SDK], what="finding the SDK")[-1]
    for name, mode in COMPANIONS:
        target = folder / Path(name).name
        shutil.copyfile(Path(module) / name, target)
        target.chmod(mode)


def put(folder: Path, target: Path) -> None:
    """Move a finished build to its place, unless another set-up was quicker."""
    try:
        folder.replace(target)
    except OSError:
        if not target.is_dir():
            raise


def _go(
    layout: Layout, arguments: Sequence[str], *, what: str, total: int | None = None
) -> list[str]:
    def status(lines: int) -> str:
        return f", {lines} of at most {total} packages" if total else ""

    try:
        return run_step(
            ["go", *arguments],
            what=what,
            fix="check that the Go module proxy is reachable (go env GOPROXY), then make setup",
            env=go_environment(layout),
            cwd=layout.engine_sources,
            status=status,
        )
    except StepFailedError as error:
        if '"git": executable file not found' in error.problem:
            raise MissingToolError("Go needs git to fetch a module", fix=GIT_FIX) from error
        raise


def go_environment(layout: Layout) -> dict[str, str]:
    """Return the environment in which Go builds and tests the module of tools/engine.

    Modules go into Go's own cache if this user has one, else into the cache folder: a machine where
    Go was never used gets no new folder in its home.
    """
    environment = os.environ | GO_ENVIRONMENT
    answer = subprocess.run(
        ["go", "env", "GOMODCACHE"], check=False, capture_output=True, text=True, env=environment
    )
    if not Path(answer.stdout.strip()).is_dir():
        environment["GOMODCACHE"] = str(layout.cache / "go-mod")
    return environment
