"""Choose a Pulumi engine: the user's own, else the official install, else a build of our own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.setup import gobuild
from tools.setup.errors import SetupError, StepFailedError
from tools.setup.layout import Layout
from tools.setup.progress import run_step, say
from tools.setup.record import Engine, read_record, write_record

LOWEST = (3, 259, 0)
LANGUAGE_HOST = "pulumi-language-python"
PROBE_TIMEOUT_S = 10.0
INSTALL_TIMEOUT_S = 300.0

# The probe is a process too: looking up a name can hang for longer than any timeout of urllib.
PROBE = "import urllib.request as r; r.urlopen('https://get.pulumi.com/latest-version', timeout=5)"
INSTALL = (
    "import sys, semver; from pulumi.automation import PulumiCommand;"
    " PulumiCommand.install(root=sys.argv[1], version=semver.VersionInfo.parse(sys.argv[2]))"
)


def ensure_engine(layout: Layout) -> tuple[Engine, bool]:
    """Return an engine and whether anything was done for it.

    Raises:
        SetupError: There is none, and what is missing to build one.
    """
    found = shutil.which("pulumi")
    basis = f"{identity(found)} {gobuild.source_key(layout)}"
    recorded = read_record(layout)
    if recorded is not None and recorded.basis == basis and recorded.pulumi.exists():
        return recorded, False
    engine = on_path(found, basis=basis) or not_on_path(layout, basis=basis)
    write_record(layout, engine)
    return engine, True


def not_on_path(layout: Layout, *, basis: str) -> Engine:
    """Return the official release or our build; one of them in the cache saves asking the network.

    Raises:
        SetupError: There is neither, and what is missing to build one.
    """
    if not official_root(layout).exists() and gobuild.cached_build(layout) is not None:
        return built(layout, basis=basis)
    return official(layout, basis=basis) or built(layout, basis=basis)


def identity(executable: str | None) -> str:
    """Return a text that changes when another `pulumi` is first on PATH."""
    if executable is None:
        return "none"
    path = Path(executable).resolve()
    status = path.stat()
    return f"{path}:{status.st_size}:{status.st_mtime_ns}"


def on_path(executable: str | None, *, basis: str) -> Engine | None:
    """Return the user's own `pulumi` if it is new enough and can run Python programs."""
    if executable is None:
        return None
    version = version_of(Path(executable))
    wanted = ".".join(map(str, LOWEST))
    if version is None or version_tuple(version) < LOWEST:
        say(f"{executable} is {version or 'no Pulumi'}, {wanted} or newer is needed: looking on")
        return None
    folder = real_folder(Path(executable))
    if not (folder / LANGUAGE_HOST).exists() and shutil.which(LANGUAGE_HOST) is None:
        say(f"{executable} has no {LANGUAGE_HOST} beside it: looking on")
        return None
    return Engine(origin="path", bin=folder, version=version, basis=basis)


def real_folder(executable: Path) -> Path:
    """Return where `pulumi` really lies, beside its language host; a version manager's shim stays."""
    real = executable.resolve()
    return real.parent if real.name == executable.name else executable.parent


def official(layout: Layout, *, basis: str) -> Engine | None:
    """Return Pulumi's own release from the cache folder, downloading it where that is possible."""
    version = gobuild.engine_version(layout)
    root = official_root(layout)
    if not root.exists() and not _download(layout, root, version=version):
        return None
    return Engine(origin="official", bin=root / "bin", version=version, basis=basis)


def official_root(layout: Layout) -> Path:
    """Return where the official release lies or would lie."""
    return layout.cache / "pulumi" / gobuild.engine_version(layout)


def _download(layout: Layout, root: Path, *, version: str) -> bool:
    root.parent.mkdir(parents=True, exist_ok=True)
    try:
        run_step(
            [sys.executable, "-c", PROBE],
            what="asking Pulumi's download site",
            fix="",
            timeout_s=PROBE_TIMEOUT_S,
        )
        say(f"downloading Pulumi {version} (about 150 MB, once)")
        with tempfile.TemporaryDirectory(dir=root.parent) as scratch:
            folder = Path(scratch) / "pulumi"
            run_step(
                [layout.python, "-c", INSTALL, folder, version],
                what=f"downloading Pulumi {version}",
                fix="",
                timeout_s=INSTALL_TIMEOUT_S,
            )
            folder.replace(root)
    except (StepFailedError, OSError) as error:
        reason = str(error).splitlines()
        say(f"no official download ({reason[0]}; {_last_words(reason)}): building it instead")
        return False
    return True


def _last_words(lines: list[str]) -> str:
    said = [line.strip() for line in lines[1:] if line.strip() and "Fix:" not in line]
    return said[-1] if said else "no further reason"


def built(layout: Layout, *, basis: str) -> Engine:
    """Return the engine built from tools/engine, building it if this cache has none.

    Raises:
        SetupError: Go is missing or too old, or the build fails.
    """
    folder = gobuild.ensure_build(layout)
    version = version_of(folder / "pulumi")
    if version is None:
        raise SetupError(f"{folder / 'pulumi'} does not run", fix=f"rm -r {folder}; make setup")
    return Engine(origin="built", bin=folder, version=version, basis=basis)


def version_of(executable: Path) -> str | None:
    """Return what `pulumi version` prints, without the v; None when it is no working Pulumi."""
    with tempfile.TemporaryDirectory() as home:
        env = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_HOME": home}
        try:
            answer = subprocess.run(
                [executable, "version"],
                check=False,
                capture_output=True,
                text=True,
                env=env,
                timeout=30,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    match = re.fullmatch(r"v?(\d+\.\d+\.\d+\S*)", answer.stdout.strip())
    return match[1] if match and answer.returncode == 0 else None


def version_tuple(version: str) -> tuple[int, ...]:
    """Return the numbers of `3.259.0` or `3.260.0-alpha.1`."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
