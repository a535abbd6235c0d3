"""The endpoint picker's configuration: one broken file for each rule, and upstream's own ones pass."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from outlay.catalog.llm_d import LLM_D, RELEASES, V0_10
from outlay.serving import epp, epp_plugins, schemas
from outlay.serving.render import render
from outlay.serving.yaml_text import parse_documents
from tests.serving import builders, find, patterns

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


def split_config(**changes: Any) -> dict[str, Any]:
    """Return the configuration that is rendered for prefill and decode apart."""
    manifests = [patterns.pattern("split", "aws").render()]
    text = find.one(manifests, "ConfigMap", f"{builders.LLAMA}-epp")["data"]["epp-config.yaml"]
    (found,) = parse_documents(text, source="test")
    return found | changes


def precise_config(**parameters: Any) -> dict[str, Any]:
    """Return the configuration of precise routing, with parameters of its producer changed."""
    manifests = [patterns.pattern("precise", "aws").render()]
    text = find.one(manifests, "ConfigMap", f"{builders.LLAMA}-epp")["data"]["epp-config.yaml"]
    (found,) = parse_documents(text, source="test")
    found["plugins"][2]["parameters"] |= parameters
    return found


EPP_FAULTS |= {
    "twice": (
        config(plugins=[*config()["plugins"], {"type": "token-load-scorer"}]),
        "plugins: token-load-scorer is there twice; give one of them another name",
    ),
    "idle": (
        config(schedulingProfiles=profile(REF)),
        "plugins: prefix-cache-affinity-filter is used nowhere",
    ),
    "profiles without a handler": (
        config(schedulingProfiles=[*profile(REF), {"name": "b", "plugins": [REF]}]),
        "schedulingProfiles: several need a profile handler",
    ),
    "handler without its profiles": (
        split_config(schedulingProfiles=profile(REF)),
        "schedulingProfiles: requests that are split need the profiles decode and prefill",
    ),
    "decider that is not there": (
        split_config(plugins=[p for p in split_config()["plugins"] if "decider" not in p["type"]]),
        "plugins[1].parameters.deciderPluginName: 'prefix-based-pd-decider' is not among the plugins",
    ),
    "nested parameter": (
        precise_config(kvEventsConfig={"discoverPods": "yes"}),
        "plugins[2].parameters.kvEventsConfig.discoverPods: 'yes' is not true or false",
    ),
    "nested parameter that is unknown": (
        precise_config(tokenProcessorConfig={"blockSize": 64}),
        "plugins[2].parameters.tokenProcessorConfig.blockSize: unknown parameter",
    ),
    "value where a mapping belongs": (
        precise_config(indexerConfig=3),
        "plugins[2].parameters.indexerConfig: 3 is no mapping",
    ),
    "data layer": (
        precise_config() | {"dataLayer": {"sources": [{"pluginRef": "gone"}]}},
        "dataLayer.sources[0].pluginRef: 'gone' is not among the plugins",
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


def test_the_newer_line_has_no_header_plugin() -> None:
    """It would fail at start: v0.11 sets the headers in the profile handler."""
    older = split_config()
    assert [*epp.faults(older, release=V0_10)] == [
        "plugins[0].type: unknown plugin 'disagg-headers-handler'"
    ]
    (text,) = [
        body["data"]["epp-config.yaml"]
        for body in find.bodies([patterns.pattern("split-newer", "aws").render()], "ConfigMap")
        if "epp-config.yaml" in body["data"]
    ]
    assert "disagg-headers-handler" not in text


@pytest.mark.parametrize("line", RELEASES)
def test_a_release_s_parts_fit_together(line: str) -> None:
    """One table: picker and sidecar of the router's version, the engine of vLLM's, tags never floating."""
    release = RELEASES[line]
    assert release.line == line
    assert release.endpoint_picker_image.endswith(f":{release.router}")
    assert release.sidecar_image.endswith(f":{release.router}")
    assert release.engine_image.endswith(f":{release.vllm}")
    assert release.router in epp_plugins.PLUGINS
    images = [getattr(release, f) for f in release.__dataclass_fields__ if f.endswith("_image")]
    for image in filter(None, images):
        tag = image.rpartition(":")[2]
        assert any(c.isdigit() for c in tag), image
        assert tag not in ("main", "latest", "v0")
    pool = schemas.definition(schemas.DEFINITIONS["InferencePool"])["spec"]
    served = {f"{pool['group']}/{v['name']}" for v in pool["versions"] if v["served"]}
    assert release.pool_api in served
    objective = schemas.definition(schemas.DEFINITIONS["InferenceObjective"])["spec"]
    served = {f"{objective['group']}/{v['name']}" for v in objective["versions"] if v["served"]}
    assert release.objectives_api in served
