"""A plan's Lambda cluster as the engine gets it."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pulumi
import pytest
import yaml

from outlay.clouds import CloudOptions, provision
from outlay.clouds.lambda_cloud.credentials import authority
from outlay.errors import InputError
from outlay.planning.plan import Cluster
from tests.clouds.builders import lambda_cluster, lambda_pool, plan
from tests.clouds.recorder import Recorded, record, resolved

TYPES = "pulumi-python:dynamic/outlay/lambda:"
ACCOUNT: dict[str, Any] = {"lambda_region": "us-west-1", "lambda_ssh_key": "mine"}
NAME = "outlay-dev-lambda-global"


def provisioned(
    cluster: Cluster | None = None, *, preview: bool = False, **options: Any
) -> Recorded:
    """Provision a cluster against mocks."""
    made, chosen = cluster or lambda_cluster(), CloudOptions(**{**ACCOUNT, **options})
    return record(lambda: provision(plan(made), options=chosen), preview=preview)


def instances(recorded: Recorded) -> dict[str, dict[str, Any]]:
    """Return the inputs of the instances, by name."""
    return recorded.of(f"{TYPES}Instance")


def boot(inputs: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return what cloud-init writes, and the words of what it runs."""
    document = yaml.safe_load(inputs["user_data"]["value"])  # in the wrapper of a secret
    files = {row["path"]: row["content"] for row in document["write_files"]}
    ((_, _, command),) = document["runcmd"]
    return files, shlex.split(command)


@pytest.mark.parametrize("preview", [True, False])
def test_every_node_is_one_instance_whose_type_a_preview_knows(preview: bool) -> None:
    made = instances(provisioned(preview=preview))
    assert sorted(made) == [f"{NAME}-gpu-1x-gh200-on-demand-{n}" for n in (0, 1)]
    for name, inputs in made.items():
        assert inputs["name"] == name
        assert (inputs["instance_type_name"], inputs["region_name"]) == (
            "gpu_1x_gh200",
            "us-west-1",
        )
        assert inputs["ssh_key_names"] == ["mine"]
        assert inputs["node_labels"]["outlay/pool"] == "gpu-1x-gh200-on-demand"
        assert inputs["node_taints"] == []
        assert inputs["tags"] == [
            {"key": "outlay-project", "value": "outlay"},
            {"key": "outlay-stack", "value": "dev"},
        ]


def test_the_first_node_is_the_server_and_trusts_our_own_authority() -> None:
    """So the kubeconfig is known without a login to the machine."""
    first, second = (inputs for _, inputs in sorted(instances(provisioned()).items()))
    files, words = boot(first)
    assert files["/var/lib/rancher/k3s/server/tls/server-ca.crt"] == "CERTIFICATE"
    assert files["/var/lib/rancher/k3s/server/tls/server-ca.key"] == "KEY"
    assert files["/etc/rancher/k3s/tokens.csv"] == 'let-me-in,outlay,outlay,"system:masters"\n'
    assert {"server", "K3S_TOKEN=join-me", f"--tls-san={NAME}", "--default-runtime=nvidia"} <= set(
        words
    )
    assert "INSTALL_K3S_CHANNEL=v1.34" in words
    files, words = boot(second)
    assert files == {}
    assert {"agent", "K3S_URL=https://10.19.0.7:6443", "K3S_TOKEN=join-me"} <= set(words)


def test_nodes_carry_the_pools_labels_and_no_taint_that_keeps_cluster_dns_off() -> None:
    """There are no other nodes on which it could run."""
    _, words = boot(next(iter(instances(provisioned()).values())))
    assert "--node-label=outlay/pool=gpu-1x-gh200-on-demand" in words
    assert not [word for word in words if "--node-taint" in word]


def test_the_firewall_lets_the_chosen_addresses_reach_the_api_and_nothing_else_from_outside() -> (
    None
):
    rules = provisioned(api_cidrs=("192.0.2.0/24",)).only(f"{TYPES}FirewallRuleset")["rules"]
    private = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    outside = [rule for rule in rules if rule["source_network"] not in private]
    assert [(r["protocol"], r["port_range"], r["source_network"]) for r in outside] == [
        ("tcp", [6443, 6443], "192.0.2.0/24")
    ]


def test_the_kubeconfig_is_secret_and_good_for_the_clusters_name() -> None:
    def kubeconfig() -> pulumi.Output[str]:
        return provision(plan(lambda_cluster()), options=CloudOptions(**ACCOUNT))[0].kubeconfig

    text, is_secret = resolved(kubeconfig)
    assert is_secret
    document = json.loads(text)
    cluster = document["clusters"][0]["cluster"]
    assert (cluster["server"], cluster["tls-server-name"]) == ("https://198.51.100.7:6443", NAME)
    assert document["users"][0]["user"] == {"token": "let-me-in"}


def test_long_names_fit_and_stay_apart() -> None:
    cluster = lambda_cluster(
        name="a-long-project-name-" * 4, pools=(lambda_pool(nodes=12, min_nodes=12, max_nodes=12),)
    )
    names = {inputs["name"] for inputs in instances(provisioned(cluster)).values()}
    assert len(names) == 12
    assert max(map(len, names)) <= 64


def test_an_authority_signs_certificates() -> None:
    from cryptography import x509

    certificate, key = authority("llm")
    found = x509.load_pem_x509_certificate(certificate.encode())
    assert found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert key.startswith("-----BEGIN EC PRIVATE KEY-----")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lambda_region": None}, "pulumi config set lambda:region us-west-1"),
        ({"lambda_region": "mars"}, "lambda:region is 'mars'"),
        ({"lambda_region": "us-south-1"}, "firewall does not cover us-south-1"),
        ({"lambda_ssh_key": None}, "pulumi config set lambda:sshKeyName"),
    ],
)
def test_what_is_missing_is_refused_before_anything_is_declared(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        provision(plan(lambda_cluster()), options=CloudOptions(**{**ACCOUNT, **options}))
