"""An HTTP server that answers as Lambda's Cloud API does, over the sandbox's ledger.

Whoever starts it opens the socket, so that the address is known before the server runs: it listens on
the descriptor that is its first argument, and ends when whoever started it has ended.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sandbox.catalogue import machines
from sandbox.errors import CloudError, Code, PartialFailureError, SandboxError
from sandbox.faults import Interruption
from sandbox.lambda_cloud import (
    INSTANCE,
    PROVIDER,
    REGIONS,
    RULESET,
    LambdaCloud,
    instance_body,
    ruleset_body,
)
from sandbox.ledger import Ledger, ledger_path

PREFIX = "/api/v1"
PARENT_POLL_S = 0.5
RETRY_AFTER_S = "1"
NO_CAPACITY = "instance-operations/launch/insufficient-capacity"
NOT_FOUND = "global/object-does-not-exist"
# The account knows any key but this one.
EXPIRED_KEY = "expired"


class RefusedError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        super().__init__(message)


class Account:
    """The API's operations."""

    def __init__(self, ledger: Ledger) -> None:
        self.cloud = LambdaCloud(ledger)
        self.ledger = ledger

    def instance_types(self) -> Any:
        """Return what is on offer, and where there is some left."""
        return {
            name: {
                "instance_type": {"name": name, "specs": {"vcpus": m.vcpus, "gpus": m.gpus}},
                "regions_with_capacity_available": [
                    {"name": region} for region in REGIONS if self.cloud.free(name, region)
                ],
            }
            for name, m in machines(PROVIDER).items()
        }

    def instances(self) -> Any:
        """Return the instances that have not ended."""
        return [instance_body(record) for record in self.ledger.records(INSTANCE)]

    def instance(self, id_: str) -> Any:
        """Return one instance."""
        return instance_body(self._one(INSTANCE, id_))

    def launch(self, body: dict[str, Any]) -> Any:
        """Launch instances."""
        return {
            "instance_ids": [self._make(INSTANCE, body) for _ in range(body.get("quantity", 1))]
        }

    def terminate(self, body: dict[str, Any]) -> Any:
        """End instances."""
        found = [self._one(INSTANCE, id_) for id_ in body.get("instance_ids", [])]
        ended = [instance_body(record) for record in found]
        for record in found:
            self._remove(INSTANCE, record.id)
        return {"terminated_instances": ended}

    def rulesets(self) -> Any:
        """Return the rulesets."""
        return [ruleset_body(record) for record in self.ledger.records(RULESET)]

    def ruleset(self, id_: str) -> Any:
        """Return one ruleset."""
        return ruleset_body(self._one(RULESET, id_))

    def make_ruleset(self, body: dict[str, Any]) -> Any:
        """Make a ruleset."""
        return self.ruleset(self._make(RULESET, body))

    def change_ruleset(self, id_: str, body: dict[str, Any]) -> Any:
        """Give a ruleset other rules."""
        old = self._one(RULESET, id_)
        news = {**old.inputs, **body}
        self._check(RULESET, news)
        self.cloud.update(
            RULESET, urn=old.urn, id_=id_, olds=old.outputs, news=news,
            interruption=self._interruption("update", RULESET, news),
        )  # fmt: skip
        return self.ruleset(id_)

    def delete_ruleset(self, id_: str) -> Any:
        """Delete a ruleset."""
        self._one(RULESET, id_)
        self._remove(RULESET, id_)
        return {}

    def _one(self, token: str, id_: str) -> Any:
        record = next(iter(self.ledger.records(token, id_=id_)), None)
        if record is None:
            raise RefusedError(404, NOT_FOUND, f"there is no {token.split(':')[1]} {id_}")
        return record

    def _make(self, token: str, body: dict[str, Any]) -> str:
        self._check(token, body)
        interruption = self._interruption("create", token, body)
        try:
            urn = f"lambda::{body.get('name', '')}"
            live = self.cloud.create(token, urn=urn, inputs=body, interruption=interruption)
        except PartialFailureError as failure:
            self._break(token, failure.id)
            return failure.id
        return live.id

    def _break(self, token: str, id_: str) -> None:
        """Leave an instance as one that never came up."""
        record = self._one(token, id_)
        record.outputs["status"] = "unhealthy"
        self.ledger.replace(record)

    def _check(self, token: str, body: dict[str, Any]) -> None:
        checked = self.cloud.check(token, urn="lambda::check", news=body, olds={}, seed=b"")
        if checked.failures:
            words = "; ".join(f"{f.path}: {f.reason}" for f in checked.failures)
            raise RefusedError(400, "global/invalid-parameters", words)

    def _remove(self, token: str, id_: str) -> None:
        record = self._one(token, id_)
        interruption = self._interruption("delete", token, record.inputs)
        self.cloud.delete(token, id_=id_, properties=record.outputs, interruption=interruption)

    def _interruption(self, operation: str, token: str, body: dict[str, Any]) -> Interruption:
        name = str(body.get("name", ""))
        region = str(body.get("region_name", body.get("region", "")))
        self.ledger.log(operation, token=token, name=name, region=region)
        return Interruption(self.ledger.take_fault(operation, (token, name)))


Operation = Callable[..., Any]
ROUTES: tuple[tuple[str, str, Operation], ...] = (
    ("GET", "/instance-types", Account.instance_types),
    ("GET", "/instances", Account.instances),
    ("GET", "/instances/([^/]+)", Account.instance),
    ("POST", "/instance-operations/launch", Account.launch),
    ("POST", "/instance-operations/terminate", Account.terminate),
    ("GET", "/firewall-rulesets", Account.rulesets),
    ("POST", "/firewall-rulesets", Account.make_ruleset),
    ("GET", "/firewall-rulesets/([^/]+)", Account.ruleset),
    ("PATCH", "/firewall-rulesets/([^/]+)", Account.change_ruleset),
    ("DELETE", "/firewall-rulesets/([^/]+)", Account.delete_ruleset),
)


def answer(account: Account, method: str, path: str, *, key: str, body: Any) -> Any:
    """Return the data of an answer.

    Raises RefusedError where the API refuses.
    """
    if key in {"", EXPIRED_KEY}:
        raise RefusedError(
            401, "global/invalid-api-key", "API key was invalid, expired, or deleted."
        )
    for verb, pattern, operation in ROUTES:
        found = re.fullmatch(PREFIX + pattern, path)
        if verb == method and found:
            arguments = (*found.groups(), *([body] if body is not None else []))
            return _translated(lambda: operation(account, *arguments))  # noqa: B023 - called at once
    raise RefusedError(404, NOT_FOUND, f"there is no {method} {path}")


def _translated(operation: Callable[[], Any]) -> Any:
    """Run an operation and put the sandbox's refusals into Lambda's words."""
    try:
        return operation()
    except CloudError as error:
        text = str(error)
        if "InsufficientInstanceCapacity" in text:
            raise RefusedError(
                400, NO_CAPACITY, "Not enough capacity to fulfill launch request."
            ) from error
        if "Rate exceeded" in text:
            raise RefusedError(429, "global/too-many-requests", text) from error
        if "QuotaExceeded" in text:
            raise RefusedError(400, "global/quota-exceeded", text) from error
        status = 400 if error.code is not Code.FAILED_PRECONDITION else 500
        raise RefusedError(status, "global/internal-error", text) from error


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    account: Account

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer("GET")

    def do_POST(self) -> None:
        """Answer a POST."""
        self._answer("POST")

    def do_PATCH(self) -> None:
        """Answer a PATCH."""
        self._answer("PATCH")

    def do_DELETE(self) -> None:
        """Answer a DELETE."""
        self._answer("DELETE")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by http.server
        """Say nothing: the engine's output is the user's."""

    def _answer(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length)
        body = json.loads(text) if text else None
        try:
            data = answer(self.account, method, self.path, key=self._key(), body=body)
            self._send(HTTPStatus.OK, {"data": data})
        except RefusedError as refused:
            error = {"code": refused.code, "message": str(refused), "suggestion": ""}
            self._send(refused.status, {"error": error})

    def _key(self) -> str:
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            return base64.b64decode(value).decode().partition(":")[0]
        return value if scheme == "Bearer" else ""

    def _send(self, status: int, content: Any) -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self.send_header("Retry-After", RETRY_AFTER_S)
        self.end_headers()
        self.wfile.write(text)


class Server(ThreadingHTTPServer):
    """The server on a socket that somebody else has opened."""

    daemon_threads = True

    def __init__(self, listening: socket.socket, ledger: Ledger) -> None:
        handler = type("BoundHandler", (Handler,), {"account": Account(ledger)})
        super().__init__(listening.getsockname(), handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening


def main() -> None:
    """Serve until whoever started this has ended."""
    parent = os.getppid()
    try:
        server = Server(socket.socket(fileno=int(sys.argv[1])), Ledger(ledger_path()))
    except SandboxError as error:
        sys.exit(f"lambda api: {error}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while os.getppid() == parent:
        time.sleep(PARENT_POLL_S)


if __name__ == "__main__":
    main()
