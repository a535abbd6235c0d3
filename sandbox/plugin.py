# ruff: noqa: PLC0415 - each process loads one cloud, and the protocol's stubs only without the SDK around them
"""The process that the Pulumi engine starts for one provider: `plugin.py <package> <version>`.

Protocol: the port on the first line of stdout; ends on SIGINT, SIGTERM or when the engine is gone.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sandbox.errors import SandboxError
from sandbox.ledger import Ledger, ledger_path

if TYPE_CHECKING:
    from sandbox.cloud import Cloud

# A create that sleeps on purpose must not hold up the others.
THREADS = 64
# As the SDKs of Pulumi: a large stack's messages pass gRPC's default limit of 4 MB.
MAX_MESSAGE_BYTES = 400 * 1024 * 1024
PARENT_POLL_S = 0.5


def _aws(ledger: Ledger) -> Cloud:
    from sandbox.aws import Aws

    return Aws(ledger)


def _gcp(ledger: Ledger) -> Cloud:
    from sandbox.gcp import Gcp

    return Gcp(ledger)


def _azure(ledger: Ledger) -> Cloud:
    from sandbox.azure import Azure

    return Azure(ledger)


def _coreweave(ledger: Ledger) -> Cloud:
    from sandbox.coreweave import CoreWeave

    return CoreWeave(ledger)


def _kubernetes(ledger: Ledger) -> Cloud:
    from sandbox.kubernetes import Kubernetes

    return Kubernetes(ledger)


CLOUDS: dict[str, Callable[[Ledger], Cloud]] = {
    "aws": _aws,
    "gcp": _gcp,
    "azure-native": _azure,
    "coreweave": _coreweave,
    "kubernetes": _kubernetes,
}


def serve(package: str, version: str) -> None:
    """Serve one provider until the engine ends it.

    Raises SandboxError if the ledger is not named or not usable.
    """
    parent = os.getppid()
    ledger = Ledger(ledger_path())
    cloud = CLOUDS[package](ledger)
    import grpc  # type: ignore[import-untyped]  # publishes no types
    from pulumi.runtime.proto import provider_pb2_grpc

    from sandbox.provider import Provider

    server = grpc.server(
        ThreadPoolExecutor(max_workers=THREADS),
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(cloud, version), server)
    port = server.add_insecure_port("127.0.0.1:0")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    server.start()
    print(port, flush=True)
    threading.Thread(target=cloud.warm_up, daemon=True).start()
    while not ended.wait(PARENT_POLL_S):
        if os.getppid() != parent:
            break
    server.stop(grace=None)


def main() -> None:
    """Run as the engine runs it; its own arguments after the package and version are ignored."""
    from sandbox.stubs import load_stubs_only

    package, version = sys.argv[1], sys.argv[2]
    try:
        load_stubs_only()
        serve(package, version)
    except SandboxError as error:
        print(f"pulumi-resource-{package}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    # Threads of a sleeping fault must not keep the process alive.
    os._exit(0)


if __name__ == "__main__":
    main()
