"""Check an EndpointPickerConfig: the picker fails at start on what it does not know, and has no schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from outlay.catalog.llm_d import Release
from outlay.serving.epp_plugins import PLUGIN, PLUGINS, POSITIVE, Kind, Parameters, Plugin, Rule

Config = Mapping[str, Any]
FIELDS = frozenset(
    {"apiVersion", "kind", "featureGates", "plugins", "dataLayer", "schedulingProfiles"}
)
FEATURE_GATES = frozenset({"flowControl"})
# The roles' own profiles, by which the handler of split requests finds them.
SPLIT_PROFILES = frozenset({"prefill", "decode"})


def faults(config: Config, *, release: Release) -> Iterator[str]:
    """Yield what that release's picker would refuse or silently ignore, each with its path."""
    if config.get("apiVersion") != release.epp_config_api:
        yield f"apiVersion: {config.get('apiVersion')!r}, router {release.router} reads {release.epp_config_api}"
    if config.get("kind") != "EndpointPickerConfig":
        yield f"kind: {config.get('kind')!r}, must be EndpointPickerConfig"
    yield from _unknown(config, FIELDS, path="")
    for gate in config.get("featureGates", ()):
        if gate not in FEATURE_GATES:
            yield f"featureGates: unknown gate {gate!r}"
    yield from _Checker(config, PLUGINS[release.router]).faults()


class _Checker:
    """One configuration against the plugins of one router."""

    def __init__(self, config: Config, known: Mapping[str, Plugin]) -> None:
        self._plugins: Sequence[Config] = config.get("plugins", ())
        self._profiles: Sequence[Config] = config.get("schedulingProfiles", ())
        self._layer: Config = config.get("dataLayer", {})
        self._known = known
        self._types = {plugin.get("type") for plugin in self._plugins}
        self._names = [plugin.get("name", plugin.get("type")) for plugin in self._plugins]
        self._used: set[object] = set()

    def faults(self) -> Iterator[str]:
        for index, plugin in enumerate(self._plugins):
            yield from self._plugin(plugin, path=f"plugins[{index}]")
        for name in sorted({str(n) for n in self._names if self._names.count(n) > 1}):
            yield f"plugins: {name} is there twice; give one of them another name"
        yield from self._data_layer()
        yield from self._all_profiles()
        yield from self._idle()

    def _plugin(self, plugin: Config, *, path: str) -> Iterator[str]:
        yield from _unknown(plugin, frozenset({"type", "name", "parameters"}), path=path)
        known = self._known.get(plugin.get("type", ""))
        if known is None:
            yield f"{path}.type: unknown plugin {plugin.get('type')!r}"
            return
        given = plugin.get("parameters", {})
        yield from self._parameters(given, known.parameters, path=f"{path}.parameters")
        for writers in known.needs:
            if not self._types & set(writers):
                yield f"plugins: {plugin['type']} needs {' or '.join(writers)}"

    def _parameters(self, given: object, rules: Parameters, *, path: str) -> Iterator[str]:
        if not isinstance(given, Mapping):
            yield f"{path}: {given!r} is no mapping"
            return
        for name, value in given.items():
            rule = rules.get(name)
            where = f"{path}.{name}"
            if rule is None:
                yield f"{where}: unknown parameter"
            elif not isinstance(rule, Rule):
                yield from self._parameters(value, rule, path=where)
            elif rule is PLUGIN:
                yield from self._reference(value, path=where)
            elif not rule.holds(value):
                yield f"{where}: {value!r} is not {rule.words}"

    def _reference(self, name: object, *, path: str) -> Iterator[str]:
        self._used.add(name)
        if name not in self._names:
            yield f"{path}: {name!r} is not among the plugins"

    def _data_layer(self) -> Iterator[str]:
        yield from _unknown(self._layer, frozenset({"sources"}), path="dataLayer")
        for index, source in enumerate(self._layer.get("sources", ())):
            path = f"dataLayer.sources[{index}]"
            yield from _unknown(source, frozenset({"pluginRef", "extractors"}), path=path)
            yield from self._reference(source.get("pluginRef"), path=f"{path}.pluginRef")
            for number, extractor in enumerate(source.get("extractors", ())):
                where = f"{path}.extractors[{number}]"
                yield from _unknown(extractor, frozenset({"pluginRef"}), path=where)
                yield from self._reference(extractor.get("pluginRef"), path=f"{where}.pluginRef")

    def _all_profiles(self) -> Iterator[str]:
        if not self._profiles:
            yield "schedulingProfiles: at least one is needed"
        for index, profile in enumerate(self._profiles):
            yield from self._profile(profile, path=f"schedulingProfiles[{index}]")
        handlers = [t for t in self._types if self._kind(t) is Kind.HANDLER]
        if len(handlers) > 1:
            yield f"plugins: one profile handler is allowed, not {len(handlers)}"
        names = {profile.get("name") for profile in self._profiles}
        if handlers and names != SPLIT_PROFILES:
            yield "schedulingProfiles: requests that are split need the profiles decode and prefill"
        if not handlers and len(self._profiles) > 1:
            yield "schedulingProfiles: several need a profile handler"

    def _profile(self, profile: Config, *, path: str) -> Iterator[str]:
        yield from _unknown(profile, frozenset({"name", "plugins"}), path=path)
        if not profile.get("plugins"):
            yield f"{path}.plugins: at least one is needed"
        for index, reference in enumerate(profile.get("plugins", ())):
            where = f"{path}.plugins[{index}]"
            yield from _unknown(reference, frozenset({"pluginRef", "weight"}), path=where)
            yield from self._reference(reference.get("pluginRef"), path=f"{where}.pluginRef")
            if "weight" in reference and not POSITIVE.holds(reference["weight"]):
                yield f"{where}.weight: {reference['weight']!r} is not {POSITIVE.words}"

    def _idle(self) -> Iterator[str]:
        """Yield plugins that nothing refers to: they would do nothing."""
        needs_reference = (Kind.IN_PROFILE, Kind.DECIDER, Kind.SOURCE)
        for plugin, name in zip(self._plugins, self._names, strict=True):
            kind = self._kind(plugin.get("type"))
            if kind in needs_reference and name not in self._used:
                yield f"plugins: {name} is used nowhere"

    def _kind(self, name: object) -> Kind | None:
        known = self._known.get(str(name))
        return known.kind if known else None


def _unknown(value: Config, known: frozenset[str], *, path: str) -> Iterator[str]:
    for key in sorted(value.keys() - known):
        yield f"{path}{'.' if path else ''}{key}: unknown field"
