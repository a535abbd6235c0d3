"""The parts that both providers use: names, tags, kubeconfig, options, node pools."""

from __future__ import annotations

import json

import pulumi
from hypothesis import given
from hypothesis import strategies as st

from outlay.clouds import kubernetes_secret, provision
from outlay.clouds.base import fixed_name
from outlay.clouds.kubeconfig import TokenCommand, render_kubeconfig
from outlay.clouds.names import replaceable, shortened
from outlay.clouds.nodes import CLOUD_EFFECTS, cpu_nodes, gpu_nodes
from outlay.clouds.options import CloudOptions
from outlay.clouds.tags import cost_tags
from tests.clouds.builders import aws_cluster, cpu_pool, plan, pool, spot_pool
from tests.clouds.recorder import record

SECRET_MARK = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,80}[a-z0-9]", fullmatch=True)


@given(NAMES, st.integers(min_value=10, max_value=63))
def test_a_shortened_name_fits_and_ends_in_a_letter_or_digit(name: str, limit: int) -> None:
    short = shortened(name, limit=limit)
    assert len(short) <= limit
    assert short[-1].isalnum()
    assert short == name or len(name) > limit


@given(NAMES, NAMES)
def test_different_long_names_stay_different(one: str, other: str) -> None:
    """What is cut off lives on in the hash."""
    assert (shortened(one, limit=20) == shortened(other, limit=20)) == (one == other)


def test_a_pools_name_changes_with_what_forces_a_replacement_and_only_then() -> None:
    first = replaceable("g6-xlarge-spot", limit=40, forced_by=("g6.xlarge", 100))
    assert first == replaceable("g6-xlarge-spot", limit=40, forced_by=("g6.xlarge", 100))
    assert first != replaceable("g6-xlarge-spot", limit=40, forced_by=("g6.xlarge", 200))
    assert first.startswith("g6-xlarge-spot-")


@given(NAMES, st.integers(min_value=12, max_value=63))
def test_a_replaceable_name_fits(name: str, limit: int) -> None:
    assert len(replaceable(name, limit=limit, forced_by=())) <= limit


def test_a_fixed_name_is_deleted_before_it_is_replaced() -> None:
    """Two resources of one name cannot exist."""
    options = fixed_name(pulumi.Resource.__new__(pulumi.Resource))
    assert options.delete_before_replace is True


def test_project_and_stack_win_over_the_users_tags() -> None:
    """An orphan search by tag must find everything, whatever a user typed."""
    tagged = plan(tags=(("outlay:stack", "mine"), ("Team", "a")))
    assert cost_tags(tagged) == {"Team": "a", "outlay:project": "outlay", "outlay:stack": "dev"}


def test_a_kubeconfig_holds_a_command_and_no_credential() -> None:
    token = TokenCommand(command="get-it", arguments=("--now",), install_hint="install it")
    text = render_kubeconfig("one", server="https://one", certificate="Y2VydA==", token=token)
    document = json.loads(text)
    assert document["current-context"] == "one"
    assert document["clusters"] == [
        {
            "name": "one",
            "cluster": {"server": "https://one", "certificate-authority-data": "Y2VydA=="},
        }
    ]
    assert document["users"] == [
        {
            "name": "one",
            "user": {
                "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1beta1",
                    "command": "get-it",
                    "args": ["--now"],
                    "installHint": "install it",
                    "interactiveMode": "IfAvailable",
                    "provideClusterInfo": True,
                }
            },
        }
    ]


def test_a_zone_chosen_for_an_instance_type_wins_over_its_regions() -> None:
    options = CloudOptions(gpu_zones={"us-east-1": ("a",), "us-east-1/p5.48xlarge": ("b", "c")})
    assert options.zones_of(region="us-east-1", instance_type="p5.48xlarge") == ("b", "c")
    assert options.zones_of(region="us-east-1", instance_type="g6.xlarge") == ("a",)
    assert options.zones_of(region="us-west-2", instance_type="g6.xlarge") == ()


def test_every_taint_has_a_word_in_the_clouds() -> None:
    """EKS and GKE spell effects in their own way."""
    taints = gpu_nodes(spot_pool()).taints
    assert {CLOUD_EFFECTS[taint.effect] for taint in taints} == {"NO_SCHEDULE"}


def test_a_cpu_pool_is_fixed_on_demand_and_open_to_all_pods() -> None:
    nodes = cpu_nodes(cpu_pool(nodes=3))
    assert (nodes.min_nodes, nodes.nodes, nodes.max_nodes) == (3, 3, 3)
    assert (nodes.is_gpu, nodes.is_spot, nodes.is_elastic) == (False, False, False)
    assert nodes.labels == {"outlay/pool": "cpu"}
    assert nodes.taints == ()


def test_a_pool_is_elastic_when_it_may_grow() -> None:
    assert not gpu_nodes(pool()).is_elastic
    assert gpu_nodes(spot_pool()).is_elastic


def test_a_secret_goes_to_its_namespace_and_stays_secret() -> None:
    """On the wire its value is wrapped in the engine's mark for secrets."""
    cluster = aws_cluster()
    planned = plan(cluster)

    def program() -> None:
        (made,) = provision(planned, options=CloudOptions())
        token = {"HF_TOKEN": pulumi.Output.secret("hf_x")}
        kubernetes_secret(made, "hf", token, namespace="llm-d", depends_on=[])

    assert record(program).of("kubernetes:core/v1:Secret") == {
        "outlay-dev-aws-us-east-1/secret/llm-d/hf": {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "hf", "namespace": "llm-d"},
            "stringData": {SECRET_MARK: SECRET_SIGNATURE, "value": {"HF_TOKEN": "hf_x"}},
        }
    }
