"""A provider that accepts every type: for what the sandbox does not know, so that only the pack can stop it.

Run by the engine in a preview: `python anything.py <package> <version>`; nothing is ever made.
"""

# ruff: noqa: N802 - methods and their parameters are named by the protocol
from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
PARENT_POLL_S = 0.5
SCRIPT = '#!/bin/sh\nexec {python} {file} {package} {version} "$@"\n'


def install(plugins: Path, *, python: Path, package: str) -> None:
    """Put it where the engine looks for a provider of the installed SDK, or of any version without one."""
    module = f"pulumi_{package.replace('-', '_')}"
    about = list(python.parent.parent.glob(f"lib/*/site-packages/{module}/pulumi-plugin.json"))
    version = json.loads(about[0].read_text())["version"] if about else "1.0.0"
    path = plugins / f"resource-{package}-v{version}" / f"pulumi-resource-{package}"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = SCRIPT.format(
        python=shlex.quote(str(python)),
        file=shlex.quote(str(Path(__file__).resolve())),
        package=package,
        version=version,
    )
    path.write_text(text)
    path.chmod(0o755)


def servicer(version: str) -> Any:
    """Return what answers the engine."""
    from google.protobuf.empty_pb2 import (  # type: ignore[import-untyped]  # publishes no types
        Empty,
    )
    from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

    class Anything(provider_pb2_grpc.ResourceProviderServicer):
        """Takes every input as it is."""

        def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
            return plugin_pb2.PluginInfo(version=version)

        def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
            return provider_pb2.CheckResponse(inputs=request.news)

        def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
            return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

        def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
            return provider_pb2.CheckResponse(inputs=request.news)

        def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
            return provider_pb2.CreateResponse(properties=request.properties)

        def Cancel(self, request: Any, context: Any) -> Empty:
            return Empty()

    return Anything()


def serve(version: str) -> None:
    """Serve until the engine ends it or is gone."""
    import grpc  # type: ignore[import-untyped]  # publishes no types
    from pulumi.runtime.proto import provider_pb2_grpc

    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer(version), server)
    port = server.add_insecure_port("127.0.0.1:0")
    ended, parent = threading.Event(), os.getppid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    server.start()
    print(port, flush=True)
    while not ended.wait(PARENT_POLL_S) and os.getppid() == parent:
        pass
    server.stop(grace=None)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from sandbox.stubs import load_stubs_only

    load_stubs_only()
    serve(sys.argv[2])
    os._exit(0)
