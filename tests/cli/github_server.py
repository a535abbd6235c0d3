"""A server on this machine that keeps a pull request's comments as GitHub does."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

COMMENTS = re.compile(r"/repos/acme/shop/issues/7/comments")
COMMENT = re.compile(r"/repos/acme/shop/issues/comments/(\d+)")
TOKEN, BOT = "a-token", "github-actions[bot]"


@dataclass
class GitHub:
    """The comments of pull request 7 of acme/shop, and what was asked."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    refuses: int | None = None
    url: str = ""

    def write(self, body: str, login: str = BOT) -> dict[str, Any]:
        """Add a comment."""
        number = len(self.comments) + 1
        address = f"https://example.com/7#{number}"
        made = {"id": number, "body": body, "user": {"login": login}, "html_url": address}
        self.comments.append(made)
        return made

    def environment(self) -> dict[str, str]:
        """Return what a workflow's environment says of it."""
        return {
            "GITHUB_API_URL": self.url,
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_REF": "refs/pull/7/merge",
        }

    def answer(self, method: str, path: str, token: str, body: dict[str, str]) -> tuple[int, Any]:
        """Answer one request."""
        parts = urlsplit(path)
        self.asked.append(f"{method} {parts.path}")
        if self.refuses:
            return self.refuses, {"message": "Resource not accessible by integration"}
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        if COMMENTS.fullmatch(parts.path):
            return self._comments(method, parse_qs(parts.query), body)
        one = COMMENT.fullmatch(parts.path)
        if one and method == "PATCH":
            found = next(each for each in self.comments if each["id"] == int(one[1]))
            found["body"] = body["body"]
            return 200, found
        return 404, {"message": "Not Found"}

    def _comments(
        self, method: str, query: dict[str, list[str]], body: dict[str, str]
    ) -> tuple[int, Any]:
        if method == "POST":
            return 201, self.write(body["body"])
        size, page = int(query["per_page"][0]), int(query["page"][0])
        return 200, self.comments[(page - 1) * size : page * size]


@contextmanager
def github() -> Iterator[GitHub]:
    """Serve it on a free port."""
    kept = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            token = self.headers.get("Authorization") or ""
            code, value = kept.answer(self.command, self.path, token, body)
            text = json.dumps(value).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - names that the base class asks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()
