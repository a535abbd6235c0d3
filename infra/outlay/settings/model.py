"""What a stack asks for. One pydantic model; keys are camelCase as in Pulumi config and YAML."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from outlay.catalog import Catalog, Grade, Market, Precision
from outlay.catalog.names import normalise
from outlay.errors import UnknownNameError

T = TypeVar("T")
LARGEST_RPS = 100_000.0
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


def _known(resolve: object) -> str:
    try:
        return str(resolve())  # type: ignore[operator]  # a thunk from the three resolvers above
    except UnknownNameError as error:
        raise ValueError(str(error)) from None


def _one_or_many(value: object) -> object:
    """Let `spot` and `spot, on-demand` stand for a list, as on a command line."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _not_empty(values: tuple[T, ...]) -> tuple[T, ...]:
    # A rule of its own: min_length would also fire when every member was refused.
    if not values:
        raise ValueError("must name at least one")
    return values


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
Rps = Annotated[float, Field(gt=0, le=LARGEST_RPS, allow_inf_nan=False)]
Tokens = Annotated[int, Field(ge=1, le=10_000_000)]
Milliseconds = Annotated[float, Field(gt=0, le=3_600_000, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Base(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_alias=True, validate_by_name=False
    )


class WorkloadSettings(_Base):
    """One model, its demand and its promise."""

    model: ModelName
    target_rps: Rps
    name: DnsLabel = ""
    input_tokens: Tokens = 512
    output_tokens: Tokens = 256
    prefix_cache_hit_share: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.0
    ttft_ms: Milliseconds = 2000.0
    tpot_ms: Milliseconds = 50.0
    precisions: Annotated[tuple[Precision, ...], BeforeValidator(_one_or_many)] = ()
    checkpoint: str = ""

    @model_validator(mode="after")
    def _fits_the_context(self, info: ValidationInfo) -> WorkloadSettings:
        model = _catalog(info).model(self.model)
        tokens = self.input_tokens + self.output_tokens
        if tokens > model.max_context_tokens:
            raise ValueError(
                f"inputTokens + outputTokens = {tokens:,} is beyond the context of {model.name}"
                f" ({model.max_context_tokens:,} tokens); shorten them or choose another model"
            )
        return self

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


class Settings(_Base):
    """Everything a stack asks for. Only a model and its target requests/s have no default."""

    workloads: Annotated[tuple[WorkloadSettings, ...], AfterValidator(_not_empty)]
    providers: Annotated[tuple[ProviderName, ...], BeforeValidator(_one_or_many)] = ()
    regions: Annotated[tuple[str, ...], BeforeValidator(_one_or_many)] = ()
    gpus: Annotated[tuple[GpuName, ...], BeforeValidator(_one_or_many)] = ()
    markets: Annotated[
        tuple[Market, ...], BeforeValidator(_one_or_many), AfterValidator(_not_empty)
    ] = (Market.ON_DEMAND, Market.SPOT)
    max_spot_share: Share = 1.0
    survive_domain: SurviveDomain = SurviveDomain.SPOT
    survive_fraction: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.5
    headroom: Annotated[float, Field(ge=1, le=10, allow_inf_nan=False)] = 1.0
    max_scale: Annotated[float, Field(ge=1, le=10, allow_inf_nan=False)] = 1.0
    lowest_grade: Grade = Grade.THROUGHPUT_ONLY
    egress_bytes_per_output_token: Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)] = 5.0
    budget_usd_per_month: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)] | None = None
    environment: str = "dev"
    namespace: DnsLabel = "llm-d"
    kubernetes_version: Annotated[str, Field(pattern=r"^1\.\d{2}$")] = "1.34"
    tags: dict[str, str] = {}

    @field_validator("regions")
    @classmethod
    def _regions_exist(cls, patterns: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        from outlay.settings.regions import check_pattern

        for pattern in patterns:
            check_pattern(pattern, _catalog(info))
        return patterns

    @field_validator("workloads")
    @classmethod
    def _names_are_unique(cls, workloads: tuple[WorkloadSettings, ...]) -> tuple[WorkloadSettings, ...]:
        labels = [workload.label for workload in workloads]
        for label in labels:
            if labels.count(label) > 1:
                raise ValueError(f"two workloads are called {label!r}; give one of them another `name`")
        return workloads
