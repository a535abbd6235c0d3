"""Pulumi.yaml and docs/settings.md say what the model says: neither can drift."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic.fields import FieldInfo

from outlay.settings import Settings, WorkloadSettings, raw_from_config
from outlay.settings.load import PROGRAM_KEYS
from tests.settings.builders import LEAST, parse
from tools.docs import FILE, settings_page

PROJECT = yaml.safe_load((Path(__file__).parents[2] / "Pulumi.yaml").read_text(encoding="utf-8"))
CONFIG: Mapping[str, dict[str, Any]] = PROJECT["config"]
FIELDS: dict[str, FieldInfo] = {
    str(field.alias): field
    for model in (WorkloadSettings, Settings)
    for field in model.model_fields.values()
}


def as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def test_pulumi_declares_every_key_and_no_other() -> None:
    assert set(CONFIG) == set(FIELDS) | PROGRAM_KEYS


@pytest.mark.parametrize("key", sorted(FIELDS))
def test_pulumi_describes_a_key_as_the_model_does(key: str) -> None:
    assert CONFIG[key]["description"] == FIELDS[key].description


def test_pulumis_defaults_are_the_models() -> None:
    """A stack that names a model and its demand gets the same settings with all declared defaults."""
    declared = {f"outlay:{key}": as_text(value["default"]) for key, value in CONFIG.items()}
    stack = {f"outlay:{key}": str(value) for key, value in LEAST.items()}
    assert parse(raw_from_config(declared | stack, "outlay")) == parse(LEAST)


def test_pulumi_shows_the_defaults_that_the_model_has() -> None:
    """Not merely "": a reader of Pulumi.yaml sees the value; a section's are in docs/settings.md.

    But for the environment: a declared dev would let every stack that names none pass for dev.
    """
    hidden = [
        key
        for key, field in FIELDS.items()
        if not field.is_required()
        and field.default_factory is None
        and field.default not in ("", (), {}, None)
        and CONFIG[key]["default"] in ("", [], {})
    ]
    assert hidden == ["environment"]


@pytest.mark.parametrize("key", sorted(CONFIG))
def test_a_declared_default_has_its_declared_type(key: str) -> None:
    types = {"string": str, "integer": int, "array": list, "object": dict}
    assert type(CONFIG[key]["default"]) is types[CONFIG[key]["type"]]


def test_the_template_asks_for_declared_keys_only() -> None:
    assert {key.removeprefix("outlay:") for key in PROJECT["template"]["config"]} <= set(CONFIG)


def test_the_page_of_settings_is_up_to_date() -> None:
    """`python -m tools.docs` writes it."""
    assert FILE.read_text(encoding="utf-8") == settings_page()


@pytest.mark.parametrize("key", sorted(set(FIELDS) | PROGRAM_KEYS))
def test_the_page_of_settings_has_every_key(key: str) -> None:
    assert f"`{key}`" in settings_page()
