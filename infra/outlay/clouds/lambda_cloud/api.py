"""Lambda's REST API, as far as clusters need it.

The key comes from the environment of whoever calls and is kept nowhere.
Source: Lambda Cloud API, version 1.
"""

from __future__ import annotations

import base64
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from outlay.errors import CloudApiError, NoCapacityError

URL_VARIABLE = "LAMBDA_API_URL"
KEY_VARIABLE = "LAMBDA_API_KEY"
DEFAULT_URL = "https://cloud.lambda.ai"
NO_CAPACITY = "instance-operations/launch/insufficient-capacity"
NOT_FOUND = "global/object-does-not-exist"
TOO_MANY_REQUESTS = 429
TIMEOUT_S = 30
ATTEMPTS = 8
LONGEST_WAIT_S = 60.0
Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One account. Requests over the rate limit wait as long as Lambda says, then try again."""

    url: str
    key: str
    sleep: Sleep = time.sleep

    @classmethod
    def from_environment(cls) -> Api:
        """Return the account that the environment names.

        Raises:
            CloudApiError: there is no key.
        """
        key = os.environ.get(KEY_VARIABLE)
        if not key:
            raise CloudApiError(
                f"no key for Lambda's API: make one in Lambda's console, then `export {KEY_VARIABLE}=…`"
            )
        return cls(url=os.environ.get(URL_VARIABLE, DEFAULT_URL), key=key)

    def get(self, path: str) -> Any:
        """Return the data at a path."""
        return self._call("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a body to a path and return the data of the answer."""
        return self._call("POST", path, body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Change what is at a path and return it."""
        return self._call("PATCH", path, body)

    def delete(self, path: str) -> Any:
        """Delete what is at a path."""
        return self._call("DELETE", path, None)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(method, path, body)
            except urllib.error.HTTPError as error:
                if error.code != TOO_MANY_REQUESTS or attempt == ATTEMPTS:
                    raise _refusal(method, path, error) from error
                self.sleep(_wait_s(error, attempt))
            except OSError as error:
                raise CloudApiError(f"{method} {self.url}{path}: {error}") from error
        raise AssertionError("the last attempt returns or raises")

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        credentials = base64.b64encode(f"{self.key}:".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 - the address is the operator's own
            f"{self.url}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Basic {credentials}",
                "Content-Type": "application/json",
                "Accept": "application/json",
                "User-Agent": "outlay",
            },
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
            return json.load(answer)["data"]


def _wait_s(error: urllib.error.HTTPError, attempt: int) -> float:
    """Return how long to wait: what Lambda says, else twice as long each time."""
    said = error.headers.get("Retry-After", "")
    return min(float(said) if said.isdigit() else 2.0**attempt, LONGEST_WAIT_S)


def _refusal(method: str, path: str, error: urllib.error.HTTPError) -> CloudApiError:
    """Return Lambda's refusal with its own words, want of capacity told apart."""
    try:
        said = dict(json.load(error)["error"])
    except (ValueError, KeyError, TypeError):
        said = {}
    code = str(said.get("code", f"HTTP {error.code}"))
    words = " ".join(str(said[key]) for key in ("message", "suggestion") if said.get(key))
    message = f"Lambda refuses {method} {path}: {code}: {words or error.reason}"
    kind = NoCapacityError if code == NO_CAPACITY else CloudApiError
    return kind(message, code=code)
