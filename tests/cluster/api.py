"""A client of the Kubernetes API, as small as the tests need: server-side apply, get, list, delete."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

Body = dict[str, Any]
MANAGER = "outlay"
APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server said."""

    status: int
    body: Body

    @property
    def ok(self) -> bool:
        """Whether it did what was asked."""
        return self.status < 300

    @property
    def message(self) -> str:
        """The server's reason for a refusal."""
        return str(self.body.get("message", self.body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Where the server is, and who asks."""

    host: str
    port: int
    token: str
    ca: Path


class Api:
    """One connection to one API server."""

    def __init__(self, login: Login) -> None:
        self._login = login
        context = ssl.create_default_context(cafile=str(login.ca))
        self._connection = http.client.HTTPSConnection(
            login.host, login.port, context=context, timeout=60
        )
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def request(
        self, method: str, path: str, body: object = None, *, content_type: str = "application/json"
    ) -> Answer:
        """Send one request."""
        headers = {"Authorization": f"Bearer {self._login.token}", "Content-Type": content_type}
        data = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, path, body=data, headers=headers)
            response = self._connection.getresponse()
        except http.client.RemoteDisconnected:  # the server closes idle connections
            self._connection.close()
            self._connection.request(method, path, body=data, headers=headers)
            response = self._connection.getresponse()
        text = response.read()
        try:
            answer = json.loads(text)
        except ValueError:
            answer = {"message": text.decode(errors="replace")}
        return Answer(status=response.status, body=answer)

    def path(self, body: Mapping[str, Any], *, collection: bool = False) -> str:
        """Return the path of an object, or of its kind in its namespace.

        Raises:
            LookupError: the server does not know the kind.
        """
        api_version, kind = body["apiVersion"], body["kind"]
        plural, namespaced = self._kind(api_version, kind)
        metadata = body["metadata"]
        space = f"/namespaces/{metadata.get('namespace', 'default')}" if namespaced else ""
        name = "" if collection else f"/{metadata['name']}"
        return f"{_root(api_version)}{space}/{plural}{name}"

    def _kind(self, api_version: str, kind: str) -> tuple[str, bool]:
        if (api_version, kind) not in self._kinds:
            for resource in self.request("GET", _root(api_version)).body.get("resources", ()):
                if "/" not in resource["name"]:
                    known = (resource["name"], resource["namespaced"])
                    self._kinds[api_version, resource["kind"]] = known
        try:
            return self._kinds[api_version, kind]
        except KeyError:
            raise LookupError(f"the server knows no {api_version} {kind}") from None

    def apply(self, body: Body, *, dry_run: bool = False, status: bool = False) -> Answer:
        """Apply an object server-side with strict validation; with `status`, its status alone."""
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict", "force": "true"}
        if dry_run:
            query["dryRun"] = "All"
        path = f"{self.path(body)}{'/status' if status else ''}?{urlencode(query)}"
        return self.request("PATCH", path, body, content_type=APPLY)

    def get(self, body: Mapping[str, Any]) -> Answer:
        """Return the object that has this one's kind and name."""
        return self.request("GET", self.path(body))

    def items(self, path: str) -> list[Body]:
        """Return the objects under a collection's path."""
        found: list[Body] = self.request("GET", path).body.get("items", [])
        return found

    def delete(self, path: str, *, grace_s: int | None = None) -> Answer:
        """Delete an object or a whole collection."""
        body: Body = {"propagationPolicy": "Background"}
        if grace_s is not None:
            body["gracePeriodSeconds"] = grace_s
        return self.request("DELETE", path, body)


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def wait_until(
    condition: Callable[[], bool], *, what: str, timeout_s: float, pause_s: float = 0.05
) -> None:
    """Return as soon as the condition holds.

    Raises:
        TimeoutError: it did not in time.
    """
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout_s:g} s")
        time.sleep(pause_s)


def condition(body: Body, kind: str) -> Body:
    """Return a condition of an object's status, or an empty one."""
    found: Sequence[Body] = body.get("status", {}).get("conditions") or ()
    return next((c for c in found if c["type"] == kind), {})


def refusals(api: Api, bodies: Sequence[Body], *, dry_run: bool) -> Iterator[str]:
    """Apply objects in their order and yield what the server refuses, with its reason."""
    for body in bodies:
        where = f"{body['kind']} {body['metadata']['name']}"
        try:
            answer = api.apply(body, dry_run=dry_run)
        except LookupError as error:
            yield f"{where}: {error}"
            continue
        if not answer.ok:
            yield f"{where}: {answer.message}"
