"""Speak to a running plugin as the engine does."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # publishes no types
from google.protobuf import json_format  # type: ignore[import-untyped]  # as above
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]  # as above
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.protocol import to_props, to_struct

STACK = "dev"
PROJECT = "tiny"


class RefusedError(Exception):
    """The plugin answered with a gRPC error."""

    def __init__(self, error: grpc.RpcError) -> None:
        self.code: str = error.code().name
        self.message: str = error.details()
        self.init_failure = _init_failure(error)
        super().__init__(f"{self.code}: {self.message}")


def _init_failure(error: grpc.RpcError) -> Mapping[str, Any] | None:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            detail = provider_pb2.ErrorResourceInitFailed()
            assert status.details[0].Unpack(detail)
            found: Mapping[str, Any] = json_format.MessageToDict(detail)
            return found
    return None


def urn(token: str, name: str) -> str:
    """Return the URN of a resource of the tests' stack."""
    return f"urn:pulumi:{STACK}::{PROJECT}::{token}::{name}"


@dataclass(frozen=True)
class Made:
    """A resource as the engine would keep it."""

    token: str
    name: str
    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


@dataclass
class Plugin:
    """One running plugin."""

    process: subprocess.Popen[str]
    stub: provider_pb2_grpc.ResourceProviderStub
    made: list[Made] = field(default_factory=list)

    def call(self, method: str, request: Any) -> Any:
        """Make one call; raise RefusedError where the plugin refuses."""
        try:
            return getattr(self.stub, method)(request, timeout=30)
        except grpc.RpcError as error:
            raise RefusedError(error) from error

    def configure(self, **config: str) -> None:
        """Configure the provider."""
        request = provider_pb2.ConfigureRequest(args=to_struct(dict(config)), acceptSecrets=True)
        response = self.call("Configure", request)
        assert response.supportsPreview
        assert not response.acceptSecrets

    def check_raw(
        self,
        token: str,
        inputs: dict[str, Any],
        *,
        name: str = "it",
        olds: dict[str, Any] | None = None,
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the checked inputs and the failures, by property."""
        request = provider_pb2.CheckRequest(
            urn=urn(token, name),
            type=token,
            name=name,
            news=to_struct(inputs),
            olds=to_struct(olds or {}),
            randomSeed=b"0123456789",
        )
        response = self.call("Check", request)
        failures = {failure.property: failure.reason for failure in response.failures}
        return to_props(response.inputs), failures

    def failures(self, token: str, inputs: dict[str, Any]) -> dict[str, str]:
        """Return what Check says against inputs, by property."""
        return self.check_raw(token, inputs)[1]

    def check(self, token: str, inputs: dict[str, Any], *, name: str = "it") -> dict[str, Any]:
        """Return the checked inputs of what must be right."""
        checked, failures = self.check_raw(token, inputs, name=name)
        assert failures == {}
        return checked

    def create(self, token: str, inputs: dict[str, Any], *, name: str = "it") -> Made:
        """Check and make a resource."""
        checked = self.check(token, inputs, name=name)
        request = provider_pb2.CreateRequest(
            urn=urn(token, name), type=token, name=name, properties=to_struct(checked)
        )
        response = self.call("Create", request)
        made = Made(token, name, response.id, checked, to_props(response.properties))
        self.made.append(made)
        return made

    def preview(self, token: str, inputs: dict[str, Any], *, name: str = "it") -> dict[str, Any]:
        """Return the outputs of a create in a preview."""
        request = provider_pb2.CreateRequest(
            urn=urn(token, name),
            type=token,
            name=name,
            properties=to_struct(self.check(token, inputs, name=name)),
            preview=True,
        )
        response = self.call("Create", request)
        assert response.id == ""
        return to_props(response.properties)

    def update(self, made: Made, inputs: dict[str, Any]) -> Made:
        """Change a resource in place."""
        request = provider_pb2.UpdateRequest(
            id=made.id,
            urn=urn(made.token, made.name),
            type=made.token,
            name=made.name,
            olds=to_struct(made.outputs),
            old_inputs=to_struct(made.inputs),
            news=to_struct(inputs),
        )
        outputs = to_props(self.call("Update", request).properties)
        return Made(made.token, made.name, made.id, inputs, outputs)

    def diff(
        self, made: Made, inputs: dict[str, Any], *, ignore: tuple[str, ...] = ()
    ) -> provider_pb2.DiffResponse:
        """Compare with what was made."""
        request = provider_pb2.DiffRequest(
            id=made.id,
            urn=urn(made.token, made.name),
            type=made.token,
            olds=to_struct(made.outputs),
            old_inputs=to_struct(made.inputs),
            news=to_struct(inputs),
            ignoreChanges=ignore,
        )
        response: provider_pb2.DiffResponse = self.call("Diff", request)
        return response

    def read(
        self,
        token: str,
        id_: str,
        *,
        inputs: dict[str, Any] | None = None,
        outputs: dict[str, Any] | None = None,
    ) -> provider_pb2.ReadResponse:
        """Read a resource: with inputs a refresh, without an import."""
        request = provider_pb2.ReadRequest(
            id=id_,
            urn=urn(token, "it"),
            type=token,
            inputs=to_struct(inputs or {}),
            properties=to_struct(outputs or {}),
        )
        response: provider_pb2.ReadResponse = self.call("Read", request)
        return response

    def delete(self, made: Made) -> None:
        """Delete a resource."""
        request = provider_pb2.DeleteRequest(
            id=made.id,
            urn=urn(made.token, made.name),
            type=made.token,
            properties=to_struct(made.outputs),
            old_inputs=to_struct(made.inputs),
        )
        self.call("Delete", request)

    def invoke(self, token: str, **arguments: Any) -> dict[str, Any]:
        """Call a function."""
        request = provider_pb2.InvokeRequest(tok=token, args=to_struct(arguments))
        return to_props(getattr(self.call("Invoke", request), "return"))

    def check_config(self, **config: Any) -> dict[str, str]:
        """Return what is wrong with a provider's configuration."""
        response = self.call("CheckConfig", provider_pb2.CheckRequest(news=_text_struct(config)))
        return {failure.property: failure.reason for failure in response.failures}


def _text_struct(config: Mapping[str, Any]) -> Struct:
    return to_struct(dict(config))


def executable(plugins: Path, package: str) -> Path:
    """Return the program that the engine would start for a provider."""
    (found,) = plugins.glob(f"resource-{package}-v*/pulumi-resource-{package}")
    return found


@contextmanager
def running(program: Path, *, ledger: Path) -> Iterator[Plugin]:
    """Run a plugin on a ledger; end it afterwards."""
    process = subprocess.Popen(
        [program, "127.0.0.1:1"],
        env={"PATH": "/usr/bin:/bin", "OUTLAY_SANDBOX": str(ledger)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Plugin(process, provider_pb2_grpc.ResourceProviderStub(channel))
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()
