"""Read a resource's inputs as the engine sends them: floats for counts, unknowns, wrapped secrets.

Whatever cannot be read raises NoPriceError with the field's path, so that no rule can take it for zero.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# What the engine writes for a value that an update has yet to compute, one text per type of value.
# Source: pulumi sdk/v3 go/common/resource/plugin/rpc.go.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWNS = frozenset(
    {
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
        "[secret]",  # how engine events show a secret: it is there, and cannot be read
    }
)
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_WRAPPERS = frozenset({"1b47061264138c4ac30d75fd1eb44270", "d0e6a833031e9bbcd3f4e8bde6ca49a4"})


class NoPriceError(Exception):
    """Why a resource has no price; price() turns it into Unpriced, so it never leaves the package."""


def unwrap(value: object) -> object:
    """Return what a secret or an output holds; an encrypted or pending one is UNKNOWN."""
    while isinstance(value, Mapping) and value.get(_SIGNATURE) in _WRAPPERS:
        value = value["value"] if "value" in value else _plaintext(value)
    return value


def _plaintext(secret: Mapping[str, object]) -> object:
    # A state export with --show-secrets holds the value as JSON text.
    text = secret.get("plaintext")
    try:
        return json.loads(text) if isinstance(text, str) else UNKNOWN
    except ValueError:
        return UNKNOWN


def is_unknown(value: object) -> bool:
    """Whether the value is only known after the update."""
    return isinstance(value, str) and value in _UNKNOWNS


@dataclass(frozen=True, slots=True)
class Inputs:
    """One object of a resource's inputs, with its path for messages. Every reader may raise NoPriceError."""

    values: Mapping[str, object]
    path: str = ""

    def where(self, key: str) -> str:
        """Return the field's path as the provider's documentation writes it."""
        return f"{self.path}.{key}" if self.path else key

    def given(self, key: str) -> bool:
        """Whether the field is there and not empty; an unknown value counts as given."""
        return unwrap(self.values.get(key)) not in (None, False, 0, "", [], (), {})

    def optional(self, key: str) -> object:
        """Return the value, or None when absent."""
        return _known(unwrap(self.values.get(key)), self.where(key))

    def optional_text(self, key: str) -> str | None:
        """Return a text, or None when absent or empty."""
        value = self.optional(key)
        return None if value in (None, "") else _text(value, self.where(key))

    def text(self, key: str) -> str:
        """Return a text that the price depends on."""
        value = self.optional_text(key)
        if value is None:
            raise NoPriceError(f"{self.where(key)} is missing")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the texts of a list; none when absent."""
        where = self.where(key)
        return tuple(_text(value, f"{where}[{i}]") for i, value in enumerate(self._list(key)))

    def optional_count(self, key: str) -> int | None:
        """Return a whole number that is not negative, or None when absent."""
        value = self.optional(key)
        return None if value is None else _count(value, self.where(key))

    def count(self, key: str) -> int:
        """Return a whole number that is not negative and that the price depends on."""
        value = self.optional_count(key)
        if value is None:
            raise NoPriceError(f"{self.where(key)} is missing")
        return value

    def flag(self, key: str) -> bool:
        """Return a switch; off when absent."""
        value = self.optional(key)
        if value in (None, False, "false"):
            return False
        if value in (True, "true"):
            return True
        raise NoPriceError(f"{self.where(key)} must be true or false, got {value!r}")

    def child(self, key: str) -> Inputs:
        """Return a nested object; an empty one when absent."""
        return _object(self.optional(key) or {}, self.where(key))

    def children(self, key: str) -> tuple[Inputs, ...]:
        """Return the objects of a list; none when absent."""
        where = self.where(key)
        return tuple(
            _object(_known(unwrap(value), f"{where}[{i}]"), f"{where}[{i}]")
            for i, value in enumerate(self._list(key))
        )

    def length(self, key: str) -> int:
        """Return the length of a list, known even when its elements are not; 0 when absent."""
        return len(self._list(key))

    def refuse(self, fields: Mapping[str, str]) -> None:
        """Raise NoPriceError when one of the fields is given: it changes the price in a way no rule covers."""
        for key, why in fields.items():
            if self.given(key):
                raise NoPriceError(f"{self.where(key)}: {why}")

    def _list(self, key: str) -> Sequence[object]:
        value = self.optional(key)
        if value is None:
            return ()
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise NoPriceError(f"{self.where(key)} must be a list, got {value!r}")
        return value


def _known(value: object, where: str) -> object:
    if is_unknown(value):
        raise NoPriceError(f"{where} is not known before the update")
    return value


def _text(value: object, where: str) -> str:
    text = _known(unwrap(value), where)
    if not isinstance(text, str):
        raise NoPriceError(f"{where} must be a text, got {text!r}")
    return text


def _count(value: object, where: str) -> int:
    number = _number(value)
    if number is None or number < 0 or not float(number).is_integer():
        raise NoPriceError(f"{where} must be a whole number of 0 or more, got {value!r}")
    return int(number)


def _number(value: object) -> float | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    # The wire knows only doubles: 2 arrives as 2.0. A bool is an int to Python, and no count.
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _object(value: object, where: str) -> Inputs:
    if not isinstance(value, Mapping):
        raise NoPriceError(f"{where} must be an object, got {value!r}")
    return Inputs(value, where)
