"""Check inputs against the SDKs' own types, and complete outputs by them.

`schemas/<package>.json` holds, for each resource, `inputs` and `outputs` as {name: {type, required}}.
A type is "string" | "integer" | "number" | "boolean" | "any" | {"list": T} | {"map": T} |
{"ref": name in `types`} | {"any_of": [T, …]}.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sandbox.values import Props, Unknown, Value

SCHEMAS = Path(__file__).parent / "schemas"
PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
ZERO: Mapping[str, Value] = {"string": "", "integer": 0, "number": 0, "boolean": False, "any": ""}


@dataclass(frozen=True, slots=True)
class Failure:
    """One input that cannot be used: its path and what to do about it."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Schema:
    """The types of one Pulumi package."""

    package: str
    version: str
    resources: Mapping[str, Value]
    functions: Mapping[str, Value]
    types: Mapping[str, Value]

    def check(self, token: str, inputs: Props) -> list[Failure]:
        """Return what the SDK's types say against the inputs of a resource."""
        return list(self._table(self.resources[token]["inputs"], inputs, ""))

    def has_input(self, token: str, name: str) -> bool:
        """Return whether a resource type takes a property of that name."""
        return name in self.resources[token]["inputs"]

    def complete(self, token: str, outputs: Props) -> Props:
        """Return the outputs with each property that a cloud always answers, empty if not given."""
        return self._filled(
            self.resources[token]["outputs"], outputs, self.resources[token]["inputs"]
        )

    def computed(self, token: str) -> frozenset[str]:
        """Return the required outputs that no input can give: rules must compute each of them."""
        entry = self.resources[token]
        return frozenset(
            name
            for name, row in entry["outputs"].items()
            if row.get("required") and name not in entry["inputs"]
        )

    def _table(self, table: Value, value: Props, path: str) -> Iterator[Failure]:
        for name, item in value.items():
            where = f"{path}.{name}" if path else name
            if name.startswith("__"):
                continue
            if name not in table:
                yield Failure(where, f"there is no such property{nearest(name, table)}")
            elif item is not None:
                yield from self._value(table[name]["type"], item, where)
        for name, row in table.items():
            if row.get("required") and value.get(name) is None:
                where = f"{path}.{name}" if path else name
                yield Failure(where, "is required but was not given")

    def _value(self, schema: Value, value: Value, path: str) -> Iterator[Failure]:
        if isinstance(value, Unknown) or schema == "any":
            return
        if isinstance(schema, str):
            yield from _primitive(schema, value, path)
        elif "any_of" in schema:
            if all(list(self._value(option, value, path)) for option in schema["any_of"]):
                yield Failure(path, f"{value!r} has none of the types that are allowed here")
        else:
            yield from self._container(schema, value, path)

    def _container(self, schema: Value, value: Value, path: str) -> Iterator[Failure]:
        if "list" in schema:
            if not isinstance(value, list):
                yield Failure(path, f"must be a list, is {_kind(value)}")
                return
            for index, item in enumerate(value):
                yield from self._value(schema["list"], item, f"{path}[{index}]")
        elif not isinstance(value, dict):
            yield Failure(path, f"must be an object, is {_kind(value)}")
        elif "map" in schema:
            for key, item in value.items():
                yield from self._value(schema["map"], item, f"{path}.{key}")
        else:
            yield from self._table(self.types[schema["ref"]], value, path)

    def _filled(self, table: Value, value: Props, fillable: Mapping[str, Value]) -> Props:
        filled = dict(value)
        for name, row in table.items():
            if value.get(name) is not None:
                filled[name] = self._completed(row["type"], value[name])
            elif row.get("required") and name in fillable:
                filled[name] = self._zero(row["type"])
        return filled

    def _completed(self, schema: Value, value: Value) -> Value:
        if isinstance(schema, dict) and "ref" in schema and isinstance(value, dict):
            table = self.types[schema["ref"]]
            return self._filled(table, value, table)
        if isinstance(schema, dict) and "list" in schema and isinstance(value, list):
            return [self._completed(schema["list"], item) for item in value]
        return value

    def _zero(self, schema: Value) -> Value:
        if isinstance(schema, str):
            return ZERO[schema]
        if "ref" in schema:
            table = self.types[schema["ref"]]
            return self._filled(table, {}, table)
        if "any_of" in schema:
            return self._zero(schema["any_of"][0])
        return [] if "list" in schema else {}


def _primitive(schema: str, value: Value, path: str) -> Iterator[Failure]:
    wanted = PYTHON_TYPES[schema]
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        article = "an" if schema == "integer" else "a"
        yield Failure(path, f"must be {article} {schema}, is {_kind(value)}: {value!r}")


def _kind(value: Value) -> str:
    names = {
        bool: "a boolean",
        int: "an integer",
        float: "a number",
        str: "a string",
        list: "a list",
    }
    return names.get(type(value), "an object")


def nearest(name: str, known: Mapping[str, Value]) -> str:
    """Return `; did you mean "x"?` for the closest known name, else an empty text."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""


@lru_cache(maxsize=4)
def load_schema(package: str) -> Schema:
    """Return the committed schema of a package."""
    content = json.loads((SCHEMAS / f"{package}.json").read_text())
    return Schema(
        package=content["package"],
        version=content["version"],
        resources=content["resources"],
        functions=content["functions"],
        types=content["types"],
    )
