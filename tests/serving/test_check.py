"""Faults are found before anything is declared, and named by template, object and path."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # the package has no types
import pytest

from outlay.errors import RenderError
from outlay.serving import render, schemas
from outlay.serving.check import check
from outlay.serving.objects import KubeObject
from outlay.serving.versions import KUBERNETES
from tests.serving import builders, find

MANIFESTS = render.render(builders.two_cloud_plan())
BUILT_IN = [
    (cluster.cluster, item)
    for cluster, item in find.every(MANIFESTS)
    if schemas.validator(item.api_version, item.kind) is not None
    and item.kind not in ("InferencePool", "PodMonitor")
]


def test_every_rendered_object_passes_the_package_s_own_strict_check() -> None:
    """Definitions included; our cached validators must agree with kubernetes-validate itself."""
    for _, item in BUILT_IN:
        assert kubernetes_validate.validate(item.body(), KUBERNETES, strict=True) == KUBERNETES
    kinds = {item.kind for _, item in find.every(MANIFESTS)}
    assert kinds - {item.kind for _, item in BUILT_IN} == {"InferencePool", "PodMonitor"}


def broken(kind: str, change: Callable[[dict[str, Any]], object]) -> KubeObject:
    """Return a rendered object of that kind after a change."""
    item = next(item for _, item in find.every(MANIFESTS) if item.kind == kind)
    body = item.body()
    change(body)
    return KubeObject.of(body, template=item.template)


def container(body: dict[str, Any]) -> dict[str, Any]:
    """Return the first container of a Deployment."""
    first: dict[str, Any] = find.pod(body)["containers"][0]
    return first


FAULTS: dict[str, tuple[KubeObject, str]] = {
    "unknown field": (
        broken("Deployment", lambda b: b["spec"].update(replicaz=2)),
        (
            "templates/llm-d/model-server.yaml.j2: Deployment"
            " llm-d/llama-3-1-8b-l4-on-demand-tp1-bf16: spec: Additional properties are not allowed"
            " ('replicaz' was unexpected)"
        ),
    ),
    "wrong type": (
        broken("Deployment", lambda b: b["spec"].update(replicas="two")),
        (
            "templates/llm-d/model-server.yaml.j2: Deployment"
            " llm-d/llama-3-1-8b-l4-on-demand-tp1-bf16: spec.replicas: 'two' is not of type"
            " 'integer', 'null'"
        ),
    ),
    "wrong type in a list": (
        broken("Deployment", lambda b: container(b)["ports"][0].update(containerPort="http")),
        (
            "templates/llm-d/model-server.yaml.j2: Deployment"
            " llm-d/llama-3-1-8b-l4-on-demand-tp1-bf16:"
            " spec.template.spec.containers[0].ports[0].containerPort: 'http' is not of type 'integer'"
        ),
    ),
    "missing field": (
        broken("Deployment", lambda b: b["spec"].pop("selector")),
        (
            "templates/llm-d/model-server.yaml.j2: Deployment"
            " llm-d/llama-3-1-8b-l4-on-demand-tp1-bf16: spec: 'selector' is a required property"
        ),
    ),
    "value that the definition's list lacks": (
        broken(
            "InferencePool",
            lambda b: b["spec"]["endpointPickerRef"].update(failureMode="FailClosed"),
        ),
        (
            "templates/llm-d/router.yaml.j2: InferencePool llm-d/llama-3-1-8b:"
            " spec.endpointPickerRef.failureMode: 'FailClosed' is not one of ['FailOpen', 'FailClose']"
        ),
    ),
    "unknown field of a custom kind": (
        broken("InferencePool", lambda b: b["spec"].update(targetPort=8000)),
        (
            "templates/llm-d/router.yaml.j2: InferencePool llm-d/llama-3-1-8b: spec:"
            " Additional properties are not allowed ('targetPort' was unexpected)"
        ),
    ),
    "missing field of a custom kind": (
        broken("InferencePool", lambda b: b["spec"].pop("endpointPickerRef")),
        (
            "templates/llm-d/router.yaml.j2: InferencePool llm-d/llama-3-1-8b: spec:"
            " 'endpointPickerRef' is a required property"
        ),
    ),
    "unknown field of a PodMonitor": (
        broken("PodMonitor", lambda b: b["spec"]["podMetricsEndpoints"][0].update(pathh="/m")),
        (
            "templates/llm-d/monitoring.yaml.j2: PodMonitor llm-d/llama-3-1-8b-model-server:"
            " spec.podMetricsEndpoints[0]: Additional properties are not allowed ('pathh' was"
            " unexpected)"
        ),
    ),
    "kind that nobody knows": (
        broken(
            "Service",
            lambda b: b.update(apiVersion="inference.llm-d.io/v1alpha1", kind="LLMDeployment"),
        ),
        (
            "templates/llm-d/router.yaml.j2: LLMDeployment llm-d/llama-3-1-8b-epp: no schema for"
            " inference.llm-d.io/v1alpha1 LLMDeployment in Kubernetes 1.34 or serving/crds"
        ),
    ),
    "picker configuration": (
        broken(
            "ConfigMap",
            lambda b: b["data"].update(
                {"epp-config.yaml": b["data"]["epp-config.yaml"].replace("token-load", "tokenload")}
            ),
        ),
        (
            "templates/llm-d/router.yaml.j2: ConfigMap llm-d/llama-3-1-8b-epp: data.epp-config.yaml:"
            " plugins[3].type: unknown plugin 'tokenload-scorer'"
        ),
    ),
}


@pytest.mark.parametrize(("item", "fault"), FAULTS.values(), ids=FAULTS.keys())
def test_a_broken_object_is_refused_naming_template_object_and_path(
    item: KubeObject, fault: str
) -> None:
    with pytest.raises(RenderError) as caught:
        check([item])
    assert str(caught.value).splitlines()[1:] == [f"  {fault}"]


def test_all_faults_come_at_once() -> None:
    items = [item for item, _ in FAULTS.values()]
    with pytest.raises(RenderError) as caught:
        check(items[:1] + items[4:5])
    assert len(str(caught.value).splitlines()) == 3


def test_twins_are_refused() -> None:
    item = MANIFESTS[0].objects[-1]
    with pytest.raises(RenderError, match=r"also rendered by templates/llm-d/monitoring\.yaml\.j2"):
        check([item, item])


# --- templates ---------------------------------------------------------------------------------


@pytest.fixture
def one_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that makes cluster.yaml.j2 of a text; the other templates are gone."""

    def put(text: str) -> None:
        (tmp_path / "cluster.yaml.j2").write_text(text)
        monkeypatch.setattr(render, "TEMPLATES", tmp_path)

    return put


EMPTY = builders.plan(clusters=(builders.cluster(placements=()),))
BROKEN_TEMPLATES = {
    "undefined name": ("a: {{ nothing }}", "'nothing' is undefined"),
    "undefined field": (
        "a: {{ cluster.nothing }}",
        "'outlay.serving.context.ClusterContext object' has no attribute 'nothing'",
    ),
    "undefined name in a filter": ("a: {{ nothing | q }}", "'nothing' is undefined"),
    "undefined name in a condition": ("{% if nothing %}a: 1{% endif %}", "'nothing' is undefined"),
    "missing include": ('{% include "gone.j2" %}', "'gone.j2' not found in search path"),
    "no YAML": (
        "a: [1",
        "not readable as YAML: did not find expected ',' or ']' (rendered line 2)",
    ),
    "key given twice": (
        "a: 1\na: 2",
        "not readable as YAML: key 'a' is given twice (rendered line 2)",
    ),
    "a list": ("- 1", "a document is list, not an object"),
    "no kind": ("apiVersion: v1", "a document has no apiVersion, kind or metadata.name"),
}


@pytest.mark.parametrize(
    ("text", "problem"), BROKEN_TEMPLATES.values(), ids=BROKEN_TEMPLATES.keys()
)
def test_a_broken_template_is_named(
    text: str, problem: str, one_template: Callable[[str], None]
) -> None:
    one_template(text)
    with pytest.raises(RenderError) as caught:
        render.render(EMPTY)
    assert str(caught.value).startswith("templates/llm-d/cluster.yaml.j2: ")
    assert problem in str(caught.value)


def test_a_syntax_error_is_named_with_its_line(one_template: Callable[[str], None]) -> None:
    one_template("a: 1\n{% if %}")
    with pytest.raises(RenderError, match=r"^templates/llm-d/cluster.yaml.j2, line 2: Expected"):
        render.render(EMPTY)


def test_a_missing_template_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "TEMPLATES", tmp_path)
    with pytest.raises(
        RenderError, match=r"^templates/llm-d/cluster.yaml.j2: 'cluster.yaml.j2' not"
    ):
        render.render(EMPTY)


@pytest.mark.parametrize(
    "value", ["a: b", "yes", "1e3", '"', "# no", "a\nb", "{{ x }}", "é", "\u2028"]
)
def test_values_survive_quoting(value: str, one_template: Callable[[str], None]) -> None:
    """No text of a plan can change the shape of an object."""
    one_template(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: {{ cluster.name | q }}}"
    )
    plan = builders.plan(clusters=(builders.cluster(placements=(), name=value),))
    assert find.bodies(render.render(plan), "ConfigMap")[0]["data"] == {"k": value}


# --- conversion of definitions -----------------------------------------------------------------


def test_conversion_of_a_structural_schema() -> None:
    structural = {
        "type": "object",
        "description": "text",
        "properties": {
            "spec": {
                "type": "object",
                "required": ["a", "b"],
                "properties": {
                    "a": {"type": "string", "default": "x", "format": "date"},
                    "b": {"x-kubernetes-int-or-string": True},
                    "c": {"type": "integer", "nullable": True},
                    "d": {"type": "array", "items": {"type": "object", "properties": {}}},
                    "e": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                        "properties": {},
                    },
                },
            }
        },
    }
    before = copy.deepcopy(structural)
    assert schemas.json_schema(structural) == {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "metadata": {"type": "object"},
            "apiVersion": {},
            "kind": {},
            "spec": {
                "type": "object",
                "additionalProperties": False,
                "required": ["b"],
                "properties": {
                    "a": {"type": "string"},
                    "b": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
                    "c": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                    "d": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {},
                        },
                    },
                    "e": {"type": "object", "properties": {}},
                },
            },
        },
    }
    assert structural == before
