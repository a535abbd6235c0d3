"""Render a Plan into checked Kubernetes objects, cluster by cluster."""

from __future__ import annotations

import hashlib
import json
import sysconfig
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outlay.errors import RenderError
from outlay.planning.plan import Plan
from outlay.serving.check import check
from outlay.serving.clusters import cluster_contexts
from outlay.serving.context import ClusterContext, WorkloadContext
from outlay.serving.dashboard import dashboard
from outlay.serving.objects import ClusterManifests, KubeObject
from outlay.serving.yaml_text import parse_documents
from outlay.settings.serving import Router, ServingSettings, Target

if TYPE_CHECKING:
    from jinja2 import Environment

CHECKOUT = Path(__file__).resolve().parents[3]
# Where a wheel puts them; see pyproject.toml.
INSTALLED = Path(sysconfig.get_path("data")) / "share" / "outlay"
TEMPLATES = (CHECKOUT if (CHECKOUT / "templates").is_dir() else INSTALLED) / "templates" / "llm-d"
CRDS = Path(__file__).resolve().parent / "crds"
# Applied everywhere, except the first where the provider installs it.
INFERENCE_POOL_CRD = "inferencepools.yaml"
CRD_FILES = (
    INFERENCE_POOL_CRD,
    "inferenceobjectives.yaml",
    "inferencemodelrewrites.yaml",
    "podmonitors.yaml",
    "prometheusrules.yaml",
)
_HASH_LENGTH = 16


def render(
    plan: Plan, *, serving: ServingSettings | None = None, hf_token: bool = False
) -> tuple[ClusterManifests, ...]:
    """Return the checked objects of every cluster of the plan, those that others need first.

    `serving` says how the models are served; everything in it has a default. With `hf_token`, model
    servers wait for the Secret that holds the token; the caller makes it.

    Raises:
        RenderError: the plan, a template or a rendered object is wrong; names which and where.
    """
    contexts = cluster_contexts(plan, serving=serving or ServingSettings(), hf_token=hf_token)
    return tuple(_cluster(context) for context in contexts)


def _cluster(context: ClusterContext) -> ClusterManifests:
    objects = [*_definitions(context), *_render("cluster.yaml.j2", cluster=context)]
    make = _kserve if context.serving.target is Target.KSERVE else _workload
    for workload in context.workloads:
        objects += make(workload)
    if context.serving.router is not Router.STANDALONE:
        objects += _render("gateway.yaml.j2", cluster=context)
    if context.serving.alerts:
        drawn = dashboard(context.name)
        objects += _render(
            "prices.yaml.j2", cluster=context, prices=context.prices, dashboard=drawn
        )
    # Stable: inside each group the order of the templates stays.
    objects.sort(key=lambda item: not item.is_base)
    check(objects, release=context.release)
    return ClusterManifests(cluster=context.name, provider=context.provider, objects=tuple(objects))


def _definitions(context: ClusterContext) -> Iterator[KubeObject]:
    for file in CRD_FILES:
        if not (file == INFERENCE_POOL_CRD and context.installs_inference_pool):
            yield _definition(file)


@cache
def _definition(file: str) -> KubeObject:
    (body,) = parse_documents((CRDS / file).read_text(encoding="utf-8"), source=f"crds/{file}")
    return KubeObject.of(body, template=f"crds/{file}")


def _workload(workload: WorkloadContext) -> list[KubeObject]:
    epp_config = _text(f"epp/{_picking(workload)}.yaml.j2", workload=workload)
    standalone = workload.serving.router is Router.STANDALONE
    envoy_config = _text("envoy.yaml.j2", workload=workload) if standalone else ""
    return [
        *_render("model-server.yaml.j2", workload=workload),
        *_render(
            "router.yaml.j2",
            workload=workload,
            epp_config=epp_config,
            envoy_config=envoy_config,
            config_hash=_digest(epp_config, envoy_config),
        ),
        *_render("monitoring.yaml.j2", workload=workload),
        *_render("autoscaling.yaml.j2", workload=workload),
        *_render("objectives.yaml.j2", workload=workload),
        *(_render("alerts.yaml.j2", workload=workload) if workload.serving.alerts else ()),
    ]


def _picking(workload: WorkloadContext) -> str:
    return "split" if workload.is_split else str(workload.serving.routing)


def _kserve(workload: WorkloadContext) -> list[KubeObject]:
    return _render("kserve.yaml.j2", workload=workload)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:_HASH_LENGTH]


def _render(template: str, **values: object) -> list[KubeObject]:
    source = f"templates/llm-d/{template}"
    bodies = parse_documents(_text(template, **values), source=source)
    return [_object(body, source=source) for body in bodies]


def _object(body: dict[str, Any], *, source: str) -> KubeObject:
    try:
        return KubeObject.of(body, template=source)
    except (KeyError, TypeError):
        raise RenderError(
            f"{source}: a document has no apiVersion, kind or metadata.name; every object needs them"
        ) from None


def _text(template: str, **values: object) -> str:
    from jinja2 import TemplateError, TemplateSyntaxError  # noqa: PLC0415 - costs 60 ms, only rendering needs it

    try:
        return environment(TEMPLATES).get_template(template).render(values)
    except TemplateSyntaxError as error:
        raise RenderError(
            f"templates/llm-d/{error.name or template}, line {error.lineno}: {error.message}"
        ) from error
    except TemplateError as error:
        raise RenderError(f"templates/llm-d/{template}: {error.message or error}") from error


@cache
def environment(folder: Path) -> Environment:
    """Return a Jinja environment in which an undefined name is an error and `q` quotes a value."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - as above

    made = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the output is YAML, where `q` quotes
    )
    made.filters["q"] = _quoted(made)
    made.policies["json.dumps_kwargs"] = {"sort_keys": True, "ensure_ascii": False}
    return made


def _quoted(environment: Environment) -> Callable[[Any], str]:
    def quoted(value: Any) -> str:
        """Return a value as JSON, which YAML reads as that value and nothing else."""
        # Jinja hands undefined names to filters; this is its own way to make them an error.
        if isinstance(value, environment.undefined):
            value._fail_with_undefined_error()
        return json.dumps(value, ensure_ascii=False)

    return quoted
