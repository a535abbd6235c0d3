"""Sources that answer from recorded files: addresses and formats are the real ones."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

import httpx

from outlay.catalog.load import DATA
from outlay.refresh.http import getter
from outlay.refresh.sources import aws_advisor, aws_spot, gpuhunt
from outlay.refresh.types import Get

RECORDED = Path(__file__).parent / "recorded"
VERSION = "20261120-42"
AT = "2026-11-24T09:30:00Z"
DAY = AT[:10]


def recorded(name: str) -> bytes:
    return (RECORDED / name).read_bytes()


def archive(name: str) -> bytes:
    """Return a catalogue as gpuhunt publishes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(f"{name}.csv", recorded(f"{name}.csv"))
    return buffer.getvalue()


def _azure(request: httpx.Request) -> bytes:
    if b"skip" in request.url.query:
        return recorded("azure-page-2.json")
    is_t4 = "Standard_NC4as_T4_v3" in request.url.params["$filter"]
    return recorded("azure-page-1.json" if is_t4 else "azure-empty.json")


def answers(**changes: bytes | int) -> Get:
    """Return a getter over the real client; `changes` are other bodies or error codes by source."""

    def handle(request: httpx.Request) -> httpx.Response:
        url = str(request.url)
        name, body = _body(request, url)
        changed = changes.get(name, body)
        if isinstance(changed, int):
            return httpx.Response(changed)
        return httpx.Response(200, content=changed)

    return getter(httpx.MockTransport(handle))


def _body(request: httpx.Request, url: str) -> tuple[str, bytes]:
    fixed: Mapping[str, tuple[str, bytes]] = {
        aws_spot.URL: ("spot", recorded("spot.json")),
        aws_advisor.URL: ("advisor", recorded("spot-advisor-data.json")),
    }
    if url in fixed:
        return fixed[url]
    if url.startswith(("https://prices.azure.com/", "https://prices.azure.com:443/")):
        return "azure", _azure(request)
    provider, *rest = url.removeprefix(f"{gpuhunt.URL}/").split("/")
    if rest == ["version"]:
        return f"{provider}_version", f"{VERSION}\n".encode()
    assert rest[1:] == ["catalog.zip"]
    return f"{provider}_catalog", archive(provider)


def price_book(folder: Path) -> Path:
    """Return a copy of the shipped price book that may be written to."""
    return Path(shutil.copytree(DATA, folder / "data"))
