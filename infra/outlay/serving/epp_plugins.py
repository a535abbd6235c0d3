"""The plugins of llm-d's endpoint picker that outlay renders, with their parameters, by router version.

Source: llm-d/llm-d-router, the README of each plugin under pkg/epp/framework/plugins (commits 71f4f0999f95
for v0.10.0 and later), and the guides of llm-d v0.9. The picker decodes parameters strictly and fails at
start; no schema of them exists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Rule:
    """What a parameter's value must be, in words and as a test."""

    words: str
    holds: Callable[[Any], bool]


def _number(least: float, most: float = float("inf")) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, int | float) and not isinstance(v, bool) and least <= v <= most


def _whole(least: int) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= least


POSITIVE = Rule("a positive whole number", _whole(1))
WHOLE = Rule("a whole number, 0 or more", _whole(0))
RATE = Rule("a positive number", lambda v: _number(0)(v) and v > 0)
MILLISECONDS = Rule("a number, 0 or more", _number(0))
SHARE = Rule("a number from 0 to 1", _number(0, 1))
SWITCH = Rule("true or false", lambda v: isinstance(v, bool))
TEXT = Rule("text", lambda v: isinstance(v, str) and v != "")
URL = Rule(
    "a URL with http or https",
    lambda v: isinstance(v, str) and v.startswith(("http://", "https://")),
)
PORT = Rule("a port", lambda v: _whole(1)(v) and v < 65536)


def one_of(*values: str) -> Rule:
    """Return the rule of an enumeration."""
    return Rule(f"one of {', '.join(values)}", lambda v: v in values)


class Kind(StrEnum):
    """What a plugin does in the picker; decides where it must be referred to."""

    PRODUCER = "producer"
    SOURCE = "source"
    HANDLER = "handler"
    DECIDER = "decider"
    IN_PROFILE = "filter, scorer or picker"


# A mapping is a nested object; PLUGIN names another plugin of the same configuration.
PLUGIN = Rule("the name of a plugin", lambda v: isinstance(v, str))
Parameters = Mapping[str, "Rule | Parameters"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """One type of plugin. `needs` names, for each thing it reads, the types that write it."""

    kind: Kind
    parameters: Parameters = field(default_factory=dict)
    needs: tuple[tuple[str, ...], ...] = ()


_PREFIXES = ("approx-prefix-cache-producer", "precise-prefix-cache-producer")
_EVENTS: Parameters = {
    "topicFilter": TEXT,
    "concurrency": POSITIVE,
    "discoverPods": SWITCH,
    "podDiscoveryConfig": {"socketPort": PORT},
    "engineType": one_of("vllm", "sglang"),
}
_COMMON: Mapping[str, Plugin] = {
    "approx-prefix-cache-producer": Plugin(
        kind=Kind.PRODUCER,
        parameters={
            "autoTune": SWITCH,
            "blockSizeTokens": POSITIVE,
            "lruCapacityPerServer": POSITIVE,
            "maxPrefixTokensToMatch": POSITIVE,
        },
    ),
    "precise-prefix-cache-producer": Plugin(
        kind=Kind.PRODUCER,
        parameters={
            "tokenProcessorConfig": {"blockSizeTokens": POSITIVE, "hashSeed": TEXT},
            "indexerConfig": {"kvBlockIndexConfig": {"enableMetrics": SWITCH}},
            "kvEventsConfig": _EVENTS,
            "speculativeIndexing": SWITCH,
            "speculativeTTL": TEXT,
        },
        needs=(("token-producer",), ("endpoint-notification-source",)),
    ),
    "token-producer": Plugin(
        kind=Kind.PRODUCER,
        parameters={"modelName": TEXT, "vllm": {"url": URL, "timeout": TEXT, "mmTimeout": TEXT}},
    ),
    "inflight-load-producer": Plugin(
        kind=Kind.PRODUCER, parameters={"prefixMatchInfoProducerName": PLUGIN}
    ),
    "endpoint-notification-source": Plugin(kind=Kind.SOURCE),
    "prefix-cache-affinity-filter": Plugin(
        kind=Kind.IN_PROFILE,
        parameters={
            "affinityThreshold": SHARE,
            "explorationProbability": SHARE,
            "maxTTFTPenaltyMs": MILLISECONDS,
            "ttftSource": one_of("prefillThroughput", "latencyPredictor"),
            "peakPrefillThroughput": RATE,
            "prefixMatchInfoProducerName": PLUGIN,
        },
        needs=(_PREFIXES, ("inflight-load-producer",)),
    ),
    "token-load-scorer": Plugin(
        kind=Kind.IN_PROFILE,
        parameters={"queueThresholdTokens": POSITIVE},
        needs=(("inflight-load-producer",),),
    ),
    "active-request-scorer": Plugin(kind=Kind.IN_PROFILE),
    "max-score-picker": Plugin(kind=Kind.IN_PROFILE),
    "prefill-filter": Plugin(kind=Kind.IN_PROFILE),
    "decode-filter": Plugin(kind=Kind.IN_PROFILE),
    "always-disagg-pd-decider": Plugin(kind=Kind.DECIDER),
    "prefix-based-pd-decider": Plugin(
        kind=Kind.DECIDER, parameters={"nonCachedTokens": POSITIVE}, needs=(_PREFIXES,)
    ),
    "disagg-profile-handler": Plugin(kind=Kind.HANDLER, parameters={"deciderPluginName": PLUGIN}),
}
# Announced for removal in v0.11, where the profile handler sets the headers itself.
_HEADERS = Plugin(
    kind=Kind.PRODUCER,
    parameters={"prefillProfile": TEXT, "encodeProfile": TEXT},
    needs=(("disagg-profile-handler",),),
)
PLUGINS: Mapping[str, Mapping[str, Plugin]] = MappingProxyType(
    {
        "v0.10.0": {**_COMMON, "disagg-headers-handler": _HEADERS},
        "v0.11.0": _COMMON,
    }
)
