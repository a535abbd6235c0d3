"""The environment in which the engine meets the sandbox and never a real account or login."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from tools.setup.errors import SetupError
from tools.setup.layout import REPOSITORY

# Not a secret: it encrypts made-up values of a pretended cloud.
PASSPHRASE = "sandbox"  # noqa: S105 - see above

# Stands for every secret of the committed settings: only its own login can decrypt it.
SECRET = "made-up-secret-of-the-sandbox"  # noqa: S105 - see above
# Where a stack's settings say how its secrets are encrypted.
ENCRYPTION = ("encryptionsalt", "encryptedkey", "secretsprovider")

# What could lead to a real account, cluster or Pulumi login is taken out of the environment.
FOREIGN = (
    "ARM_",
    "AWS_",
    "AZURE_",
    "CLOUDSDK_",
    "COREWEAVE_",
    "GCLOUD_",
    "GOOGLE_",
    "KUBECONFIG",
    "LAMBDA_",
    "PULUMI_",
)


@dataclass(frozen=True)
class LambdaApi:
    """A running server that answers as Lambda's API does."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead to it."""
        return {"LAMBDA_API_URL": f"http://127.0.0.1:{self.port}", "LAMBDA_API_KEY": "sandbox"}


@dataclass(frozen=True)
class Sandbox:
    """One project on pretended clouds, with a home of its own.

    Attributes:
        project: The folder of Pulumi.yaml.
        home: Where Pulumi home, state and the clouds' ledger live.
        bin: The real folder of `pulumi`.
    """

    project: Path
    home: Path
    bin: Path

    @property
    def pulumi(self) -> Path:
        """The command, by its real path: beside a link it would miss its language host."""
        return self.bin / "pulumi"

    @property
    def pulumi_home(self) -> Path:
        """Pulumi's own folder: plugins, workspaces, no credentials."""
        return self.home / "pulumi-home"

    @property
    def plugins(self) -> Path:
        """Where the engine looks for provider plugins."""
        return self.pulumi_home / "plugins"

    @property
    def state(self) -> Path:
        """The file backend's folder."""
        return self.home / "state"

    @property
    def ledger(self) -> Path:
        """The database of what exists on the pretended clouds."""
        return self.home / "sandbox.db"

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the engine's environment: `base` (default: our own) without foreign accounts."""
        base = os.environ if base is None else base
        kept = {name: value for name, value in base.items() if not name.startswith(FOREIGN)}
        return kept | {
            "PATH": f"{self.bin}{os.pathsep}{base.get('PATH', os.defpath)}",
            "AWS_EC2_METADATA_DISABLED": "true",
            "OUTLAY_SANDBOX": str(self.ledger),
            "PULUMI_BACKEND_URL": self.state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(self.pulumi_home),
            "PULUMI_OPTION_NON_INTERACTIVE": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def start_lambda(self, python: Path) -> LambdaApi:
        """Start Lambda's API, which ends with the calling process.

        Its socket is open on return, so that nobody needs to wait for the server.
        """
        with socket.create_server(("127.0.0.1", 0)) as listening:
            descriptor = listening.fileno()
            process = subprocess.Popen(
                (python, REPOSITORY / "sandbox" / "lambda_api.py", str(descriptor)),
                env={"PATH": os.defpath, "OUTLAY_SANDBOX": str(self.ledger)},
                pass_fds=(descriptor,),
                stdin=subprocess.DEVNULL,
            )
            port = listening.getsockname()[1]
        return LambdaApi(process=process, port=port)

    def config_file(self, stack: str) -> Path:
        """Return where the sandbox keeps its copy of a stack's settings."""
        return self.home / "config" / f"Pulumi.{stack}.yaml"

    def prepare(self, stack: str) -> None:
        """Make the folders, copy the stack's settings and create the stack if it does not exist.

        Pulumi writes an encryption salt into a stack's settings. It goes into the copy, so that the
        committed file stays as it is, for this passphrase and for a real account's. Secrets in it
        are replaced in the copy.

        Raises:
            SetupError: The project has no settings for the stack, or Pulumi cannot create it.
        """
        for folder in (self.plugins, self.state, self.home / "config"):
            folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            self._copy_settings(stack)
            if not any(self.state.glob(f".pulumi/stacks/*/{stack}.json*")):
                self._create(stack)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let runs that start together pass one after the other: only one can create a stack."""
        with (self.home / "prepare.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # released when the file is closed, or by a crash
            yield

    def _copy_settings(self, stack: str) -> None:
        committed = self.project / f"Pulumi.{stack}.yaml"
        if not committed.exists():
            known = sorted(path.name for path in self.project.glob("Pulumi.*.yaml"))
            raise SetupError(
                f"stack {stack} has no settings: {committed} does not exist",
                fix=f"write it, or choose another stack; there are {', '.join(known) or 'none'}",
            )
        copy = self.config_file(stack)
        salt = [line for line in _lines(copy) if line.startswith("encryptionsalt:")]
        text = "\n".join([*_without_secrets(committed), *salt, ""])
        if not copy.exists() or copy.read_text() != text:
            copy.write_text(text)
        shutil.copyfile(self.project / "Pulumi.yaml", copy.parent / "Pulumi.yaml")

    def _create(self, stack: str) -> None:
        answer = subprocess.run(
            [self.pulumi, "stack", "init", stack, "--no-select"],
            check=False,
            capture_output=True,
            text=True,
            env=self.environment(),
            cwd=self.config_file(stack).parent,
        )
        if answer.returncode:
            raise SetupError(
                f"stack {stack} could not be created: {answer.stderr.strip()}",
                fix=f"look into {self.state}; `make clean` starts the sandbox anew",
            )


def _without_secrets(committed: Path) -> list[str]:
    """Return the lines of a stack's settings that work without the key of its secrets."""
    lines = [line for line in _lines(committed) if not line.startswith(ENCRYPTION)]
    if not any("secure:" in line for line in lines):
        return lines
    try:
        settings = yaml.safe_load("\n".join(lines))
    except yaml.YAMLError:
        return lines  # the engine says what is wrong with them
    return yaml.safe_dump(_replaced(settings), sort_keys=False).splitlines()


def _replaced(value: object) -> object:
    if isinstance(value, dict):
        return SECRET if set(value) == {"secure"} else {k: _replaced(v) for k, v in value.items()}
    return [_replaced(each) for each in value] if isinstance(value, list) else value


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
