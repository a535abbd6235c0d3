"""The endpoint picker's configuration: one broken file for each rule, and upstream's own ones pass."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from outlay.catalog.llm_d import LLM_D
from outlay.serving import epp
from outlay.serving.render import render
from outlay.serving.yaml_text import parse_documents
from tests.serving import builders, find

MANIFESTS = render(builders.two_cloud_plan())


def config(**changes: Any) -> dict[str, Any]:
    """Return the configuration that is rendered, with some top-level fields changed."""
    text = find.one(MANIFESTS[:1], "ConfigMap", f"{builders.LLAMA}-epp")["data"]["epp-config.yaml"]
    (found,) = parse_documents(text, source="test")
    return found | changes


def profile(*plugins: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """Return one scheduling profile."""
    return [{"name": "default", "plugins": list(plugins), **more}]


def with_plugin(index: int, **changes: Any) -> list[dict[str, Any]]:
    """Return the rendered plugins with one of them changed."""
    plugins: list[dict[str, Any]] = config()["plugins"]
    plugins[index] = plugins[index] | changes
    return plugins


REF = {"pluginRef": "token-load-scorer"}
EPP_FAULTS = {
    "version": (
        config(apiVersion="llm-d.ai/v1"),
        "apiVersion: 'llm-d.ai/v1', router v0.10.0 reads llm-d.ai/v1alpha1",
    ),
    "kind": (config(kind="X"), "kind: 'X', must be EndpointPickerConfig"),
    "field": (config(deciders={}), "deciders: unknown field"),
    "gate": (config(featureGates=["fly"]), "featureGates: unknown gate 'fly'"),
    "plugin": (
        config(plugins=[*config()["plugins"], {"type": "precise-prefix-cache-scorer"}]),
        "plugins[4].type: unknown plugin 'precise-prefix-cache-scorer'",
    ),
    "plugin field": (config(plugins=with_plugin(3, wight=1)), "plugins[3].wight: unknown field"),
    "parameter": (
        config(plugins=with_plugin(2, parameters={"peakPrefillThroughputX": 12})),
        "plugins[2].parameters.peakPrefillThroughputX: unknown parameter",
    ),
    "parameter value": (
        config(plugins=with_plugin(2, parameters={"peakPrefillThroughput": "abc"})),
        "plugins[2].parameters.peakPrefillThroughput: 'abc' is not a positive number",
    ),
    "partner": (
        config(plugins=config()["plugins"][:1] + config()["plugins"][2:]),
        "plugins: token-load-scorer needs inflight-load-producer",
    ),
    "no profile": (config(schedulingProfiles=[]), "schedulingProfiles: at least one is needed"),
    "empty profile": (
        config(schedulingProfiles=profile()),
        "schedulingProfiles[0].plugins: at least one is needed",
    ),
    "profile field": (
        config(schedulingProfiles=profile(REF, x=1)),
        "schedulingProfiles[0].x: unknown field",
    ),
    "reference": (
        config(schedulingProfiles=profile({"pluginRef": "gone"})),
        "schedulingProfiles[0].plugins[0].pluginRef: 'gone' is not among the plugins",
    ),
    "weight": (
        config(schedulingProfiles=profile(REF | {"weight": 0})),
        "schedulingProfiles[0].plugins[0].weight: 0 is not a positive whole number",
    ),
}


@pytest.mark.parametrize(("value", "fault"), EPP_FAULTS.values(), ids=EPP_FAULTS.keys())
def test_a_configuration_that_the_picker_would_refuse(value: dict[str, Any], fault: str) -> None:
    assert fault in list(epp.faults(value, release=LLM_D))


def test_upstream_s_own_configuration_passes() -> None:
    """The one that llm-d v0.9 installs for its optimized baseline."""
    upstream = yaml.safe_load("""
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        plugins:
        - type: approx-prefix-cache-producer
        - type: inflight-load-producer
        - type: prefix-cache-affinity-filter
        - type: token-load-scorer
        schedulingProfiles:
        - name: default
          plugins:
          - pluginRef: prefix-cache-affinity-filter
          - pluginRef: token-load-scorer
    """)
    assert list(epp.faults(upstream, release=LLM_D)) == []
