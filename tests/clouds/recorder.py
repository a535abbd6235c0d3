"""Run a piece of a Pulumi program against mocks, and keep what it registered."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pulumi
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks

T = TypeVar("T")
# What a cloud adds to a resource and a reader of it needs.
COMPUTED: dict[str, dict[str, Any]] = {
    "aws:eks/cluster:Cluster": {
        "endpoint": "https://eks.example",
        "certificateAuthority": {"data": "Y2VydA=="},
    },
    "gcp:container/cluster:Cluster": {
        "endpoint": "192.0.2.7",
        "masterAuth": {"clusterCaCertificate": "Y2VydA=="},
    },
    "azure-native:containerservice:ManagedCluster": {
        "name": "made",
        "fqdn": "aks.example",
    },
    "azure-native:managedidentity:UserAssignedIdentity": {"principalId": "principal"},
    "azure-native:network:PublicIPAddress": {"ipAddress": "203.0.113.7"},
    "azure-native:network:VirtualNetwork": {"name": "net"},
    "azure-native:resources:ResourceGroup": {"name": "group"},
    "coreweave:index/cksCluster:CksCluster": {"apiServerEndpoint": "cks.example"},
    "pulumi-python:dynamic/outlay/lambda:Instance": {
        "ip": "198.51.100.7",
        "private_ip": "10.19.0.7",
    },
    "pulumi-python:dynamic/outlay/lambda:Credentials": {
        "authority_certificate": "CERTIFICATE",
        "authority_key": "KEY",
        "join_token": "join-me",
        "admin_token": "let-me-in",
    },
    "gcp:serviceaccount/account:Account": {"email": "nodes@my-project.example"},
}
# What a component asks of a cluster that stands: never before it does.
AKS_KUBECONFIG = """\
clusters:
  - name: made
    cluster: {server: "https://aks.example:443", certificate-authority-data: Y2VydA==}
"""
ANSWERS: dict[str, dict[str, Any]] = {
    "azure-native:containerservice:listManagedClusterUserCredentials": {
        "kubeconfigs": [
            {"name": "clusterUser", "value": base64.b64encode(AKS_KUBECONFIG.encode()).decode()}
        ]
    }
}


@dataclass
class Recorder(Mocks):
    """Answers every registration, keeps it, and refuses calls that ask the account for anything else."""

    resources: list[MockResourceArgs] = field(default_factory=list)

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.resources.append(args)
        computed = {"arn": f"arn:{args.name}", "selfLink": f"link:{args.name}"}
        # Azure's ids begin with the subscription, which roles are named by.
        id_ = f"/subscriptions/sub/{args.name}" if "azure" in args.typ else f"id:{args.name}"
        return id_, {**computed, **args.inputs, **COMPUTED.get(args.typ, {})}

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        if args.token in ANSWERS:
            return ANSWERS[args.token], []
        raise AssertionError(f"{args.token} asks the account in the middle of a preview")


@dataclass(frozen=True)
class Recorded:
    """What a program registered, by type and by name."""

    resources: tuple[MockResourceArgs, ...]

    def of(self, typ: str) -> dict[str, dict[str, Any]]:
        """Return the inputs of all resources of a type, by resource name."""
        return {r.name: dict(r.inputs) for r in self.resources if r.typ == typ}

    def only(self, typ: str) -> dict[str, Any]:
        """Return the inputs of the one resource of a type."""
        (inputs,) = self.of(typ).values()
        return inputs


def record(program: Callable[[], object], *, preview: bool = False) -> Recorded:
    """Run a program to its end and return what it registered.

    An Output that the program returns is awaited, so that what it asserts inside `apply` counts.
    """
    recorder = Recorder()
    pulumi.runtime.set_mocks(recorder, project="outlay", stack="dev", preview=preview)
    run = pulumi.runtime.test(program)  # type: ignore[no-untyped-call]  # the SDK left it untyped
    run()
    return Recorded(tuple(recorder.resources))


def resolved(make: Callable[[], pulumi.Output[T]]) -> tuple[T, bool]:
    """Run a program that returns an Output; return its value and whether it is secret."""
    seen: list[tuple[T, bool]] = []

    async def keep(output: pulumi.Output[T]) -> None:
        value = await output.future()
        assert value is not None
        seen.append((value, await output.is_secret()))

    record(lambda: keep(make()))
    return seen[0]
