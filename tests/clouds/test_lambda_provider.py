"""The dynamic provider of Lambda's instances against an API over HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from outlay.clouds.lambda_cloud.api import Api
from outlay.clouds.lambda_cloud.firewalls import FirewallProvider
from outlay.clouds.lambda_cloud.instances import InstanceProvider, end, launch
from outlay.errors import CloudApiError, NoCapacityError
from sandbox.lambda_api import Server
from sandbox.lambda_cloud import INSTANCE, RULESET
from sandbox.ledger import Ledger

PROPS: dict[str, Any] = {
    "region_name": "us-west-1",
    "instance_type_name": "gpu_1x_a10",
    "name": "llm-0",
    "ssh_key_names": ["mine"],
    "user_data": "#cloud-config\n",
}
RULES = [{"protocol": "tcp", "port_range": [6443, 6443], "source_network": "192.0.2.0/24"}]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """The account's ledger."""
    return Ledger(tmp_path / "ledger.db")


@pytest.fixture
def url(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of Lambda's API, which the environment names too."""
    with Server(socket.create_server(("127.0.0.1", 0)), ledger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("LAMBDA_API_URL", address)
        monkeypatch.setenv("LAMBDA_API_KEY", "key")
        yield address
        server.shutdown()


@pytest.fixture
def waits() -> list[float]:
    """How long the client waited, each time."""
    return []


@pytest.fixture
def api(url: str, waits: list[float]) -> Api:
    """An account whose waits take no time."""
    return Api(url=url, key="key", sleep=waits.append)


def fault(ledger: Ledger, kind: str, *, operation: str = "create", times: int = 1) -> None:
    """Plan a failure for the instance."""
    ledger.add_fault(
        operation=operation, match="llm-0", kind=kind, message="", seconds=0, times=times
    )


def test_an_instance_is_launched_read_and_ended(api: Api, ledger: Ledger) -> None:
    id_, answer = launch(api, PROPS)
    assert answer["status"] == "active"
    assert answer["ip"].startswith("198.51.100.")
    assert InstanceProvider().read(id_, PROPS).outs == {**PROPS, **answer}
    end(api, id_)
    assert ledger.records() == []
    assert InstanceProvider().read(id_, PROPS).id == ""
    end(api, id_)


def test_a_lost_answer_never_buys_a_second_instance(api: Api, ledger: Ledger) -> None:
    """Lambda keeps no names apart, so the provider does."""
    first, _ = launch(api, PROPS)
    again, _ = launch(api, PROPS)
    assert first == again
    assert len(ledger.records(INSTANCE)) == 1


def test_another_machine_of_that_name_is_not_taken_for_it(api: Api) -> None:
    launch(api, PROPS)
    with pytest.raises(CloudApiError, match=r"already there, a gpu_1x_a10 in us-west-1"):
        launch(api, {**PROPS, "instance_type_name": "gpu_1x_gh200"})


def test_want_of_capacity_is_told_apart_and_says_where_there_is_some(
    api: Api, ledger: Ledger
) -> None:
    ledger.set_capacity(
        package="lambda", region="us-west-1", sku="gpu_1x_a10", market="on-demand", nodes=0
    )
    with pytest.raises(NoCapacityError, match=r"no gpu_1x_a10 is free in us-west-1; .* us-east-1"):
        launch(api, PROPS)
    assert ledger.records() == []


def test_over_the_rate_limit_it_waits_as_long_as_lambda_says(
    api: Api, ledger: Ledger, waits: list[float]
) -> None:
    fault(ledger, "throttle", times=3)
    launch(api, PROPS)
    assert waits == [1.0, 1.0, 1.0]


def test_a_limit_that_never_lifts_is_an_error(api: Api, ledger: Ledger) -> None:
    fault(ledger, "throttle", times=99)
    with pytest.raises(CloudApiError, match="global/too-many-requests"):
        launch(api, PROPS)


def test_an_instance_that_never_comes_up_is_ended(api: Api, ledger: Ledger) -> None:
    """It would cost money and serve nobody."""
    fault(ledger, "partial")
    with pytest.raises(CloudApiError, match="came up unhealthy and was ended"):
        launch(api, PROPS)
    assert ledger.records() == []


def test_quota_and_other_refusals_come_in_lambdas_words(api: Api, ledger: Ledger) -> None:
    ledger.set_quota(
        package="lambda", region="us-west-1", market="on-demand", unit="gpus", amount=0
    )
    with pytest.raises(CloudApiError, match="global/quota-exceeded"):
        launch(api, PROPS)
    with pytest.raises(CloudApiError, match="no machine type 'gpu_1x_a11'"):
        launch(api, {**PROPS, "instance_type_name": "gpu_1x_a11"})
    with pytest.raises(CloudApiError, match="no region 'us-west-9'"):
        launch(api, {**PROPS, "region_name": "us-west-9"})


@pytest.mark.parametrize("key", ["expired", ""])
def test_a_key_that_is_not_good_is_named(url: str, key: str) -> None:
    with pytest.raises(CloudApiError, match="global/invalid-api-key"):
        Api(url=url, key=key).get("/instances")


def test_without_a_key_the_way_to_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAMBDA_API_KEY", raising=False)
    with pytest.raises(CloudApiError, match="export LAMBDA_API_KEY="):
        Api.from_environment()


def test_an_api_that_does_not_answer_is_named() -> None:
    with pytest.raises(CloudApiError, match=r"GET http://127.0.0.1:9/instances: "):
        Api(url="http://127.0.0.1:9", key="key").get("/instances")


@pytest.mark.parametrize(
    ("changes", "replaced"),
    [
        ({}, []),
        ({"user_data": "other"}, []),
        ({"tags": [{"key": "a", "value": "b"}]}, []),
        ({"instance_type_name": "gpu_1x_gh200"}, ["instance_type_name"]),
        ({"region_name": "us-east-1"}, ["region_name"]),
        ({"name": "llm-1"}, ["name"]),
    ],
)
def test_only_another_machine_replaces_an_instance(
    changes: dict[str, Any], replaced: list[str]
) -> None:
    """The first boot alone reads user data: no running machine is lost for it."""
    result = InstanceProvider().diff("id", dict(PROPS), {**PROPS, **changes})
    assert (result.changes, result.replaces) == (bool(replaced), replaced)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"region_name": "mars"}, "region_name"),
        ({"ssh_key_names": []}, "ssh_key_names"),
        ({"ssh_key_names": ["a", "b"]}, "ssh_key_names"),
        ({"instance_type_name": None}, "instance_type_name"),
    ],
)
def test_a_broken_instance_is_refused_before_anything_is_bought(
    changes: dict[str, Any], path: str
) -> None:
    failures = InstanceProvider().check({}, {**PROPS, **changes}).failures
    assert [failure.property for failure in failures] == [path]
    assert InstanceProvider().check({}, dict(PROPS)).failures == []


def test_a_ruleset_is_made_once_changed_in_place_and_deleted(url: str, ledger: Ledger) -> None:
    provider = FirewallProvider()
    props = {"name": "llm", "region": "us-west-1", "rules": RULES}
    made = provider.create(dict(props))
    assert provider.create(dict(props)).id == made.id
    assert len(ledger.records(RULESET)) == 1
    other = [{**RULES[0], "source_network": "198.51.100.0/24"}]
    provider.update(made.id, props, {**props, "rules": other})
    read = provider.read(made.id, props)
    assert read.outs is not None
    assert read.outs["rules"] == other
    provider.delete(made.id, props)
    provider.delete(made.id, props)
    assert provider.read(made.id, props).id == ""


def test_a_ruleset_in_use_is_not_deleted(api: Api) -> None:
    provider = FirewallProvider()
    made = provider.create({"name": "llm", "region": "us-west-1", "rules": RULES})
    launch(api, {**PROPS, "firewall_rulesets": [{"id": made.id}]})
    with pytest.raises(CloudApiError, match="DependencyViolation"):
        provider.delete(made.id, {})
