"""Run one Pulumi command on the sandbox: `python -m tools.run preview --stack dev [--diff …]`.

For a real account there is nothing to run from here: `pulumi login`, then plain `pulumi preview`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from tools.sandbox_env import Sandbox
from tools.setup.errors import SetupError
from tools.setup.layout import REPOSITORY, Layout
from tools.setup.record import chosen_engine

WITH_SETTINGS = ("preview", "up", "destroy", "refresh", "import", "watch")
WITH_POLICIES = ("preview", "up")
WITH_YES = ("up", "destroy", "refresh", "import", "cancel")
WITHOUT_STACK = ("about", "version", "plugin", "help", "whoami")


def main(arguments: list[str] | None = None) -> NoReturn:
    """Become the engine, with the sandbox's environment; exit 1 when that is not possible."""
    parser = argparse.ArgumentParser(prog="python -m tools.run", description=__doc__)
    parser.add_argument("verb", help="a pulumi command: preview, up, destroy, refresh, cancel, …")
    parser.add_argument("--stack", "-s", default="dev", help="default: dev")
    parser.add_argument("--no-policies", action="store_true", help="leave out the policy pack")
    known, rest = parser.parse_known_args(arguments)
    layout = Layout.of(REPOSITORY)
    try:
        refuse_public_secret(known.verb, rest)
        sandbox = ready_sandbox(layout, stack=known.stack)
    except SetupError as error:
        sys.exit(f"sandbox: {error}")
    command = pulumi_command(
        sandbox, known.verb, stack=known.stack, policies=not known.no_policies, rest=rest
    )
    print(f"sandbox: no cloud account is used; everything lies in {layout.private}", flush=True)
    become(sandbox, command)


def ready_sandbox(layout: Layout, *, stack: str) -> Sandbox:
    """Return the checkout's sandbox with the stack and the provider plugins in place.

    Raises:
        SetupError: Set-up has not run, the stack has no settings, or the plugins fail.
    """
    sandbox = Sandbox(project=layout.root, home=layout.private, bin=chosen_engine(layout).bin)
    sandbox.prepare(stack)
    install_plugins(sandbox, python=layout.python)
    return sandbox


def refuse_public_secret(verb: str, rest: list[str]) -> None:
    """Stop `config set --secret`, which would write to the committed settings.

    Raises:
        SetupError: The command would encrypt a secret with the sandbox's passphrase.
    """
    if verb == "config" and any(each.partition("=")[0] == "--secret" for each in rest):
        raise SetupError(
            "the sandbox encrypts with a public passphrase: a secret would be open to all who read"
            " the settings",
            fix="set it with your own login, `pulumi config set --secret …`;"
            " the sandbox puts a made-up one in its place",
        )


def become(sandbox: Sandbox, command: list[str]) -> NoReturn:
    """Replace this process by the engine, so that exit code and signals are its own."""
    os.chdir(sandbox.project)
    environment = sandbox.environment() | sandbox.start_lambda(Path(sys.executable)).environment
    os.execve(sandbox.pulumi, command, environment)  # noqa: S606 - needs no shell


def pulumi_command(
    sandbox: Sandbox, verb: str, *, stack: str, policies: bool, rest: list[str]
) -> list[str]:
    """Return the engine's command line for one verb."""
    command = ["pulumi", verb, *rest]
    if verb not in WITHOUT_STACK:
        command += ["--stack", stack]
    if verb in WITH_SETTINGS:
        command += ["--config-file", str(sandbox.config_file(stack))]
    if verb in WITH_POLICIES and policies and (sandbox.project / "policies").is_dir():
        command += ["--policy-pack", "policies"]
    if verb in WITH_YES:
        command.append("--yes")
    return command


def install_plugins(sandbox: Sandbox, *, python: Path) -> None:
    """Put the sandbox's provider plugins where the engine looks for them.

    Raises:
        SetupError: They cannot be installed.
    """
    script = sandbox.project / "sandbox" / "install.py"
    answer = subprocess.run(
        [python, script, sandbox.plugins], check=False, capture_output=True, text=True
    )
    if answer.returncode:
        raise SetupError(
            f"the sandbox's plugins could not be installed: {answer.stderr.strip()}",
            fix="make clean setup",
        )


if __name__ == "__main__":
    main()
