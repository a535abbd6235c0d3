"""Run one verb of `outlay` on the sandbox: `python -m tools.run_outlay diff --stack dev --base main`.

The verb meets the sandbox as it would meet a user's own account: by the environment alone.
"""

from __future__ import annotations

import itertools
import os
import sys
from typing import NoReturn

from tools.run import ready_sandbox
from tools.sandbox_env import Sandbox
from tools.setup.errors import SetupError
from tools.setup.layout import REPOSITORY, Layout

STACK_FLAGS = ("--stack", "-s")


def main(arguments: list[str] | None = None) -> NoReturn:
    """Become `outlay`, with the sandbox's environment; exit 1 when that is not possible."""
    given = sys.argv[1:] if arguments is None else arguments
    layout = Layout.of(REPOSITORY)
    try:
        sandboxes = [ready_sandbox(layout, stack=stack) for stack in stacks(given) or ["dev"]]
    except SetupError as error:
        sys.exit(f"sandbox: {error}")
    become_outlay(sandboxes[0], given)


def stacks(arguments: list[str]) -> list[str]:
    """Return the stacks that the arguments name, so that each is there before it is asked for."""
    pairs = itertools.pairwise(arguments)
    named = [value for flag, value in pairs if flag in STACK_FLAGS]
    return named + [a.removeprefix("--stack=") for a in arguments if a.startswith("--stack=")]


def become_outlay(sandbox: Sandbox, arguments: list[str]) -> NoReturn:
    """Replace this process by `outlay`, so that exit code and signals are its own."""
    os.chdir(sandbox.project)
    program = str(Layout.of(REPOSITORY).python.parent / "outlay")
    # The sandbox keeps the stacks' encryption salts apart from the committed settings.
    environment = sandbox.environment() | {"OUTLAY_SALTS": str(sandbox.config_file("dev").parent)}
    os.execve(program, ["outlay", *arguments], environment)  # noqa: S606 - needs no shell


if __name__ == "__main__":
    main()
