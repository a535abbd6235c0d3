"""Lambda's firewall rulesets as a Pulumi resource: one made by name, never two."""

from __future__ import annotations

from typing import Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from outlay.clouds.lambda_cloud.api import NOT_FOUND, Api
from outlay.errors import CloudApiError

PATH = "/firewall-rulesets"
NAME_LIMIT = 64


class FirewallProvider(ResourceProvider):
    """Makes, reads, changes and deletes one ruleset."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuse what Lambda would refuse."""
        name = news.get("name")
        wrong = not isinstance(name, str) or not 0 < len(name) <= NAME_LIMIT
        reason = f"must have 1 to {NAME_LIMIT} characters, is {name!r}"
        return CheckResult(news, [CheckFailure("name", reason)] if wrong else [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Change rules in place; another region or name is another ruleset."""
        changed = [key for key in ("name", "region", "rules") if _olds.get(key) != _news.get(key)]
        replaces = [key for key in changed if key != "rules"]
        return DiffResult(changes=bool(changed), replaces=replaces, delete_before_replace=True)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Make the ruleset, or take the one of that name and give it these rules."""
        api = Api.from_environment()
        wanted = {key: props[key] for key in ("name", "region", "rules")}
        same = (r for r in api.get(PATH) if r["name"] == props["name"])
        standing = next((r for r in same if r["region"]["name"] == props["region"]), None)
        if standing is None:
            return CreateResult(str(api.post(PATH, wanted)["id"]), dict(props))
        api.patch(f"{PATH}/{standing['id']}", {"rules": props["rules"]})
        return CreateResult(str(standing["id"]), dict(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the ruleset as it is; without an id if it is gone."""
        try:
            found = Api.from_environment().get(f"{PATH}/{id_}")
        except CloudApiError as error:
            if error.code != NOT_FOUND:
                raise
            return ReadResult("", {})
        return ReadResult(id_, {**props, "rules": found["rules"]})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Give the ruleset other rules."""
        Api.from_environment().patch(f"{PATH}/{_id}", {"rules": _news["rules"]})
        return UpdateResult(dict(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete the ruleset; one that is gone is no error."""
        try:
            Api.from_environment().delete(f"{PATH}/{_id}")
        except CloudApiError as error:
            if error.code != NOT_FOUND:
                raise
