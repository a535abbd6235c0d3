"""The `LLMDeployment` of the specification's chapter: a kind that exists in no cluster, read strictly.

Every field has a place in real objects or is refused: none may be dropped in silence. Field names are
those of the chapter's three listings.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from outlay.errors import Problem, SettingsError
from outlay.settings.base import Base

API_VERSION = "inference.llm-d.io/v1alpha1"
KIND = "LLMDeployment"
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def _seconds(value: object) -> object:
    """Return a duration such as `30s` or `2m` in seconds."""
    match = re.fullmatch(r"(\d+)([smh])", value) if isinstance(value, str) else None
    return int(match[1]) * _SECONDS[match[2]] if match else value


def _gib(value: object) -> object:
    match = re.fullmatch(r"(\d+)Gi", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be memory such as 16Gi")
    return int(match[1])


Seconds = Annotated[int, BeforeValidator(_seconds), Field(ge=0)]
Gib = Annotated[int, BeforeValidator(_gib), Field(ge=1)]
Count = Annotated[int, Field(ge=1)]


class Quantization(StrEnum):
    """The chapter's formats, and fp8, which it leaves out."""

    FP16 = "fp16"
    BF16 = "bf16"
    FP8 = "fp8"
    INT8 = "int8"
    INT4 = "int4"
    MIXED = "mixed"
    DYNAMIC = "dynamic"


class QuantizationSpec(Base):
    """How weights are stored; `precision` described how they were made."""

    type: Quantization
    precision: dict[str, Any] = Field(default={})


class ModelSpec(Base):
    """What is served."""

    name: str
    quantization: QuantizationSpec | None = None


class Amounts(Base):
    """CPU, memory and GPUs of one replica."""

    cpu: Count = 4
    memory: Gib
    gpus: Count = Field(default=1, alias="nvidia.com/gpu")


class Resources(Base):
    """Requests and limits; GPU limits must equal requests."""

    requests: Amounts
    limits: Amounts | None = None


class Metric(Base):
    """A scaling target of the chapter's own."""

    name: str
    target: float


class Autoscaling(Base):
    """Bounds and delays; what they were bound to is replaced by queue length and running requests."""

    enabled: bool = True
    min_replicas: Annotated[int, Field(ge=0)] = 1
    max_replicas: Count
    target_gpu_utilization: float | None = Field(default=None, alias="targetGPUUtilization")
    target_latency: Seconds | str | None = None
    scale_up_delay: Seconds = 0
    scale_down_delay: Seconds = 300
    custom_metrics: tuple[Metric, ...] = ()


class Toleration(Base):
    """A toleration as Kubernetes has it."""

    key: str
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str = ""
    effect: str = ""


class Serving(Base):
    """How a single pool serves, or that it does so in two."""

    mode: Literal["monolithic", "disaggregated"] = "monolithic"
    protocol: Literal["http"] = "http"
    port: int = 8080
    batch_size: Count = 4


class Pool(Base):
    """One of the two roles."""

    replicas: Count
    resources: Resources
    batch_size: Count = 8
    max_sequence_length: Count | None = None
    max_tokens_per_request: Count | None = None
    node_selector: dict[str, str] = Field(default={})
    tolerations: tuple[Toleration, ...] = ()
    affinity: dict[str, Any] = Field(default={})
    autoscaling: Autoscaling | None = None


class PromptRoute(Base):
    """Which prompts go to the prefill pool."""

    min_prompt_length: Annotated[int, Field(ge=0)] = 0
    max_prompt_length: Count | None = None
    batching_timeout: Seconds | str | None = None


class Routing(Base):
    """How requests find a pool."""

    strategy: str = "adaptive"
    prefill: PromptRoute = Field(default_factory=PromptRoute)


class Spec(Base):
    """What the object asks for."""

    model: ModelSpec
    serving: Serving = Field(default_factory=Serving)
    replicas: Count = 1
    resources: Resources | None = None
    autoscaling: Autoscaling | None = None
    node_selector: dict[str, str] = Field(default={})
    tolerations: tuple[Toleration, ...] = ()
    affinity: dict[str, Any] = Field(default={})
    prefill: Pool | None = None
    decode: Pool | None = None
    routing: Routing | None = None


class Metadata(Base):
    """Name and place; labels and annotations of the chapter's own domains carry nothing."""

    name: str
    namespace: str = "default"
    labels: dict[str, str] = Field(default={})
    annotations: dict[str, str] = Field(default={})


class Deployment(Base):
    """One LLMDeployment."""

    api_version: Literal["inference.llm-d.io/v1alpha1"]
    kind: Literal["LLMDeployment"]
    metadata: Metadata
    spec: Spec


def read(document: dict[str, Any], *, source: str) -> Deployment:
    """Return a document as an LLMDeployment.

    Raises:
        SettingsError: anything in it is wrong or unknown; carries every problem with its path.
    """
    try:
        return Deployment.model_validate(document)
    except ValidationError as error:
        problems = [
            Problem(".".join(map(str, e["loc"])), _words(e["type"], e["msg"]))
            for e in error.errors()
        ]
        raise SettingsError(problems, source=source) from None


def _words(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "is no field of an LLMDeployment; outlay drops nothing in silence"
    return message.removeprefix("Value error, ").removeprefix("Input ")
