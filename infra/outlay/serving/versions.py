"""What rendering depends on besides the llm-d release: Kubernetes, Pulumi, and each provider's habits."""

from __future__ import annotations

from dataclasses import dataclass

from outlay.catalog.llm_d import LLM_D
from outlay.catalog.types import Market
from outlay.errors import RenderError

__all__ = [
    "DRAIN",
    "KUBERNETES",
    "LLM_D",
    "MIN_GKE",
    "PULUMI_KUBERNETES",
    "Drain",
    "ProviderHabits",
    "drain",
    "habits",
]

# Objects are checked against this minor version; clusters must run it or a newer one.
KUBERNETES = "1.34"
# From here on GKE installs the InferencePool definition itself.
MIN_GKE = "1.34.0-gke.1626000"
# Also in requirements.txt; a test holds the two together.
PULUMI_KUBERNETES = "4.32.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """How long a model server may take to stop, in seconds.

    First `pre_stop_s`, in which the router learns of it, then `finish_s`, in which running requests
    end; `grace_s` holds both and what the process needs to exit.
    """

    pre_stop_s: int
    finish_s: int
    grace_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderHabits:
    """What a provider's clusters do and lack.

    `spot_notice_s` is the time from the notice to the end of the node's ordinary pods.
    """

    installs_inference_pool: bool
    needs_device_plugin: bool
    spot_notice_s: int
    engine_env: tuple[tuple[str, str], ...] = ()


# Source of the plain values: llm-d guides, optimized-baseline on main after v0.9.
DRAIN = Drain(pre_stop_s=15, finish_s=45, grace_s=75)
_SHORT_DRAIN = Drain(pre_stop_s=5, finish_s=15, grace_s=25)
_SHORTEST_DRAIN = Drain(pre_stop_s=5, finish_s=8, grace_s=15)

_HABITS = {
    # EKS's AL2023 NVIDIA image has the driver and the container runtime, but no device plugin.
    "aws": ProviderHabits(
        installs_inference_pool=False, needs_device_plugin=True, spot_notice_s=120
    ),
    # GKE gives ordinary pods the first 15 of the 30 seconds, unless the node pool extends it.
    # NCCL variables: llm-d guides, GKE overlay (its NCCL plugins are not in the engine's image).
    "gcp": ProviderHabits(
        installs_inference_pool=True,
        needs_device_plugin=False,
        spot_notice_s=15,
        engine_env=(("NCCL_TUNER_PLUGIN", "none"), ("NCCL_NET_PLUGIN", "")),
    ),
    "azure": ProviderHabits(
        installs_inference_pool=False, needs_device_plugin=True, spot_notice_s=30
    ),
    # k3s on Lambda's images: driver and container runtime are there. Lambda sells no spot.
    "lambda": ProviderHabits(
        installs_inference_pool=False, needs_device_plugin=True, spot_notice_s=0
    ),
    # CoreWeave brings driver and device plugin, and promises no notice before it takes a spot node.
    "coreweave": ProviderHabits(
        installs_inference_pool=False, needs_device_plugin=False, spot_notice_s=0
    ),
}


def habits(provider: str) -> ProviderHabits:
    """Return what is known of a provider.

    Raises:
        RenderError: nobody has written down how that provider's clusters behave.
    """
    try:
        return _HABITS[provider]
    except KeyError:
        known = ", ".join(sorted(_HABITS))
        raise RenderError(
            f"cannot render llm-d objects for provider {provider!r}: only {known} are known;"
            " limit `providers` to those, or add it to serving/versions.py"
        ) from None


def drain(provider: str, market: Market) -> Drain:
    """Return the longest drain that a node of that market leaves time for, or the shortest there is."""
    if market is not Market.SPOT:
        return DRAIN
    notice_s = habits(provider).spot_notice_s
    drains = (DRAIN, _SHORT_DRAIN, _SHORTEST_DRAIN)
    return next((d for d in drains if d.grace_s <= notice_s), _SHORTEST_DRAIN)
