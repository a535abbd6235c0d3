"""The `outlay` command. It imports no pulumi, and each verb imports what it needs when it runs."""

from outlay.cli.main import main

__all__ = ["main"]
