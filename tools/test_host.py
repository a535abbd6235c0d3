"""Vet and test the language host with the flags of its build, so that both share one compilation.

Use: `python -m tools.test_host`.
"""

from __future__ import annotations

import subprocess
import sys

from tools.setup.errors import SetupError
from tools.setup.gobuild import go_environment, go_version
from tools.setup.layout import REPOSITORY, Layout

COMMANDS = (["go", "vet", "./..."], ["go", "test", "./..."])


def main() -> int:
    """Run both and return the first exit code that is not 0; 1 when there is no usable Go."""
    layout = Layout.of(REPOSITORY)
    try:
        go_version()
    except SetupError as error:
        print(f"test-host: {error}", file=sys.stderr)
        return 1
    environment = go_environment(layout)
    codes = (
        subprocess.run(command, check=False, cwd=layout.engine_sources, env=environment).returncode
        for command in COMMANDS
    )
    return next(filter(None, codes), 0)


if __name__ == "__main__":
    sys.exit(main())
