"""Start and stop a real control plane: etcd, API server, controllers, scheduler, and KWOK for the nodes."""

from __future__ import annotations

import ctypes
import http.client
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import yaml

from tests.cluster.api import Api, Login, wait_until
from tools.cluster import build
from tools.cluster.pins import ETCD, KUBERNETES, KWOK
from tools.setup.layout import REPOSITORY, Layout

LOCAL = "127.0.0.1"
START_TIMEOUT_S = 90
PR_SET_PDEATHSIG = 1  # Source: linux/prctl.h
STOP_TIMEOUT_S = 5
LAYOUT = Layout.of(REPOSITORY)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        port: int = probe.getsockname()[1]
        return port


def _end_with_parent() -> None:
    """Ask Linux to end this process with the tests, also when these are killed and cannot stop it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Running:
    """One started program and its log."""

    process: subprocess.Popen[bytes]
    log: IO[bytes]


@dataclass
class Processes:
    """Programs that were started, to be stopped in reverse: a server outlives no store."""

    folder: Path
    started: list[Running] = field(default_factory=list)

    def start(self, program: Path, *flags: str, env: dict[str, str] | None = None) -> None:
        """Start a program in a process group of its own, writing to `<name>.log`."""
        log = (self.folder / f"{program.name}.log").open("ab")
        process = subprocess.Popen(
            [program, *flags],
            cwd=self.folder,
            env={"HOME": str(self.folder), "PATH": os.environ["PATH"]} | (env or {}),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - the tests start programs from one thread
        )
        self.started.append(Running(process, log))

    def check(self) -> None:
        """Raise RuntimeError with the end of its log when a program has ended by itself."""
        for running in self.started:
            if running.process.poll() is not None:
                text = Path(running.log.name).read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{running.process.args!r} ended:\n{text}")

    def stop(self) -> None:
        """Stop everything, the latest first; what does not go in time is killed."""
        for running in reversed(self.started):
            running.process.send_signal(signal.SIGTERM)
            try:
                running.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                running.process.kill()
                running.process.wait()
            running.log.close()
        self.started.clear()


class ControlPlane:
    """A cluster without machines. `folder` holds keys, logs and the kubeconfig."""

    def __init__(self, folder: Path, *, stage: Callable[[str], str] = lambda text: text) -> None:
        """Prepare a plane; `stage` may change the text of KWOK's stages."""
        self.folder = folder
        self.processes = Processes(folder)
        self.login = Login(
            host=LOCAL,
            port=free_port(),
            token=secrets.token_hex(16),
            ca=folder / "certs" / "apiserver.crt",
        )
        self._stage = stage

    @property
    def kubeconfig(self) -> Path:
        """How others reach the server."""
        return self.folder / "kubeconfig"

    def start(self) -> None:
        """Start everything and wait until pods are admitted; stop it again if that fails."""
        try:
            self._start_server()
            self._start_controllers()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything."""
        self.processes.stop()

    def _start_server(self) -> None:
        store = self._start_store()
        self._write_keys()
        self.processes.start(
            build.program(KUBERNETES, "kube-apiserver", LAYOUT),
            f"--etcd-servers={store}",
            f"--secure-port={self.login.port}",
            f"--bind-address={LOCAL}",
            f"--advertise-address={LOCAL}",
            # Lets the address be loopback, on machines without a route too.
            "--endpoint-reconciler-type=none",
            f"--cert-dir={self.folder / 'certs'}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.folder / 'sa.pub'}",
            f"--service-account-signing-key-file={self.folder / 'sa.key'}",
            "--authorization-mode=Node,RBAC",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--allow-privileged=true",
            "--profiling=false",
            "--enable-admission-plugins=NodeRestriction",
        )
        wait_until(self._is_ready, what="API server", timeout_s=START_TIMEOUT_S)
        self._write_kubeconfig()

    def _start_store(self) -> str:
        client, peer = (f"http://{LOCAL}:{free_port()}" for _ in range(2))
        self.processes.start(
            build.program(ETCD, "etcd", LAYOUT),
            f"--data-dir={self.folder / 'etcd-data'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
        )
        return client

    def _write_keys(self) -> None:
        key = self.folder / "sa.key"
        _run(["openssl", "genrsa", "-out", key, "2048"])
        _run(["openssl", "rsa", "-in", key, "-pubout", "-out", self.folder / "sa.pub"])
        row = f'{self.login.token},admin,admin,"system:masters"\n'
        (self.folder / "tokens.csv").write_text(row, encoding="utf-8")

    def _is_ready(self) -> bool:
        self.processes.check()
        if not self.login.ca.is_file():
            return False
        api = None
        try:
            api = Api(self.login)
            return api.request("GET", "/readyz").status == 200
        except (OSError, ssl.SSLError, http.client.HTTPException):
            return False
        finally:
            if api:
                api.close()

    def _write_kubeconfig(self) -> None:
        server = {
            "server": f"https://{LOCAL}:{self.login.port}",
            "certificate-authority": str(self.login.ca),
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": server}],
            "users": [{"name": "admin", "user": {"token": self.login.token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "current-context": "test",
        }
        self.kubeconfig.write_text(yaml.safe_dump(config), encoding="utf-8")

    def _start_controllers(self) -> None:
        common = (f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0")
        self.processes.start(
            build.program(KUBERNETES, "kube-controller-manager", LAYOUT),
            *common,
            f"--service-account-private-key-file={self.folder / 'sa.key'}",
            f"--root-ca-file={self.login.ca}",
            "--use-service-account-credentials=false",
        )
        self.processes.start(build.program(KUBERNETES, "kube-scheduler", LAYOUT), *common)
        self.processes.start(
            build.program(KWOK, "kwok", LAYOUT),
            f"--kubeconfig={self.kubeconfig}",
            "--manage-all-nodes=true",
            f"--config={self._write_stages()}",
            f"--server-address={LOCAL}:{free_port()}",
        )
        api = Api(self.login)
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        wait_until(
            lambda: api.request("GET", account).ok, what="controllers", timeout_s=START_TIMEOUT_S
        )
        api.close()
        self.processes.check()

    def _write_stages(self) -> Path:
        source = build.folder(KWOK, LAYOUT)
        texts = [(source / Path(name).name).read_text("utf-8") for name in KWOK.files]
        target = self.folder / "stages.yaml"
        target.write_text("\n---\n".join(map(self._stage, texts)), encoding="utf-8")
        return target


def _run(command: Sequence[str | Path]) -> None:
    subprocess.run(command, check=True, capture_output=True)


def pause(seconds: float) -> None:
    """Let the control plane work; only where there is nothing to wait for."""
    time.sleep(seconds)
