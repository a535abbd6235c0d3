"""Put the sandbox's plugins where the Pulumi engine looks for providers.

Use: `python sandbox/install.py <plugins_dir>`, with `<plugins_dir>` = `$PULUMI_HOME/plugins`.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("aws", "gcp", "azure-native", "coreweave", "kubernetes")
# -S skips site-packages' start-up files, -E ignores PYTHON* of the calling shell: about 30 ms quicker, and
# the same in every environment. The sandbox and site-packages are named on the path instead.
SCRIPT = """#!/bin/sh
# outlay's sandbox in place of the {package} provider; written by sandbox/install.py
exec {python} -S -E -c {program} {package} {version} "$@"
"""
PROGRAM = "import sys; sys.path[1:1] = {paths!r}; from sandbox.plugin import main; main()"


class InstallError(Exception):
    """The plugins cannot be installed; the message says why and what to do."""


def _site_packages(python: Path) -> Path:
    """Return the site-packages of a virtual environment, without starting its interpreter."""
    found = sorted(python.parent.parent.glob("lib/python3.*/site-packages"))
    if not found:
        raise InstallError(
            f"{python}: not the interpreter of a virtual environment; run `make setup`"
        )
    return found[-1]


def _version(site: Path, package: str) -> str:
    about = site / f"pulumi_{package.replace('-', '_')}" / "pulumi-plugin.json"
    try:
        return str(json.loads(about.read_text())["version"])
    except (OSError, ValueError, KeyError) as error:
        raise InstallError(
            f"{about}: no provider version to be read ({error}); install pulumi-{package} with `make setup`"
        ) from error


def _script(package: str, version: str, *, python: Path, site: Path) -> str:
    program = PROGRAM.format(paths=[str(ROOT), str(ROOT / "infra"), str(site)])
    return SCRIPT.format(
        package=package,
        version=version,
        python=shlex.quote(str(python)),
        program=shlex.quote(program),
    )


def _write(path: Path, text: str) -> None:
    """Write an executable in one step, so that an engine never starts half a script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.chmod(0o755)
    draft.replace(path)


def install_plugins(plugins_dir: Path, *, python: Path) -> None:
    """Make each provider of the installed SDKs resolve to the sandbox; nothing is rewritten needlessly.

    `python` is the virtual environment's interpreter. Raises InstallError if an SDK is missing.
    """
    # Not resolved: the link in the virtual environment is what finds its packages.
    python = python.absolute()
    site = _site_packages(python)
    for package in PACKAGES:
        version = _version(site, package)
        path = plugins_dir / f"resource-{package}-v{version}" / f"pulumi-resource-{package}"
        text = _script(package, version, python=python, site=site)
        if not path.exists() or path.read_text() != text:
            _write(path, text)


def main() -> None:
    """Install from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "plugins_dir", type=Path, help="the engine's plugin folder: $PULUMI_HOME/plugins"
    )
    parser.add_argument(
        "--python", type=Path, default=Path(sys.executable), help="default: this interpreter"
    )
    arguments = parser.parse_args()
    try:
        install_plugins(arguments.plugins_dir, python=arguments.python)
    except InstallError as error:
        sys.exit(f"sandbox/install.py: {error}")


if __name__ == "__main__":
    main()
