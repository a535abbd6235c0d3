"""One comment on a pull request, made once and then updated, over GitHub's REST API."""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from outlay.errors import EngineError, InputError

API = "https://api.github.com"
PAGE = 100
LARGEST_PAGES = 30
TIMEOUT_S = 30
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
PULL_REF = re.compile(r"refs/pull/(\d+)/")
# Whom GitHub names as the author of what a workflow's own token writes.
ACTIONS_AUTHOR = "github-actions[bot]"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request and the right to write to it.

    Attributes:
        api: Root of the API, for GitHub Enterprise too.
        repository: Owner and name.
        number: The pull request.
        token: A token with the permission `pull-requests: write`; never printed.
        author: Whose comments are ours: nobody else's is ever touched, whatever it begins with.
    """

    api: str
    repository: str
    number: int
    token: str
    author: str

    @classmethod
    def from_environment(
        cls, number: int | None, environ: Mapping[str, str] = os.environ
    ) -> PullRequest:
        """Read GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL, OUTLAY_COMMENT_AUTHOR and GITHUB_REF.

        Raises:
            InputError: One of them is missing or wrong.
        """
        token, repository = environ.get("GITHUB_TOKEN", ""), environ.get("GITHUB_REPOSITORY", "")
        if not token or not REPOSITORY.fullmatch(repository):
            raise InputError(
                "to write the comment set GITHUB_TOKEN and GITHUB_REPOSITORY (owner/name);"
                " --dry-run only prints it"
            )
        found = number or _number(environ.get("GITHUB_REF", ""))
        if found is None:
            raise InputError("which pull request? Give --pull-request NUMBER")
        return cls(
            api=environ.get("GITHUB_API_URL", API).rstrip("/"),
            repository=repository,
            number=found,
            token=token,
            author=environ.get("OUTLAY_COMMENT_AUTHOR", ACTIONS_AUTHOR),
        )

    def put(self, text: str, *, marker: str) -> str:
        """Update our comment that begins with the marker, or write it; return its address.

        Raises:
            EngineError: GitHub refuses or cannot be reached.
        """
        own = next((c for c in self._comments() if self._is_own(c, marker)), None)
        if own is None:
            path = f"/repos/{self.repository}/issues/{self.number}/comments"
            answer = self._call("POST", path, {"body": text})
        else:
            path = f"/repos/{self.repository}/issues/comments/{own['id']}"
            answer = self._call("PATCH", path, {"body": text})
        return str(answer.get("html_url", "")) if isinstance(answer, Mapping) else ""

    def _is_own(self, comment: Mapping[str, object], marker: str) -> bool:
        user = comment.get("user")
        login = user.get("login") if isinstance(user, Mapping) else None
        return login == self.author and str(comment.get("body") or "").startswith(marker)

    def _comments(self) -> Iterator[Mapping[str, object]]:
        path = f"/repos/{self.repository}/issues/{self.number}/comments"
        for page in range(1, LARGEST_PAGES + 1):
            answer = self._call("GET", f"{path}?per_page={PAGE}&page={page}")
            found = (
                [each for each in answer if isinstance(each, Mapping)]
                if isinstance(answer, list)
                else []
            )
            yield from found
            if len(found) < PAGE:
                return

    def _call(self, method: str, path: str, body: Mapping[str, str] | None = None) -> object:
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked when it is opened
            f"{self.api}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "User-Agent": "outlay",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        if not self.api.startswith(("https://", "http://")):
            raise InputError(f"GITHUB_API_URL must be a web address, got {self.api!r}")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - checked above
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise EngineError(_refused(error, method, path)) from None
        except (OSError, ValueError) as error:
            raise EngineError(f"GitHub could not be reached at {self.api}: {error}") from None


def _number(ref: str) -> int | None:
    match = PULL_REF.match(ref)
    return int(match[1]) if match else None


def _refused(error: urllib.error.HTTPError, method: str, path: str) -> str:
    with error:
        said = error.read(2000).decode(errors="replace").strip()
    hint = ""
    if error.code in (401, 403, 404):
        hint = "; the token needs the permission `pull-requests: write` on this repository"
    return f"GitHub answered {error.code} to {method} {path}: {said}{hint}"
