"""Kubernetes objects: strict schemas, names, what forces a new one, whole lives, rendering."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.runtime.proto import provider_pb2

from sandbox.ledger import Ledger
from sandbox.protocol import SECRET, to_props, to_struct
from sandbox.values import UNKNOWN
from tests.sandbox import stacks
from tests.sandbox.client import Plugin, RefusedError, executable, running

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
NAMESPACE = "kubernetes:core/v1:Namespace"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
POOL = "kubernetes:inference.networking.k8s.io/v1:InferencePool"


def deployment(**changes: Any) -> dict[str, Any]:
    """Return a small right Deployment; `changes` go into its spec."""
    spec = {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "vllm"}},
        "template": {
            "metadata": {"labels": {"app": "vllm"}},
            "spec": {"containers": [{"name": "vllm", "image": "vllm:1"}]},
        },
    }
    return {"metadata": {"name": "vllm", "namespace": "llm-d"}, "spec": {**spec, **changes}}


def definition() -> dict[str, Any]:
    """Return a definition of a cluster-scoped kind with one required whole number."""
    size = {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}
    return {
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"kind": "Widget", "plural": "widgets"},
            "scope": "Cluster",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": size}}},
                }
            ],
        },
    }


def kubeconfig(server: str) -> str:
    """Return a kubeconfig of a server."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": {"server": server}}],
        }
    )


def test_a_right_deployment_passes_and_gets_its_api_version(kubernetes: Plugin) -> None:
    checked = kubernetes.check(DEPLOYMENT, deployment())
    assert (checked["apiVersion"], checked["kind"]) == ("apps/v1", "Deployment")


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"replicaz": 1}, "spec", "'replicaz' was unexpected"),
        ({"replicas": "2"}, "spec.replicas", "'2' is not of type"),
        (
            {"selector": {"matchLabels": {"app": "other"}}},
            "spec.selector.matchLabels",
            "does not match",
        ),
        (
            {"template": {"spec": {"containers": []}, "meta": {}}},
            "spec.template",
            "'meta' was unexpected",
        ),
    ],
)
def test_a_wrong_deployment_is_refused(
    kubernetes: Plugin, changes: dict[str, Any], path: str, reason: str
) -> None:
    assert reason in kubernetes.failures(DEPLOYMENT, deployment(**changes))[path]


def test_names_and_labels_are_checked_as_the_api_server_does(kubernetes: Plugin) -> None:
    assert "metadata.name" in kubernetes.failures(NAMESPACE, {"metadata": {"name": "a.b"}})
    assert kubernetes.failures(CONFIG_MAP, {"metadata": {"name": "a.b"}}) == {}
    wrong = {"metadata": {"name": "a", "labels": {"a b": "c"}}}
    assert "is no label key" in kubernetes.failures(CONFIG_MAP, wrong)["metadata.labels"]


def test_a_kind_of_another_version_is_refused(kubernetes: Plugin) -> None:
    wrong = {**deployment(), "apiVersion": "apps/v2"}
    assert "'apps/v1'" in kubernetes.failures(DEPLOYMENT, wrong)["apiVersion"]


def test_unknown_values_pass_the_schemas(kubernetes: Plugin) -> None:
    assert kubernetes.failures(DEPLOYMENT, deployment(replicas=UNKNOWN)) == {}


def test_a_custom_kind_that_the_product_ships_is_checked(kubernetes: Plugin) -> None:
    spec = {
        "targetPorts": [{"number": 8000}],
        "selector": {"matchLabels": {"app": "vllm"}},
        "endpointPickerRef": {"name": "epp", "port": {"number": 9002}},
    }
    metadata = {"name": "llama", "namespace": "llm-d"}
    assert kubernetes.failures(POOL, {"metadata": metadata, "spec": spec}) == {}
    wrong = {**spec, "targetPort": 8000}
    failures = kubernetes.failures(POOL, {"metadata": metadata, "spec": wrong})
    assert "'targetPort' was unexpected" in failures["spec"]


def test_a_custom_kind_without_definition_is_refused_until_one_is_declared(
    kubernetes: Plugin,
) -> None:
    """A preview knows the definitions that it checked before, though nothing is made."""
    widget = {"metadata": {"name": "w"}, "spec": {"size": 1}}
    token = "kubernetes:example.com/v1:Widget"
    refused = kubernetes.failures(token, widget)
    assert 'no matches for kind "Widget" in version "example.com/v1"' in refused["kind"]
    kubernetes.check(DEFINITION, definition())
    assert kubernetes.failures(token, widget) == {}
    wrong = {**widget, "spec": {"size": "big"}}
    assert "'big' is not of type 'integer'" in kubernetes.failures(token, wrong)["spec.size"]


def test_a_definition_in_the_ledger_serves_a_later_process(
    plugins: Path, ledger_file: Path
) -> None:
    program = executable(plugins, "kubernetes")
    with running(program, ledger=ledger_file) as first:
        first.configure()
        first.create(DEFINITION, definition())
    with running(program, ledger=ledger_file) as second:
        second.configure()
        widget = second.create(
            "kubernetes:example.com/v1:Widget", {"metadata": {"name": "w"}, "spec": {"size": 1}}
        )
    assert widget.id == "w"


def test_deleting_a_namespace_or_definition_takes_what_is_inside(
    kubernetes: Plugin, ledger: Ledger
) -> None:
    namespace = kubernetes.create(NAMESPACE, {"metadata": {"name": "llm-d"}})
    kubernetes.create(DEPLOYMENT, deployment())
    crd = kubernetes.create(DEFINITION, definition())
    kubernetes.create(
        "kubernetes:example.com/v1:Widget", {"metadata": {"name": "w"}, "spec": {"size": 1}}
    )
    kubernetes.delete(namespace)
    kubernetes.delete(crd)
    assert ledger.records() == []


def test_an_object_needs_its_namespace_first(kubernetes: Plugin) -> None:
    with pytest.raises(RefusedError, match=r"metadata\.namespace names 'llm-d'"):
        kubernetes.create(DEPLOYMENT, deployment())


def test_an_object_lives_its_whole_life(kubernetes: Plugin, ledger: Ledger) -> None:
    kubernetes.create(NAMESPACE, {"metadata": {"name": "llm-d"}}, name="namespace")
    made = kubernetes.create(DEPLOYMENT, deployment())
    assert made.id == "llm-d/vllm"
    assert made.outputs["status"]["readyReplicas"] == 2
    assert made.outputs["metadata"]["uid"].startswith("sandbox-")
    scaled = kubernetes.check(DEPLOYMENT, deployment(replicas=5))
    response = kubernetes.diff(made, scaled)
    assert (list(response.detailedDiff), list(response.replaces)) == (["spec.replicas"], [])
    updated = kubernetes.update(made, scaled)
    assert updated.outputs["metadata"]["uid"] == made.outputs["metadata"]["uid"]
    imported = kubernetes.read(DEPLOYMENT, "llm-d/vllm")
    assert to_props(imported.inputs) == scaled
    for item in reversed(kubernetes.made):
        kubernetes.delete(item)
    assert ledger.records() == []


def test_a_twin_is_refused(kubernetes: Plugin) -> None:
    kubernetes.create(CONFIG_MAP, {"metadata": {"name": "a"}})
    with pytest.raises(RefusedError, match="a already exists") as refused:
        kubernetes.create(CONFIG_MAP, {"metadata": {"name": "a"}})
    assert refused.value.code == "ALREADY_EXISTS"


def test_the_data_of_a_config_map_is_replaced_unless_mutable(kubernetes: Plugin) -> None:
    made = kubernetes.create(CONFIG_MAP, {"metadata": {"name": "a"}, "data": {"k": "1"}})
    changed = {**made.inputs, "data": {"k": "2"}}
    response = kubernetes.diff(made, changed)
    assert list(response.replaces) == ["data"]
    assert response.deleteBeforeReplace
    kubernetes.configure(enableConfigMapMutable="true")
    assert list(kubernetes.diff(made, changed).replaces) == []


def test_an_object_without_name_gets_one_and_keeps_it(kubernetes: Plugin) -> None:
    first = kubernetes.check(CONFIG_MAP, {"data": {}}, name="config")
    again, _ = kubernetes.check_raw(CONFIG_MAP, {"data": {}}, name="config", olds=first)
    assert first["metadata"]["name"].startswith("config-")
    assert again == first


def test_the_contents_of_a_secret_come_back_marked(kubernetes: Plugin) -> None:
    token = "kubernetes:core/v1:Secret"
    request = provider_pb2.CheckRequest(
        urn=f"urn:pulumi:dev::tiny::{token}::it",
        type=token,
        news=to_struct({"metadata": {"name": "hf"}, "stringData": {"token": "x"}}),
    )
    response = kubernetes.call("Check", request)
    assert SECRET in response.inputs.fields["stringData"].struct_value.fields


def test_a_kubeconfig_of_a_real_cluster_is_refused(kubernetes: Plugin) -> None:
    real = kubeconfig("https://10.0.0.1:6443")
    assert "does not talk to 10.0.0.1" in kubernetes.check_config(kubeconfig=real)["kubeconfig"]
    with pytest.raises(RefusedError, match="use the real Kubernetes provider"):
        kubernetes.configure(kubeconfig=real)


def test_a_broken_kubeconfig_is_refused(kubernetes: Plugin) -> None:
    for text in ("nonsense", "{", '{"clusters": []}'):
        assert "kubeconfig" in kubernetes.check_config(kubeconfig=text)


def test_a_cluster_of_the_sandbox_answers_while_it_exists(aws: Plugin, kubernetes: Plugin) -> None:
    cluster, _, _ = stacks.eks_cluster(aws)
    kubernetes.configure(kubeconfig=kubeconfig(cluster.outputs["endpoint"]))
    kubernetes.create(CONFIG_MAP, {"metadata": {"name": "a"}})
    aws.delete(cluster)
    with pytest.raises(
        RefusedError, match="configured Kubernetes cluster is unreachable"
    ) as refused:
        kubernetes.create(CONFIG_MAP, {"metadata": {"name": "b"}})
    assert refused.value.code == "UNAVAILABLE"


def test_rendering_writes_the_files_and_takes_them_away(kubernetes: Plugin, tmp_path: Path) -> None:
    kubernetes.configure(renderYamlToDirectory=str(tmp_path / "out"))
    made = kubernetes.create(DEPLOYMENT, deployment())
    kubernetes.create(DEFINITION, definition())
    path = tmp_path / "out" / "1-manifest" / "apps_v1-deployment-llm-d-vllm.yaml"
    assert yaml.safe_load(path.read_text()) == made.inputs
    assert "replicas: 2\n" in path.read_text()
    assert [item.name for item in (tmp_path / "out" / "0-crd").iterdir()] == [
        "apiextensions.k8s.io_v1-customresourcedefinition-default-widgets.example.com.yaml"
    ]
    kubernetes.delete(made)
    assert not path.exists()


@pytest.mark.parametrize(
    "token", ["kubernetes:helm.sh/v3:Release", "kubernetes:apps/v1:DeploymentPatch"]
)
def test_what_hides_objects_is_refused(kubernetes: Plugin, token: str) -> None:
    with pytest.raises(RefusedError, match="declare plain objects"):
        kubernetes.failures(token, {})


def test_another_server_makes_every_object_anew(kubernetes: Plugin) -> None:
    """A changed token or an unknown kubeconfig does not: the objects may still be there."""

    def replaces(old: Any, new: Any) -> list[str]:
        request = provider_pb2.DiffRequest(
            old_inputs=to_struct({"kubeconfig": old}), news=to_struct({"kubeconfig": new})
        )
        return list(kubernetes.call("DiffConfig", request).replaces)

    one, two = (kubeconfig(f"https://{name}.sandbox.invalid") for name in ("one", "two"))
    assert replaces(one, two) == ["kubeconfig"]
    assert replaces(one, one.replace('"u"', '"v"')) == []
    assert replaces(one, UNKNOWN) == []
