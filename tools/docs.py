"""Write docs/settings.md from the settings model: `python -m tools.docs`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from outlay.settings import Settings, WorkloadSettings
from outlay.settings.serving import ServingSettings

FILE = Path(__file__).parent.parent / "docs" / "settings.md"
HEAD = """\
<!-- Written by `python -m tools.docs` from infra/outlay/settings/model.py. Do not edit. -->
# Settings

A stack needs `model` and `targetRps`, or `workloads`; everything else has a default. The same keys stand in

* a stack's file: `pulumi config set outlay:model llama-3.1-8b`, or by hand under `config:` in `Pulumi.<stack>.yaml`;
* a YAML file for `outlay plan --settings FILE`, with or without the prefix `outlay:`;
* flags of `outlay plan`, `compare` and `render` for the most used (`outlay plan --help`); they win over a file.

All problems are reported at once, each with the path of its key. Names of models, GPUs and providers may be typed
in any case and by their aliases. A list may be written as text with commas: `spot, on-demand`. An empty value
(`""`, `[]`, `{}`) means "not set". A region pattern may name its provider: `aws/us-*`.
"""
WORKLOAD_HEAD = """
## Of a workload

At the top for one model; for several, in each element of `workloads`. Keys at the top are then defaults for all of
them, except `model`, `targetRps`, `name`, `checkpoint` and `buckets`.
"""
STACK_HEAD = """
## Of the stack
"""
SERVING_HEAD = """
## Of `serving`

How the models are served, inside the key `serving`. [serving.md](serving.md) says what each pattern needs.
"""
PROGRAM_HEAD = """
## Of program and policies alone

`huggingFaceToken`: token for gated models, a secret: `pulumi config set --secret outlay:huggingFaceToken`.
`limits`: limits of the stack by policy, such as `largest-pool: {maxGpus: 16}`: [policies.md](policies.md#configuration).
The planner reads neither.
"""
TABLE_HEAD = """
| key | type | default | meaning |
|---|---|---|---|
"""
BOUNDS = (
    ("exclusiveMinimum", "above"),
    ("minimum", "at least"),
    ("exclusiveMaximum", "below"),
    ("maximum", "at most"),
)
JSON_TYPES = {
    "boolean": "yes or no",
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "object": "mapping",
}

SECTIONS = (
    (WORKLOAD_HEAD, WorkloadSettings),
    (STACK_HEAD, Settings),
    (SERVING_HEAD, ServingSettings),
)

Schema = dict[str, Any]


def settings_page() -> str:
    """Return docs/settings.md."""
    parts = [HEAD]
    for head, model in SECTIONS:
        parts += [head, TABLE_HEAD, *_rows(model)]
    return "".join([*parts, PROGRAM_HEAD])


def _rows(model: type[BaseModel]) -> Iterator[str]:
    schema = model.model_json_schema(by_alias=True)
    for key, field in schema["properties"].items():
        kind = _kind(field, schema.get("$defs", {}))
        default = _default(field, required=key in schema.get("required", ()))
        yield f"| `{key}` | {kind} | {default} | {field['description']} |\n"


def _kind(field: Schema, definitions: Schema) -> str:
    if "$ref" in field:
        return _kind(definitions[field["$ref"].rsplit("/", 1)[1]], definitions)
    if "anyOf" in field:
        # An amount of money is a number or its text; None is its default.
        return _kind(field["anyOf"][0], definitions)
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if field["type"] == "array":
        items = field["items"]
        is_workload = items.get("$ref", "").endswith(WorkloadSettings.__name__)
        return "list of workloads" if is_workload else f"list of {_kind(items, definitions)}"
    return ", ".join([JSON_TYPES[field["type"]], *_bounds(field)])


def _bounds(field: Schema) -> Iterable[str]:
    return (f"{words} {_number(field[name])}" for name, words in BOUNDS if name in field)


def _number(value: float) -> str:
    return f"{value:,}".removesuffix(".0")


def _default(field: Schema, *, required: bool) -> str:
    if required:
        return "required"
    value = field.get("default")
    if value in ("", None, [], {}):
        return ""
    texts = [str(v) for v in value] if isinstance(value, list) else [str(value)]
    return ", ".join(f"`{text.removesuffix('.0')}`" for text in texts)


def main() -> None:
    """Write the page."""
    FILE.write_text(settings_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
