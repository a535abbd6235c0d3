"""Check an EndpointPickerConfig: the picker crashes on what it does not know, and no schema of it exists.

The table holds what llm-d-router v0.10.0 understands of the plugins that outlay renders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from outlay.catalog.llm_d import LLM_D

Rule = Callable[[Any], bool]


def _is_positive_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


PLUGINS: Mapping[str, Mapping[str, Rule]] = {
    "approx-prefix-cache-producer": {"maxPrefixTokensToMatch": _is_positive_integer},
    "inflight-load-producer": {},
    "prefix-cache-affinity-filter": {"peakPrefillThroughput": _is_positive_integer},
    "token-load-scorer": {},
}
# A consumer does nothing, or fails at start, without what it reads.
PARTNERS = {
    "prefix-cache-affinity-filter": "approx-prefix-cache-producer",
    "token-load-scorer": "inflight-load-producer",
}
FIELDS = frozenset({"apiVersion", "kind", "featureGates", "plugins", "schedulingProfiles"})
FEATURE_GATES = frozenset({"flowControl"})


def faults(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the picker would refuse or silently ignore, each with its path."""
    if config.get("apiVersion") != LLM_D.epp_config_api:
        yield f"apiVersion: {config.get('apiVersion')!r}, router {LLM_D.router} reads {LLM_D.epp_config_api}"
    if config.get("kind") != "EndpointPickerConfig":
        yield f"kind: {config.get('kind')!r}, must be EndpointPickerConfig"
    yield from _unknown(config, FIELDS, path="")
    for gate in config.get("featureGates", ()):
        if gate not in FEATURE_GATES:
            yield f"featureGates: unknown gate {gate!r}"
    plugins = config.get("plugins", ())
    for index, plugin in enumerate(plugins):
        yield from _plugin_faults(plugin, path=f"plugins[{index}]")
    yield from _reference_faults(plugins, config.get("schedulingProfiles", ()))


def _unknown(value: Mapping[str, Any], known: frozenset[str], *, path: str) -> Iterator[str]:
    for key in sorted(value.keys() - known):
        yield f"{path}{'.' if path else ''}{key}: unknown field"


def _plugin_faults(plugin: Mapping[str, Any], *, path: str) -> Iterator[str]:
    yield from _unknown(plugin, frozenset({"type", "name", "parameters"}), path=path)
    rules = PLUGINS.get(plugin.get("type", ""))
    if rules is None:
        yield f"{path}.type: unknown plugin {plugin.get('type')!r}"
        return
    for name, value in plugin.get("parameters", {}).items():
        if name not in rules:
            yield f"{path}.parameters.{name}: unknown parameter"
        elif not rules[name](value):
            yield f"{path}.parameters.{name}: {value!r} is not a positive whole number"


def _reference_faults(
    plugins: Sequence[Mapping[str, Any]], profiles: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    types = {plugin.get("type") for plugin in plugins}
    names = {plugin.get("name", plugin.get("type")) for plugin in plugins}
    for consumer, producer in PARTNERS.items():
        if consumer in types and producer not in types:
            yield f"plugins: {consumer} needs {producer}"
    if not profiles:
        yield "schedulingProfiles: at least one is needed"
    for index, profile in enumerate(profiles):
        yield from _profile_faults(profile, names=names, path=f"schedulingProfiles[{index}]")


def _profile_faults(profile: Mapping[str, Any], *, names: set[Any], path: str) -> Iterator[str]:
    yield from _unknown(profile, frozenset({"name", "plugins"}), path=path)
    if not profile.get("plugins"):
        yield f"{path}.plugins: at least one is needed"
    for index, reference in enumerate(profile.get("plugins", ())):
        where = f"{path}.plugins[{index}]"
        yield from _unknown(reference, frozenset({"pluginRef", "weight"}), path=where)
        if reference.get("pluginRef") not in names:
            yield f"{where}.pluginRef: {reference.get('pluginRef')!r} is not among the plugins"
        if "weight" in reference and not _is_positive_integer(reference["weight"]):
            yield f"{where}.weight: {reference['weight']!r} is not a positive whole number"
