"""A rule's options in the pack's configuration, and how to read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

Kind = str
AMOUNT, WHOLE, TEXT, TEXTS, FLAG = "number", "integer", "string", "array", "boolean"
PACK = "of this policy's configuration"


class OptionError(Exception):
    """An option is wrong; the message names it and says what is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of a rule. Numbers must be above `above`; `choices` are the texts allowed."""

    kind: Kind
    meaning: str
    default: float | int | str | bool | tuple[str, ...] | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()

    def schema(self) -> dict[str, object]:
        """Return the JSON schema that the engine checks and takes the default from."""
        schema: dict[str, object] = {"type": self.kind, "description": self.meaning}
        if self.kind == TEXTS:
            schema["items"] = {"type": "string"}
        if self.default is not None:
            schema["default"] = list(self.default) if self.kind == TEXTS else self.default  # type: ignore[arg-type]  # TEXTS has a tuple
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.above is not None:
            # The draft 4 spelling, which the engine's validator takes in every schema.
            schema |= {"minimum": self.above, "exclusiveMinimum": True}
        return schema

    def check(self, name: str, value: object) -> None:
        """Raise OptionError when a value is of the wrong kind or out of range."""
        if not _is_of(self.kind, value):
            raise OptionError(f"{name} must be {_WORDS[self.kind]}, got {value!r}")
        if self.choices and value not in self.choices:
            raise OptionError(f"{name} must be one of {', '.join(self.choices)}, got {value!r}")
        if self.above is not None and not float(str(value)) > self.above:
            raise OptionError(f"{name} must be above {self.above:g}, got {value!r}")


_WORDS = {
    AMOUNT: "a number",
    WHOLE: "a whole number",
    TEXT: "a text",
    TEXTS: "a list of texts",
    FLAG: "true or false",
}


def _is_of(kind: Kind, value: object) -> bool:
    number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if kind == AMOUNT:
        return number and Decimal(str(value)).is_finite()
    if kind == WHOLE:
        return number and Decimal(str(value)) % 1 == 0
    if kind == TEXTS:
        return _is_list(value) and all(isinstance(each, str) for each in value)  # type: ignore[attr-defined]  # _is_list says so
    return isinstance(value, bool if kind == FLAG else str)


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


@dataclass(frozen=True, slots=True)
class Options:
    """The values of one rule's options, and where they were set. Readers raise OptionError."""

    known: Mapping[str, Option]
    given: Mapping[str, object]
    source: str = PACK

    def check(self) -> None:
        """Raise OptionError for the first option that is unknown or wrong."""
        for name, value in self.given.items():
            if name not in self.known:
                known = ", ".join(self.known) or "no options"
                raise OptionError(f"{name} is no option of this rule, which has {known}")
            self.known[name].check(name, value)

    def has(self, name: str) -> bool:
        """Whether the option is set or has a default."""
        return self._value(name) is not None

    def amount(self, name: str) -> Decimal | None:
        """Return a number."""
        value = self._value(name)
        try:
            return None if value is None else Decimal(str(value))
        except InvalidOperation:
            raise OptionError(f"{name} must be a number, got {value!r}") from None

    def whole(self, name: str) -> int | None:
        """Return a whole number; the engine passes every number as a double."""
        value = self.amount(name)
        return None if value is None else int(value)

    def text(self, name: str) -> str | None:
        """Return a text."""
        value = self._value(name)
        return None if value is None else str(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; empty when not set."""
        value = self._value(name)
        return tuple(map(str, value)) if _is_list(value) else ()  # type: ignore[call-overload]  # _is_list says so

    def flag(self, name: str) -> bool:
        """Return a switch; off when not set."""
        return self._value(name) is True

    def _value(self, name: str) -> object:
        option, value = self.known[name], self.given.get(name)
        if value is None:
            return option.default
        option.check(name, value)
        return value
