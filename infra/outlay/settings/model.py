"""What a stack asks for. One pydantic model; keys are camelCase as in Pulumi config and YAML."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from fnmatch import fnmatchcase
from ipaddress import ip_network
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from outlay.catalog import Catalog, Grade, Market, Percentile, Precision
from outlay.catalog.names import normalise
from outlay.catalog.regions import check_pattern, matches
from outlay.errors import UnknownNameError
from outlay.settings.base import Base, NoBoolean, Part
from outlay.settings.serving import ServingSettings
from outlay.settings.tags import check_tags

T = TypeVar("T")
# Below, whatever is bought stands idle, and the solver's tolerance would count as serving it.
LEAST_RPS = 0.001
LARGEST_RPS = 100_000.0
# Thirds cannot be written down exactly.
SHARE_ROUNDING = 0.001
WHOLE_HOURS = (24, 168)
LARGEST_BUDGET_USD = Decimal(10**12)
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class SurviveDomain(StrEnum):
    """What may be lost at once while `surviveFraction` of the demand is still served."""

    NONE = "none"
    SPOT = "spot"
    REGION = "region"
    PROVIDER = "provider"


def _catalog(info: ValidationInfo) -> Catalog:
    if not isinstance(info.context, Catalog):
        raise TypeError("settings are validated with the catalogue as context")
    return info.context


def _model_name(name: str, info: ValidationInfo) -> str:
    return _known(lambda: _catalog(info).model(name).name)


def _gpu_name(name: str, info: ValidationInfo) -> str:
    return _known(lambda: _catalog(info).gpu(name).name)


def _provider_name(name: str, info: ValidationInfo) -> str:
    return _known(lambda: _catalog(info).provider_names.resolve(name))


def _known(resolve: Callable[[], str]) -> str:
    try:
        return resolve()
    except UnknownNameError as error:
        raise ValueError(str(error)) from None


def _one_or_many(value: object) -> object:
    """Let `spot` and `spot, on-demand` stand for a list, as on a command line."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _any_case(value: object) -> object:
    """Let `FP8` and `On-Demand` stand for fp8 and on-demand, as names may be typed in any case."""
    return normalise(value) if isinstance(value, str) else value


def _kv_precision(value: object) -> object:
    if _any_case(value) not in ("bf16", "fp16", "fp8"):
        raise ValueError(f"must be bf16, fp16 or fp8: vLLM keeps no KV cache in {value!r}")
    return _any_case(value)


def _once_each(values: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))


def _not_empty(values: tuple[T, ...]) -> tuple[T, ...]:
    # A rule of its own: min_length would also fire when every member was refused.
    if not values:
        raise ValueError("must name at least one")
    return values


def _none_if_empty(value: object) -> object:
    """Let `{}` stand for nothing: Pulumi's declared default of an object must be one."""
    return None if value == {} else value


def _repository(value: str) -> str:
    if not REPOSITORY.fullmatch(value):
        raise ValueError(f"{value!r} is no Hugging Face repository: write owner/name")
    return value


def _dns_label(value: str) -> str:
    if not DNS_LABEL.fullmatch(value):
        raise ValueError(
            f"{value!r} is no DNS label: use lower-case letters, digits and '-', at most 63 characters"
        )
    return value


ModelName = Annotated[str, AfterValidator(_model_name)]
GpuName = Annotated[str, AfterValidator(_gpu_name)]
ProviderName = Annotated[str, AfterValidator(_provider_name)]
DnsLabel = Annotated[str, AfterValidator(_dns_label)]
Repository = Annotated[str, AfterValidator(_repository)]
Precise = Annotated[Precision, BeforeValidator(_any_case)]
KvPrecise = Annotated[
    Literal[Precision.BF16, Precision.FP16, Precision.FP8], BeforeValidator(_kv_precision)
]
SloPercentile = Annotated[Percentile, BeforeValidator(_any_case)]
Sold = Annotated[Market, BeforeValidator(_any_case)]

Rps = Annotated[float, Field(ge=LEAST_RPS, le=LARGEST_RPS, allow_inf_nan=False), NoBoolean]
Tokens = Annotated[int, Field(ge=1, le=10_000_000), NoBoolean]
Milliseconds = Annotated[float, Field(gt=0, le=3_600_000, allow_inf_nan=False), NoBoolean]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), NoBoolean]
Portion = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False), NoBoolean]
DraftTokens = Annotated[int, Field(ge=1, le=16), NoBoolean]
Hour = Annotated[int, Field(ge=0, le=168), NoBoolean]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False), NoBoolean]
Factor = Annotated[float, Field(ge=1, le=10, allow_inf_nan=False), NoBoolean]
EgressBytes = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False), NoBoolean]
Usd = Annotated[Decimal, Field(gt=0, le=LARGEST_BUDGET_USD, allow_inf_nan=False), NoBoolean]
Budget = Usd | None
Clusters = Annotated[int, Field(ge=1, le=100), NoBoolean]
QuotaGpus = Annotated[int, Field(ge=0, le=1_000_000), NoBoolean]
KubernetesVersion = Annotated[str, Field(pattern=r"^1\.\d{2}$")]

OneOrMany = BeforeValidator(_one_or_many)
OnceEach = AfterValidator(_once_each)
Names = Annotated[tuple[str, ...], OneOrMany, OnceEach]
Gpus = Annotated[tuple[GpuName, ...], OneOrMany, OnceEach]
Providers = Annotated[tuple[ProviderName, ...], OneOrMany, OnceEach]
Precisions = Annotated[tuple[Precise, ...], OneOrMany, OnceEach]
Markets = Annotated[tuple[Sold, ...], OneOrMany, OnceEach, AfterValidator(_not_empty)]


class BucketSettings(Base):
    """Requests of one length class."""

    share: Portion = Field(description="Share of the workload's requests, above 0 to 1")
    input_tokens: Tokens = Field(description="Mean prompt tokens per request")
    output_tokens: Tokens = Field(description="Mean output tokens per request")


class SpeculationSettings(Base):
    """Speculative decoding: tokens drafted ahead and verified together."""

    draft_tokens: DraftTokens = Field(description="Tokens drafted ahead, 1 to 16")
    acceptance: Share = Field(description="How likely each drafted token is accepted, as measured")
    draft_model: ModelName | None = Field(
        None, description="Model that drafts; by default drafts are looked up in the prompt"
    )


class PeriodSettings(Base):
    """Some hours of a day or week, and how much of the demand there is in them."""

    from_hour: Hour = Field(description="First hour, 0 for midnight (of Monday)")
    to_hour: Hour = Field(description="Hour at which it ends: at most 24, or 168 for a week")
    share: Share = Field(description="Share of targetRps, 0 to 1")


class WorkloadSettings(Base):
    """One model, its demand and its promise."""

    model: ModelName = Field(description="Model to serve, such as llama-3.1-8b")
    target_rps: Rps = Field(description="Requests per second to serve")
    name: DnsLabel = Field(
        "", description="Name of the workload, a DNS label; the model's by default"
    )
    team: str = Field(
        "", max_length=63, description="Team that pays for it; the tag `team` by default"
    )
    input_tokens: Tokens = Field(512, description="Mean prompt tokens per request")
    output_tokens: Tokens = Field(256, description="Mean output tokens per request")
    buckets: tuple[BucketSettings, ...] = Field(
        (),
        description="Length classes in place of one mean: a list of share, inputTokens, outputTokens",
    )
    profile: tuple[PeriodSettings, ...] = Field(
        (),
        description="Demand over a day or week: a list of fromHour, toHour, share; steady by default",
    )
    prefix_cache_hit_share: Part = Field(
        0.0, description="Share of prompt tokens expected in the prefix cache, 0 to below 1"
    )
    ttft_ms: Milliseconds = Field(2000.0, description="SLO: time to first token")
    tpot_ms: Milliseconds = Field(50.0, description="SLO: time per output token")
    slo_percentile: SloPercentile = Field(
        Percentile.MEAN,
        description="What of the requests keeps the SLO: their mean, or p95, arriving at random",
    )
    precisions: Precisions = Field(
        (),
        description="Weight precisions to consider; the checkpoint's own and lossless fp8 by default",
    )
    checkpoint: Repository = Field(
        "", description="Hugging Face repository of quantised weights, in the one precision named"
    )

    kv_precision: KvPrecise | None = Field(
        None, description="KV cache precision: 16 bit by default, or fp8, which halves it"
    )

    speculation: Annotated[SpeculationSettings | None, BeforeValidator(_none_if_empty)] = Field(
        None,
        description="Speculative decoding: draftTokens, acceptance as measured, draftModel; off by default",
    )

    @model_validator(mode="after")
    def _fits_the_context(self, info: ValidationInfo) -> WorkloadSettings:
        model = _catalog(info).model(self.model)
        for lengths in self.buckets or (self,):
            tokens = lengths.input_tokens + lengths.output_tokens
            if tokens > model.max_context_tokens:
                raise ValueError(
                    f"inputTokens + outputTokens = {tokens:,} is beyond the context of {model.name}"
                    f" ({model.max_context_tokens:,} tokens); shorten them or choose another model"
                )
        return self

    @model_validator(mode="after")
    def _buckets_are_all_requests(self) -> WorkloadSettings:
        total = sum(bucket.share for bucket in self.buckets)
        if self.buckets and abs(total - 1) > SHARE_ROUNDING:
            raise ValueError(f"the shares of buckets sum to {total:g}; they must sum to 1")
        return self

    @field_validator("profile")
    @classmethod
    def _profile_is_whole(cls, profile: tuple[PeriodSettings, ...]) -> tuple[PeriodSettings, ...]:
        hour = 0
        for period in sorted(profile, key=lambda p: p.from_hour):
            if period.from_hour != hour or period.to_hour <= hour:
                raise ValueError(
                    f"hour {hour} is not followed by one period: {period.from_hour} to {period.to_hour}"
                    " leaves a gap, overlaps another or is empty"
                )
            hour = period.to_hour
        if profile and hour not in WHOLE_HOURS:
            raise ValueError(f"covers hours 0 to {hour}; it must cover a day (24) or a week (168)")
        if profile and max(period.share for period in profile) != 1:
            raise ValueError("the largest share must be 1: targetRps is the demand at its highest")
        return tuple(sorted(profile, key=lambda p: p.from_hour))

    def split(self) -> tuple[WorkloadSettings, ...]:
        """Return one workload a bucket: each is sized, placed and served for its own lengths."""
        if not self.buckets:
            return (self,)
        return tuple(
            self.model_copy(
                update={
                    "name": f"{self.label[:60]}-{number}",
                    "target_rps": self.target_rps * bucket.share,
                    "input_tokens": bucket.input_tokens,
                    "output_tokens": bucket.output_tokens,
                    "buckets": (),
                }
            )
            for number, bucket in enumerate(self.buckets, start=1)
        )

    @model_validator(mode="after")
    def _checkpoint_has_one_precision(self) -> WorkloadSettings:
        if self.checkpoint and len(self.precisions) != 1:
            raise ValueError(
                "checkpoint names one set of weights, so precisions must name exactly the one they are in"
            )
        return self

    @property
    def label(self) -> str:
        """DNS label of the workload: its name, else one made from the model's."""
        return self.name or normalise(self.model).replace(".", "-")


Workloads = Annotated[tuple[WorkloadSettings, ...], AfterValidator(_not_empty)]


class QuotaSettings(Base):
    """What an account may hold at most at a provider: GPUs of all nodes that match."""

    provider: ProviderName = Field(description="Provider that set the quota")
    gpus: QuotaGpus = Field(description="Largest number of GPUs, 0 for none")
    region: str = Field("", description="Region or pattern; all together by default")
    gpu: GpuName | None = Field(None, description="GPU type; all together by default")
    market: Sold | None = Field(None, description="Market; all together by default")

    @field_validator("region")
    @classmethod
    def _region_exists(cls, pattern: str, info: ValidationInfo) -> str:
        if pattern:
            check_pattern(pattern, _catalog(info))
        return pattern


Quotas = tuple[QuotaSettings, ...]


class Settings(Base):
    """Everything a stack asks for. Only a model and its target requests/s have no default."""

    workloads: Workloads = Field(
        description="Several models: a list of the workload settings above; at the top they are defaults"
    )
    providers: Providers = Field((), description="Providers to consider; all by default")
    regions: Names = Field(
        (), description="Regions or patterns such as us-* to consider; all by default"
    )
    gpus: Gpus = Field((), description="GPU types to consider; all by default")
    instance_types: Names = Field(
        (), description="Instance types or patterns such as g6e.* to consider; all by default"
    )
    exclude_providers: Providers = Field((), description="Providers to leave out")
    exclude_regions: Names = Field((), description="Regions or patterns such as eu-* to leave out")
    exclude_gpus: Gpus = Field((), description="GPU types to leave out")
    exclude_instance_types: Names = Field(
        (), description="Instance types or patterns such as p5.* to leave out"
    )
    markets: Markets = Field(
        (Market.ON_DEMAND, Market.SPOT), description="Markets to buy in: on-demand, spot"
    )
    max_clusters: Clusters | None = Field(
        None, description="Largest number of clusters; 1 keeps everything in one region"
    )
    quotas: Quotas = Field(
        (),
        description="Largest numbers of GPUs: provider, and gpus; region, gpu and market narrow it down",
    )
    max_spot_share: Share = Field(
        1.0, description="Largest share of each model's capacity on spot, 0 to 1"
    )
    survive_domain: SurviveDomain = Field(
        SurviveDomain.SPOT,
        description="What may be lost at once: none, spot (one GPU type's spot nodes in a region), region, provider",
    )
    survive_fraction: Part = Field(
        0.5, description="Share of the demand that is still served when it is lost, 0 to below 1"
    )
    headroom: Factor = Field(1.0, description="Factor on the demand to plan for, 1 to 10")
    max_scale: Factor = Field(
        1.0,
        description="Burst factor: replicas and pools may grow for this multiple of the demand, 1 to 10",
    )
    calibrations: Names = Field(
        (), description="Files written by outlay calibrate, relative to the folder of Pulumi.yaml"
    )
    spot_events: Names = Field(
        (),
        description="Files of spot interruptions that you saw, relative to the folder of Pulumi.yaml",
    )
    lowest_grade: Grade = Field(
        Grade.THROUGHPUT_ONLY,
        description="Least trusted sizing to buy on: calibrated, covered, throughput-only, extrapolated",
    )
    management_overhead_percent: Percent = Field(
        0.0, description="What running it all costs beside, in percent of everything else"
    )
    egress_bytes_per_output_token: EgressBytes = Field(
        5.0,
        description="Bytes sent to clients per output token; about 250 when answers are streamed",
    )
    budget_usd_per_month: Budget = Field(
        None, description="Largest cost in USD a month; no limit by default"
    )
    replan_threshold: Share = Field(
        0.1,
        description="A pinned plan is kept while it costs at most this share more than a new one, 0 to 1",
    )
    environment: DnsLabel = Field(
        "dev",
        description="Environment; prod protects clusters from deletion. Policies take one without a name for prod",
    )
    namespace: DnsLabel = Field("llm-d", description="Kubernetes namespace of the model servers")
    kubernetes_version: KubernetesVersion = Field("1.34", description="Kubernetes minor version")
    api_cidrs: Names = Field(
        ("0.0.0.0/0",), description="Addresses that may reach the Kubernetes API, as CIDR blocks"
    )
    gpu_zones: dict[str, tuple[str, ...]] = Field(
        {},
        description="Zones of GPU pools by region or region/instance type: ids on AWS, names on GCP",
    )
    tags: dict[str, str] = Field({}, description="Cost-allocation tags on every taggable resource")
    serving: ServingSettings = Field(
        default_factory=ServingSettings, description="How the models are served, see below"
    )

    @field_validator("tags")
    @classmethod
    def _are_taken_by_every_cloud(cls, tags: dict[str, str]) -> dict[str, str]:
        check_tags(tags)
        return tags

    @field_validator("api_cidrs")
    @classmethod
    def _are_networks(cls, blocks: tuple[str, ...]) -> tuple[str, ...]:
        for block in blocks:
            ip_network(block)  # says itself what is wrong with a block
        return _not_empty(blocks)

    @field_validator("instance_types", "exclude_instance_types")
    @classmethod
    def _instance_types_exist(
        cls, patterns: tuple[str, ...], info: ValidationInfo
    ) -> tuple[str, ...]:
        known = sorted({offer.instance_type for offer in _catalog(info).offers})
        for pattern in patterns:
            if not any(fnmatchcase(name.lower(), pattern.lower()) for name in known):
                near = difflib.get_close_matches(pattern, known, n=3, cutoff=0.5)
                hint = f"; did you mean {' or '.join(near)}?" if near else ""
                raise ValueError(
                    f"unknown instance type {pattern!r}{hint} (patterns such as g6e.* are allowed)"
                )
        return patterns

    @field_validator("regions", "exclude_regions")
    @classmethod
    def _regions_exist(cls, patterns: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for pattern in patterns:
            check_pattern(pattern, _catalog(info))
        return patterns

    @model_validator(mode="after")
    def _regions_are_of_the_providers(self, info: ValidationInfo) -> Settings:
        here = [pair for pair in _catalog(info).regions if pair[0] in self.providers]
        named = any(matches(p, provider=q, region=r) for p in self.regions for q, r in here)
        if self.providers and self.regions and not named:
            raise ValueError(
                f"regions: {', '.join(self.regions)} is at none of the providers allowed"
                f" ({', '.join(self.providers)}); change regions or providers"
            )
        return self

    @field_validator("workloads")
    @classmethod
    def _names_are_unique(
        cls, workloads: tuple[WorkloadSettings, ...]
    ) -> tuple[WorkloadSettings, ...]:
        workloads = tuple(part for workload in workloads for part in workload.split())
        labels = [workload.label for workload in workloads]
        for label in labels:
            if labels.count(label) > 1:
                raise ValueError(
                    f"two workloads are called {label!r}; give one of them another `name`"
                )
        return workloads
