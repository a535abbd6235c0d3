"""Refuse a pack's configuration that names a rule which there is not: Pulumi would ignore it."""

from __future__ import annotations

from collections.abc import Iterable

import grpc  # type: ignore[import-untyped]  # publishes no types
from pulumi.runtime.proto.analyzer_pb2 import ConfigureAnalyzerRequest
from pulumi_policy import policy

from outlay.catalog.names import Names
from outlay.errors import UnknownNameError
from policies.rule import Rule


def unknown_rules(named: Iterable[str], rules: Iterable[Rule]) -> list[str]:
    """Return what is wrong with each name that no rule has, in order, with the nearest names."""
    names = Names.build("rule", ((rule.name, ()) for rule in rules))
    found = []
    for name in sorted(named):
        try:
            exact = names.resolve(name) == name
        except UnknownNameError as error:
            found.append(str(error))
        else:
            found += (
                [] if exact else [f"unknown rule {name!r}; did you mean {names.resolve(name)}?"]
            )
    return found


def refuse_unknown_rules(rules: Iterable[Rule]) -> None:
    """Let the pack answer a configuration of unknown rules with an error, before any rule is asked.

    Only the SDK's private server sees all names; each rule gets its own options alone.
    """
    known, accept = tuple(rules), policy._PolicyAnalyzerServicer.Configure

    def configure(
        server: policy._PolicyAnalyzerServicer,
        request: ConfigureAnalyzerRequest,
        context: grpc.ServicerContext,
    ) -> object:
        problems = unknown_rules(request.policyConfig, known)
        if problems:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "; ".join(problems))
        return accept(server, request, context)  # type: ignore[no-untyped-call]  # the SDK's servicer has no types

    policy._PolicyAnalyzerServicer.Configure = configure  # type: ignore[method-assign]  # the only place that sees all names
