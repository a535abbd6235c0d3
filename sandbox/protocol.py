"""Protobuf values to Python values and back, for the provider protocol."""

from __future__ import annotations

from google.protobuf.struct_pb2 import (  # type: ignore[import-untyped]  # publishes no types
    ListValue,
    Struct,
)
from google.protobuf.struct_pb2 import Value as Proto

from sandbox.values import UNKNOWN_TEXTS, Props, Unknown, Value

SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the protocol's marker, no password
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - as above


def to_props(struct: Struct) -> Props:
    """Return a protobuf Struct as Python values; whole numbers become int, unknowns Unknown."""
    return {key: _to_value(value) for key, value in struct.fields.items()}


def _to_value(proto: Proto) -> Value:
    kind = proto.WhichOneof("kind")
    if kind == "string_value":
        text = proto.string_value
        return Unknown(text) if text in UNKNOWN_TEXTS else text
    if kind == "number_value":
        number = proto.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return proto.bool_value
    if kind == "struct_value":
        return _to_map(proto.struct_value)
    if kind == "list_value":
        return [_to_value(item) for item in proto.list_value.values]
    return None


def _to_map(struct: Struct) -> Value:
    """Return a nested map; a secret that slipped through loses its wrapper."""
    props = to_props(struct)
    return props.get("value") if props.get(SECRET) == SECRET_SIGNATURE else props


def to_struct(props: Props) -> Struct:
    """Return Python values as a protobuf Struct."""
    return Struct(fields={key: _to_proto(value) for key, value in props.items()})


def secret(value: Value) -> Props:
    """Return a value marked as secret, as the engine reads it."""
    return {SECRET: SECRET_SIGNATURE, "value": value}


def _to_proto(value: Value) -> Proto:
    if value is None:
        return Proto(null_value=0)
    if isinstance(value, bool):
        return Proto(bool_value=value)
    if isinstance(value, (int, float)):
        return Proto(number_value=value)
    if isinstance(value, str):
        return Proto(string_value=value)
    if isinstance(value, dict):
        return Proto(struct_value=to_struct(value))
    return Proto(list_value=ListValue(values=[_to_proto(item) for item in value]))
