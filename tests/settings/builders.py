"""Settings from raw values, and the problems of those that are refused."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from outlay.catalog import load_catalog
from outlay.errors import SettingsError
from outlay.settings import Settings, parse_settings

LEAST: dict[str, object] = {"model": "llama-3.1-8b", "targetRps": 10}


def parse(raw: Mapping[str, object]) -> Settings:
    """Return settings of raw values, as they are."""
    return parse_settings(raw, load_catalog(), source="test")


def with_(**changes: object) -> Settings:
    """Return the least settings with some changes."""
    return parse({**LEAST, **changes})


def problems_of(raw: Mapping[str, object]) -> list[str]:
    """Return what is wrong with raw values, each as `path: message`."""
    with pytest.raises(SettingsError) as caught:
        parse(raw)
    return [str(problem) for problem in caught.value.problems]


def problems(**changes: object) -> list[str]:
    """Return what is wrong with the least settings after some changes."""
    return problems_of({**LEAST, **changes})
