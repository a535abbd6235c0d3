"""Lambda's instances as a Pulumi resource: one made by name, never two.

This runs in a process of the engine's that has no part of the program in it but this package.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
)

from outlay.clouds.lambda_cloud.api import NOT_FOUND, Api, Sleep
from outlay.errors import CloudApiError, NoCapacityError

NAME_LIMIT = 64
REGION = re.compile(r"[a-z]+-[a-z]+-\d+")
# What comes up, and what has ended.
STARTING = frozenset({"booting", "pending"})
GONE = frozenset({"terminated", "terminating"})
POLL_S = 10.0
# Bare boots of large machines take up to a quarter of an hour.
LONGEST_BOOT_S = 1800.0
# What a launch takes, and what a running instance cannot change. The first boot alone reads user data:
# a machine is not replaced because its text would be another now.
LAUNCHED = (
    "region_name",
    "instance_type_name",
    "name",
    "ssh_key_names",
    "firewall_rulesets",
    "tags",
)
FIXED = ("region_name", "instance_type_name", "name", "ssh_key_names", "firewall_rulesets")
ANSWERED = ("ip", "private_ip", "status")
Values = Mapping[str, Any]


class InstanceProvider(ResourceProvider):
    """Makes, reads and ends one instance."""

    # It holds no secret: the key is in the environment.
    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuse what Lambda would refuse, before anything is bought."""
        return CheckResult(news, list(problems(news)))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Replace the instance for everything that it was launched with but its user data."""
        changed = [key for key in FIXED if _olds.get(key) != _news.get(key)]
        return DiffResult(changes=bool(changed), replaces=changed, delete_before_replace=True)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Launch the instance, or take the one of that name that an earlier run launched."""
        id_, answer = launch(Api.from_environment(), props)
        return CreateResult(id_, {**props, **answer})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the instance as it is; without an id if it has ended."""
        found = _found(Api.from_environment(), id_)
        if found is None or found.get("status") in GONE:
            return ReadResult("", {})
        return ReadResult(id_, {**props, **_answer(found)})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """End the instance; one that has ended is no error."""
        end(Api.from_environment(), _id)


def problems(news: Values) -> list[CheckFailure]:
    """Return what is wrong with the inputs of an instance."""
    found = []
    name, region = news.get("name"), news.get("region_name")
    if not isinstance(name, str) or not 0 < len(name) <= NAME_LIMIT:
        found.append(CheckFailure("name", f"must have 1 to {NAME_LIMIT} characters, is {name!r}"))
    if not isinstance(region, str) or not REGION.fullmatch(region):
        found.append(CheckFailure("region_name", f"{region!r} is no region, such as us-west-1"))
    if len(news.get("ssh_key_names") or []) != 1:
        found.append(CheckFailure("ssh_key_names", "Lambda takes exactly one SSH key"))
    if not news.get("instance_type_name"):
        found.append(CheckFailure("instance_type_name", "is required"))
    return found


def launch(api: Api, props: Values) -> tuple[str, dict[str, Any]]:
    """Return id and answers of a running instance of that name, launched now or earlier.

    Lambda keeps no names apart, so that a lost answer would otherwise buy a second one.

    Raises:
        NoCapacityError: the region has none left, and where there are some.
        CloudApiError: another of that name is there, or it does not come up; it is ended then.
    """
    standing = _named(api, str(props["name"]))
    id_ = _adopted(standing, props) if standing else _launched(api, props)
    return id_, _answer(_up(api, id_))


def end(api: Api, id_: str) -> None:
    """End an instance and wait until Lambda no longer counts it."""
    try:
        api.post("/instance-operations/terminate", {"instance_ids": [id_]})
    except CloudApiError as error:
        if error.code != NOT_FOUND:
            raise
        return
    _wait(api.sleep, lambda: _ended(api, id_), what=f"instance {id_} to end")


def _ended(api: Api, id_: str) -> bool:
    found = _found(api, id_)
    return found is None or found.get("status") in GONE


def _named(api: Api, name: str) -> dict[str, Any] | None:
    running = (i for i in api.get("/instances") if i.get("status") not in GONE)
    return next((dict(i) for i in running if i.get("name") == name), None)


def _adopted(standing: Values, props: Values) -> str:
    have = (standing["instance_type"]["name"], standing["region"]["name"])
    want = (props["instance_type_name"], props["region_name"])
    if have != want:
        raise CloudApiError(
            f"an instance named {props['name']} is already there, a {have[0]} in {have[1]}; a {want[0]} in"
            f" {want[1]} is wanted: end {standing['id']} if it is not needed, or rename the stack"
        )
    return str(standing["id"])


def _launched(api: Api, props: Values) -> str:
    body = {key: props[key] for key in (*LAUNCHED, "user_data") if props.get(key)}
    try:
        answer = api.post("/instance-operations/launch", body)
    except NoCapacityError as error:
        places = _places(api, str(props["instance_type_name"]))
        raise NoCapacityError(
            f"{error}: no {props['instance_type_name']} is free in {props['region_name']};"
            f" there are some in: {places or 'no region'}",
            code=error.code,
        ) from error
    return str(answer["instance_ids"][0])


def _places(api: Api, instance_type: str) -> str:
    entry = api.get("/instance-types").get(instance_type) or {}
    return ", ".join(region["name"] for region in entry.get("regions_with_capacity_available", ()))


def _up(api: Api, id_: str) -> dict[str, Any]:
    """Return the instance once it runs; end it if it never will."""
    latest: dict[str, Any] = {}

    def settled() -> bool:
        latest.update(_found(api, id_) or {"status": "terminated"})
        return latest["status"] not in STARTING

    _wait(api.sleep, settled, what=f"instance {id_} to boot")
    if latest["status"] != "active":
        end(api, id_)
        raise CloudApiError(f"instance {id_} came up {latest['status']} and was ended; try again")
    return latest


def _wait(sleep: Sleep, done: Any, *, what: str) -> None:
    waited_s = 0.0
    while not done():
        if waited_s >= LONGEST_BOOT_S:
            raise CloudApiError(
                f"waited {LONGEST_BOOT_S:.0f} s for {what}; look into Lambda's console"
            )
        sleep(POLL_S)
        waited_s += POLL_S


def _found(api: Api, id_: str) -> dict[str, Any] | None:
    try:
        return dict(api.get(f"/instances/{id_}"))
    except CloudApiError as error:
        if error.code == NOT_FOUND:
            return None
        raise


def _answer(found: Values) -> dict[str, Any]:
    return {key: found.get(key) or "" for key in ANSWERED}
