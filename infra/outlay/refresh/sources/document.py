"""Read what sources send; whatever is not as expected is a SourceError, never a price of zero."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from outlay.refresh.types import Quote, SourceError

T = TypeVar("T")


def parsed(body: bytes, read: Callable[[Any], T]) -> T:
    """Return what is read from a JSON document.

    Raises:
        SourceError: it is no JSON, or has not the expected shape.
    """
    try:
        return read(json.loads(body, parse_float=Decimal))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"its answer is no JSON: {error}") from None
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise SourceError(f"its answer has another shape than expected ({error!r})") from None


def amount(text: object) -> Decimal | None:
    """Return a positive price, or None for what is none, such as N/A."""
    try:
        price = Decimal(str(text))
    except InvalidOperation:
        return None
    return price if price.is_finite() and price > 0 else None


def at_most(quotes: Iterable[Quote]) -> tuple[Quote, ...]:
    """Return one quote of each key, the dearest: zones of a region may differ."""
    best: dict[object, Quote] = {}
    for quote in quotes:
        rival = best.get(quote.key)
        if rival is None or quote.usd_per_hour > rival.usd_per_hour:
            best[quote.key] = quote
    return tuple(best.values())


def not_empty(quotes: Iterable[Quote]) -> tuple[Quote, ...]:
    """Return the quotes; a source without one has changed its format.

    Raises:
        SourceError: there is none.
    """
    found = at_most(quotes)
    if not found:
        raise SourceError("its answer has no price of a kind that is looked for")
    return found
