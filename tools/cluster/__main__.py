"""Run the tests on a real control plane, after building what they need. Use: `python -m tools.cluster`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from tools.cluster import fetch
from tools.cluster.build import ensure
from tools.cluster.pins import CONTROL_PLANE, DATA_PATH
from tools.setup.errors import SetupError
from tools.setup.layout import REPOSITORY, Layout


def main() -> int:
    """Return pytest's exit code, or 1 when a component cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m tools.cluster")
    parser.add_argument("--data-path", action="store_true", help="the tests of the data path alone")
    parser.add_argument("--build-only", action="store_true", help="stop before the tests")
    options, arguments = parser.parse_known_args()
    layout = Layout.of(REPOSITORY)
    try:
        ensure((*CONTROL_PLANE, *(DATA_PATH if options.data_path else ())), layout)
        fetch.kubectl(layout)
    except SetupError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1
    if options.build_only:
        return 0
    marker = "datapath" if options.data_path else "cluster"
    command = [str(layout.python), "-m", "pytest", "-m", marker, "tests/cluster", *arguments]
    if options.data_path and os.geteuid() == 0:
        # The rendered ports are fixed, and some programs listen everywhere: in a network of their own.
        command = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]
    return subprocess.run(command, check=False, cwd=REPOSITORY).returncode


if __name__ == "__main__":
    sys.exit(main())
