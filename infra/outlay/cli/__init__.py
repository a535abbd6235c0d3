"""The `outlay` command. It imports no pulumi, and each verb imports what it needs when it runs."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; interrupting it is no error at any moment, start-up included."""
    try:
        from outlay.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)
