"""What all settings have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Base(BaseModel):
    """Settings: frozen, with camelCase keys, and no key that is not known."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=False,
    )


def _no_boolean(value: object) -> object:
    """Refuse YAML's `yes` and `on` for a number: pydantic would take them for 1."""
    if isinstance(value, bool):
        raise ValueError(f"must be a number, got {str(value).lower()}")
    return value


# Behind the bounds, so that these stay visible in the schema that docs/settings.md is made from.
NoBoolean = BeforeValidator(_no_boolean)
Part = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False), NoBoolean]
