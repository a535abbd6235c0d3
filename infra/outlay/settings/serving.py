"""How the models are served: what the Kubernetes objects look like, not what is bought."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from outlay.settings.base import Base, NoBoolean, Part

Seconds = Annotated[int, Field(ge=0, le=3600), NoBoolean]
Priority = Annotated[int, Field(ge=-1000, le=1000), NoBoolean]


class Line(StrEnum):
    """A line of llm-d releases."""

    V0_9 = "v0.9"
    V0_10 = "v0.10"


class Target(StrEnum):
    """Which objects a workload becomes."""

    LLM_D = "llm-d"
    KSERVE = "kserve"


class Router(StrEnum):
    """Who takes the requests: a proxy beside the endpoint picker, or a gateway of that class."""

    STANDALONE = "standalone"
    ISTIO = "istio"
    AGENTGATEWAY = "agentgateway"
    GKE = "gke"


class Routing(StrEnum):
    """How the picker learns which replica holds a prompt's prefix."""

    PREFIX = "prefix"
    PRECISE = "precise"


class Fabric(StrEnum):
    """The network over which replicas exchange KV caches or experts."""

    TCP = "tcp"
    EFA = "efa"
    INFINIBAND = "infiniband"
    ROCE = "roce"


class WeightsCache(StrEnum):
    """Where weights stay between two starts of a replica."""

    NONE = "none"
    NODE = "node"
    SHARED = "shared"


class ServingSettings(Base):
    """How the models are served. Everything has a default."""

    line: Line = Field(default=Line.V0_9, description="Line of llm-d releases")
    target: Target = Field(
        default=Target.LLM_D,
        description="Plain llm-d objects, or one LLMInferenceService of KServe a model",
    )
    router: Router = Field(
        default=Router.STANDALONE,
        description="Proxy of its own for each model, or one gateway (its controller must be there)",
    )
    routing: Routing = Field(
        default=Routing.PREFIX,
        description="Prefix caches estimated by the router, or precise, from the engines' own events",
    )
    kv_fabric: Fabric = Field(
        default=Fabric.TCP,
        description="Network between replicas; all but tcp need devices that the nodes must offer",
    )
    kv_offload_share: Part = Field(
        default=0.0,
        description="Share of a replica's host memory that holds KV cache evicted from the GPU",
    )
    least_split_tokens: Annotated[int, Field(ge=0, le=10_000_000), NoBoolean] = Field(
        default=0,
        description="Uncached prompt tokens from which prefill goes to the prefill pool; 0: always",
    )
    expert_parallel_nodes: Annotated[int, Field(ge=1, le=64), NoBoolean] = Field(
        default=1,
        description="Nodes over which the experts of one replica spread (mixture-of-experts models)",
    )
    weights_cache: WeightsCache = Field(
        default=WeightsCache.NONE,
        description="Keep weights on the node's disk, or on a volume that all replicas share",
    )
    weights_storage_class: str = Field(
        default="",
        description="Storage class of the shared volume (ReadWriteMany); the default by default",
    )
    autoscaling: bool = Field(
        default=False,
        description="Scale replicas with KEDA between the planned and the largest number",
    )
    scale_to_zero: bool = Field(
        default=False,
        description="Let autoscaling go down to no replica; requests wait in the router",
    )
    scale_up_window_s: Seconds = Field(
        default=0, description="Seconds of demand before replicas are added"
    )
    scale_down_window_s: Seconds = Field(
        default=300, description="Seconds without demand before replicas are removed"
    )
    prefill_scale_up_window_s: Seconds = Field(
        default=60, description="As scaleUpWindowS, of prefill"
    )
    prefill_scale_down_window_s: Seconds = Field(
        default=300, description="As scaleDownWindowS, of prefill"
    )
    prometheus_url: str = Field(
        default="http://prometheus-operated.monitoring.svc.cluster.local:9090",
        description="Prometheus that autoscaling asks",
    )
    rule_labels: dict[str, str] = Field(
        default={}, description="Labels by which that Prometheus finds its rules and monitors"
    )
    alerts: bool = Field(
        default=False,
        description="Alerts, unit costs, a dashboard and OpenCost prices in the cluster",
    )
    priorities: tuple[Priority, ...] = Field(
        default=(),
        description="Priorities that requests may name, as objectives prio-N; higher goes first",
    )

    @model_validator(mode="after")
    def _zero_needs_a_scaler(self) -> ServingSettings:
        if self.scale_to_zero and not self.autoscaling:
            raise ValueError(
                "scaleToZero needs autoscaling: nothing else would start a replica again"
            )
        return self

    @model_validator(mode="after")
    def _kserve_brings_its_own(self) -> ServingSettings:
        if self.target is Target.KSERVE and self.router is not Router.STANDALONE:
            raise ValueError("target kserve makes its own gateway and router; leave `router` out")
        if self.target is Target.KSERVE and self.autoscaling:
            raise ValueError(
                "target kserve is not scaled by outlay's KEDA objects; turn autoscaling off"
            )
        return self
