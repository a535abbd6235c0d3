"""Get a document: with a time limit, a size limit and a second try, over HTTPS alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlay.errors import InputError
from outlay.refresh.types import Get, SourceError

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 30.0
LARGEST_BYTES = 100_000_000
TRIES = 2


def getter(transport: httpx.BaseTransport | None = None) -> Get:
    """Return a function from an address to its bytes.

    Raises:
        InputError: httpx is not installed.
    """
    try:
        import httpx
    except ImportError:
        raise InputError(
            "prices are fetched with httpx, which is not installed: pip install 'outlay[refresh]'"
        ) from None
    client = httpx.Client(
        transport=transport or httpx.HTTPTransport(retries=TRIES - 1),
        timeout=TIMEOUT_S,
        follow_redirects=True,
    )

    def get(url: str) -> bytes:
        try:
            return _body(client, url)
        except httpx.HTTPStatusError as error:
            raise SourceError(f"{_host(url)} answered {error.response.status_code}") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise SourceError(f"{_host(url)} cannot be reached: {reason}") from None

    return get


def _body(client: httpx.Client, url: str) -> bytes:
    if not url.startswith("https://"):
        raise SourceError(f"{url} is not HTTPS")
    parts: list[bytes] = []
    size = 0
    with client.stream("GET", url) as response:
        response.raise_for_status()
        for part in response.iter_bytes():
            size += len(part)
            if size > LARGEST_BYTES:
                raise SourceError(f"{_host(url)} sends more than {LARGEST_BYTES:,} bytes")
            parts.append(part)
    return b"".join(parts)


def _host(url: str) -> str:
    return url.split("/")[2] if url.count("/") > 1 else url
