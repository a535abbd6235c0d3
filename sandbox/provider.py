# ruff: noqa: ARG002, N802 - methods and their parameters are named by the protocol
"""The provider protocol over a simulated cloud. Nothing here knows one cloud from another."""

from __future__ import annotations

import functools
import json
import sys
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

import grpc  # type: ignore[import-untyped]  # publishes no types
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]  # publishes no types
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]  # as above
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.cloud import Cloud, urn_name
from sandbox.diff import Change, Kind, diff
from sandbox.errors import CloudError, Code, PartialFailureError, SandboxError
from sandbox.faults import Interruption
from sandbox.protocol import to_props, to_struct
from sandbox.schema import Failure
from sandbox.values import Props, as_text, without_internal

Answer = TypeVar("Answer")
PropertyDiff = provider_pb2.PropertyDiff
KINDS = {
    (Kind.ADD, False): PropertyDiff.ADD,
    (Kind.ADD, True): PropertyDiff.ADD_REPLACE,
    (Kind.DELETE, False): PropertyDiff.DELETE,
    (Kind.DELETE, True): PropertyDiff.DELETE_REPLACE,
    (Kind.UPDATE, False): PropertyDiff.UPDATE,
    (Kind.UPDATE, True): PropertyDiff.UPDATE_REPLACE,
}
NO_COMPONENTS = "the sandbox has no remote components (Construct, Call): declare plain resources, as outlay's own components do"


def answers(method: Callable[..., Answer]) -> Callable[..., Answer]:
    """Turn the sandbox's errors into gRPC statuses that leave the engine's state clean."""

    @functools.wraps(method)
    def wrapped(self: Provider, request: Any, context: grpc.ServicerContext) -> Answer:
        try:
            return method(self, request, context)
        except PartialFailureError as error:
            status = _init_failed(error)
            context.set_trailing_metadata(
                (("grpc-status-details-bin", status.SerializeToString()),)
            )
            failure: tuple[Code, str] = (error.code, str(error))
        except CloudError as error:
            failure = (error.code, str(error))
        except SandboxError as error:
            failure = (Code.FAILED_PRECONDITION, str(error))
        except Exception as error:  # noqa: BLE001 - see below
            # An uncaught exception would reach the engine as UNKNOWN, which leaves the resource's state in doubt;
            # the ledger's transaction has rolled back, so nothing is in doubt.
            traceback.print_exc(file=sys.stderr)
            failure = (
                Code.FAILED_PRECONDITION,
                f"the sandbox has a bug in {method.__name__}: {type(error).__name__}: {error}",
            )
        code, message = failure
        context.abort(grpc.StatusCode[code.value], message)
        raise AssertionError("abort always raises")

    return wrapped


def _init_failed(error: PartialFailureError) -> status_pb2.Status:
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.id,
        properties=to_struct(error.outputs),
        inputs=to_struct(error.inputs),
        reasons=error.reasons,
    )
    status = status_pb2.Status(
        code=grpc.StatusCode.FAILED_PRECONDITION.value[0], message=str(error)
    )
    status.details.add().Pack(detail)
    return status


def _failures(failures: list[Failure] | tuple[Failure, ...]) -> list[provider_pb2.CheckFailure]:
    return [
        provider_pb2.CheckFailure(property=failure.path, reason=f"{failure.path}: {failure.reason}")
        for failure in failures
    ]


def _type(request: Any) -> str:
    """Return the type token of a request, which older engines tell only in the URN."""
    return str(request.type or request.urn.split("::")[2].rsplit("$", 1)[-1])


def configuration(request: provider_pb2.ConfigureRequest) -> Props:
    """Return the provider's configuration; nested values arrive as JSON text."""
    return parse_config(to_props(request.args))


def parse_config(raw: Props) -> Props:
    """Return configuration values with JSON texts read."""
    return {key: _parsed(value) for key, value in raw.items() if key != "version"}


def _parsed(value: object) -> object:
    if isinstance(value, str) and (value[:1] in {"{", "["} or value in {"true", "false"}):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _diff_response(changes: tuple[Change, ...], *, delete_first: bool) -> provider_pb2.DiffResponse:
    detailed = {
        change.path: PropertyDiff(kind=KINDS[change.kind, change.replaces], inputDiff=True)
        for change in changes
    }
    response = provider_pb2.DiffResponse
    return response(
        changes=response.DIFF_SOME if changes else response.DIFF_NONE,
        diffs=sorted({change.top for change in changes}),
        replaces=sorted({change.top for change in changes if change.replaces}),
        detailedDiff=detailed,
        hasDetailedDiff=True,
        deleteBeforeReplace=delete_first,
    )


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """One provider process: the protocol's calls over one Cloud."""

    def __init__(self, cloud: Cloud, version: str) -> None:
        self.cloud = cloud
        self.version = version

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        """Tell the version, which is the SDK's."""
        return plugin_pb2.PluginInfo(version=self.version)

    def GetSchema(self, request: Any, context: Any) -> provider_pb2.GetSchemaResponse:
        """Tell the least that tools need."""
        about = {"name": self.cloud.package, "version": self.version}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(about))

    def Attach(self, request: Any, context: Any) -> Empty:
        """Accept an engine that found this process by PULUMI_DEBUG_PROVIDERS."""
        return Empty()

    def Cancel(self, request: Any, context: Any) -> Empty:
        """Accept; an attached process serves further engines, so it must not end here."""
        return Empty()

    @answers
    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        """Check the provider's own configuration."""
        failures = self.cloud.check_config(parse_config(to_props(request.news)))
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(failures))

    @answers
    def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """Compare configurations: another region holds other resources."""
        old, new = to_props(request.old_inputs), to_props(request.news)
        changes = diff(old, new, replace=self.cloud.config_replaces(old, new), ignore=("version",))
        return _diff_response(changes, delete_first=False)

    @answers
    def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        """Take the configuration.

        Secrets are not accepted: the engine then sends them in clear and marks the answers itself.
        """
        self.cloud.configure(configuration(request))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    @answers
    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        """Check a resource's inputs by the SDK's types and the cloud's rules."""
        checked = self.cloud.check(
            _type(request),
            urn=request.urn,
            news=to_props(request.news),
            olds=to_props(request.olds),
            seed=request.randomSeed,
        )
        return provider_pb2.CheckResponse(
            inputs=self._sealed(_type(request), checked.inputs),
            failures=_failures(checked.failures),
        )

    @answers
    def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """Compare old inputs with new ones."""
        difference = self.cloud.diff(
            _type(request),
            olds=to_props(request.old_inputs),
            news=to_props(request.news),
            ignore=tuple(request.ignoreChanges),
        )
        return _diff_response(difference.changes, delete_first=difference.delete_first)

    @answers
    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        """Make a resource, or say what it would look like."""
        token, inputs = _type(request), to_props(request.properties)
        if request.preview:
            outputs = self.cloud.preview(token, urn=request.urn, inputs=inputs)
            return provider_pb2.CreateResponse(properties=self._sealed(token, outputs))
        interruption = self._interruption("create", token, urn=request.urn, inputs=inputs)
        live = self.cloud.create(token, urn=request.urn, inputs=inputs, interruption=interruption)
        return provider_pb2.CreateResponse(id=live.id, properties=self._sealed(token, live.outputs))

    @answers
    def Read(self, request: Any, context: Any) -> provider_pb2.ReadResponse:
        """Return a resource as it is: for a refresh, an import or a lookup."""
        token, inputs = _type(request), to_props(request.inputs)
        self._interruption("read", token, urn=request.urn, inputs=inputs).before()
        live = self.cloud.read(
            token, id_=request.id, properties=to_props(request.properties), inputs=inputs
        )
        if live is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=live.id,
            properties=self._sealed(token, live.outputs),
            inputs=self._sealed(token, live.inputs),
        )

    @answers
    def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:
        """Change a resource in place, or say what it would look like."""
        token, news, olds = _type(request), to_props(request.news), to_props(request.olds)
        if request.preview:
            record = self.cloud.locate(token, id_=request.id, properties=olds)
            outputs = self.cloud.preview(token, urn=request.urn, inputs=news, record=record)
            return provider_pb2.UpdateResponse(properties=self._sealed(token, outputs))
        interruption = self._interruption("update", token, urn=request.urn, inputs=news)
        live = self.cloud.update(
            token, urn=request.urn, id_=request.id, olds=olds, news=news, interruption=interruption
        )
        return provider_pb2.UpdateResponse(properties=self._sealed(token, live.outputs))

    @answers
    def Delete(self, request: Any, context: Any) -> Empty:
        """Remove a resource."""
        token, properties = _type(request), to_props(request.properties)
        interruption = self._interruption("delete", token, urn=request.urn, inputs=properties)
        self.cloud.delete(token, id_=request.id, properties=properties, interruption=interruption)
        return Empty()

    @answers
    def Invoke(self, request: Any, context: Any) -> provider_pb2.InvokeResponse:
        """Answer a function call."""
        arguments = without_internal(to_props(request.args))
        answer = to_struct(self.cloud.invoke(request.tok, arguments))
        # `return` is a Python keyword, so the field is given by name in a map.
        return provider_pb2.InvokeResponse(**{"return": answer})

    @answers
    def Construct(self, request: Any, context: Any) -> provider_pb2.ConstructResponse:
        """Refuse remote components."""
        raise CloudError(Code.UNIMPLEMENTED, NO_COMPONENTS)

    @answers
    def Call(self, request: Any, context: Any) -> provider_pb2.CallResponse:
        """Refuse methods of remote components."""
        raise CloudError(Code.UNIMPLEMENTED, NO_COMPONENTS)

    def _sealed(self, token: str, props: Props) -> Struct:
        return to_struct(self.cloud.sealed(self.cloud.type_of(token), props))

    def _interruption(self, operation: str, token: str, *, urn: str, inputs: Props) -> Interruption:
        """Note the call and take the failure that is planned for it, if any."""
        kind = self.cloud.type_of(token)
        plain = without_internal(inputs)
        name, region = urn_name(urn), self.cloud.region_of(kind, plain)
        self.cloud.ledger.log(operation, token=token, name=name, region=region)
        cloud_name = as_text(kind.cloud_name(plain))
        return Interruption(self.cloud.ledger.take_fault(operation, (token, name, cloud_name, urn)))
