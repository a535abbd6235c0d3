"""The virtual environment: pinned packages, installed by uv, or by pip where uv cannot be had."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.setup.errors import MissingToolError, StepFailedError
from tools.setup.layout import Layout, python_version
from tools.setup.progress import run_step, say

UV_VERSION = "0.13.9"
REQUIREMENTS = "requirements-dev.txt"
INPUTS = ("requirements.txt", REQUIREMENTS, "pyproject.toml")
NETWORK_FIX = "check that the Python package index is reachable, then run make setup again"


def ensure_venv(layout: Layout) -> bool:
    """Bring `.venv` up to date with the pinned requirements; return whether anything was done.

    Raises:
        SetupError: Python's venv module is missing, or packages cannot be installed.
    """
    stamp = layout.venv / ".outlay-stamp"
    wanted = fingerprint(layout.root)
    if stamp.is_file() and stamp.read_text() == wanted and layout.python.exists():
        return False
    stamp.unlink(missing_ok=True)
    require_venv_module()
    try:
        uv = ensure_uv(layout)
        _install_with_uv(layout, uv=uv)
    except StepFailedError as error:
        say(f"uv did not do it, pip will (about a minute): {error.problem}")
        _install_with_pip(layout)
    stamp.write_text(wanted)
    return True


def fingerprint(root: Path) -> str:
    """Return a hash of all that decides what is in `.venv`, its own place included."""
    digest = hashlib.sha256(f"{python_version()} {root}".encode())
    for name in INPUTS:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def require_venv_module() -> None:
    """Check that this Python can make virtual environments (Debian ships that apart).

    Raises:
        MissingToolError: It cannot.
    """
    probe = subprocess.run(
        [sys.executable, "-c", "import ensurepip, venv"], check=False, capture_output=True
    )
    if probe.returncode:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise MissingToolError(
            f"{sys.executable} cannot make virtual environments: module venv is missing",
            fix=f"sudo apt-get install {package}",
        )


def ensure_uv(layout: Layout) -> Path:
    """Return the pinned uv from the cache folder, fetching it through a throw-away environment.

    Raises:
        StepFailedError: pip cannot fetch uv.
    """
    uv = layout.cache / "uv" / UV_VERSION / "uv"
    if uv.exists():
        return uv
    uv.parent.mkdir(parents=True, exist_ok=True)
    say(f"fetching uv {UV_VERSION} (a few seconds, once)")
    with tempfile.TemporaryDirectory(dir=uv.parent) as scratch:
        folder = Path(scratch) / "venv"
        _step([sys.executable, "-m", "venv", folder], what="making a throw-away environment")
        _step(
            [*_pip(folder / "bin" / "python"), f"uv=={UV_VERSION}"],
            what=f"fetching uv {UV_VERSION}",
        )
        (folder / "bin" / "uv").replace(uv)
    return uv


def _install_with_uv(layout: Layout, *, uv: Path) -> None:
    say("installing the pinned Python packages into .venv with uv (about 10 s, once per change)")
    if not _usable(layout):
        _discard(layout.venv)
        _step(
            [uv, "venv", "--quiet", "--seed", "--python", sys.executable, layout.venv],
            what="making .venv",
        )
    _step(
        [uv, "pip", "install", "--quiet", "--python", layout.python, "-r", REQUIREMENTS],
        what="installing packages",
        cwd=layout.root,
    )


def _install_with_pip(layout: Layout) -> None:
    if not _usable(layout):
        _discard(layout.venv)
        _step([sys.executable, "-m", "venv", layout.venv], what="making .venv")
    _step([*_pip(layout.python), "-r", REQUIREMENTS], what="installing packages", cwd=layout.root)


def _usable(layout: Layout) -> bool:
    """Tell whether `.venv` runs this very Python and holds pip, which `pulumi` itself asks for."""
    if not layout.python.exists():
        return False
    question = "import pip, platform; print(platform.python_version())"
    answer = subprocess.run(
        [layout.python, "-c", question], check=False, capture_output=True, text=True
    )
    return answer.stdout.strip() == python_version()


def _discard(folder: Path) -> None:
    if folder.exists():
        say(f"{folder.name} is of another Python or incomplete: making it anew")
        shutil.rmtree(folder)


def _pip(python: Path) -> list[str | Path]:
    return [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def _step(command: Sequence[str | Path], *, what: str, cwd: Path | None = None) -> None:
    env = os.environ | {"UV_PYTHON_DOWNLOADS": "never"}
    env.pop("VIRTUAL_ENV", None)
    run_step(command, what=what, fix=NETWORK_FIX, env=env, cwd=cwd)
