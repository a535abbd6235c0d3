"""Check rendered objects before anything is declared: schema, endpoint picker configuration, twins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from outlay.catalog.llm_d import LLM_D, Release
from outlay.errors import RenderError
from outlay.serving import epp, schemas
from outlay.serving.lint import whole_number_faults
from outlay.serving.objects import KubeObject
from outlay.serving.versions import KUBERNETES
from outlay.serving.yaml_text import parse_documents

if TYPE_CHECKING:
    from jsonschema import ValidationError

SHOWN = 10


def check(objects: Sequence[KubeObject], *, release: Release = LLM_D) -> None:
    """Check all objects of one cluster, the endpoint pickers' configurations by that llm-d line.

    Raises:
        RenderError: lists every fault with its template, object and path.
    """
    faults = [*_twins(objects), *(fault for item in objects for fault in _faults(item, release))]
    if faults:
        shown = [f"  {fault}" for fault in faults[:SHOWN]]
        if len(faults) > SHOWN:
            shown.append(f"  and {len(faults) - SHOWN} more")
        raise RenderError(
            "\n".join(
                ["the rendered objects are not valid; correct the templates named here:", *shown]
            )
        )


def _twins(objects: Iterable[KubeObject]) -> Iterator[str]:
    seen: dict[tuple[str, str], str] = {}
    for item in objects:
        key = (item.api_version, item.identity)
        if key in seen:
            yield f"{item.template}: {item.identity}: also rendered by {seen[key]}"
        seen.setdefault(key, item.template)


def _faults(item: KubeObject, release: Release) -> Iterator[str]:
    # Definitions are upstream's own files, checked by the tests and by the API server.
    if item.kind == "CustomResourceDefinition":
        return
    validator = schemas.validator(item.api_version, item.kind)
    if validator is None:
        yield (
            f"{item.template}: {item.identity}: no schema for {item.api_version} {item.kind} in"
            f" Kubernetes {KUBERNETES} or serving/crds"
        )
        return
    for error in sorted(validator.iter_errors(item.body()), key=lambda e: list(map(str, e.path))):
        yield f"{item.template}: {item.identity}: {_path(error)}: {_message(error)}"
    for fault in whole_number_faults(item.body()):
        yield f"{item.template}: {item.identity}: {fault}"
    yield from _epp_faults(item, release)


def _path(error: ValidationError) -> str:
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path)
    return path.lstrip(".") or "(top level)"


def _message(error: ValidationError) -> str:
    # jsonschema puts the whole value into the text; a large one would bury the fault.
    text = error.message
    return text if len(text) <= 300 else f"{text[:150]} … {text[-100:]}"


def _epp_faults(item: KubeObject, release: Release) -> Iterator[str]:
    if item.kind != "ConfigMap":
        return
    for key, text in item.body().get("data", {}).items():
        if "kind: EndpointPickerConfig" in text:
            (config,) = parse_documents(text, source=f"{item.template}: {item.identity}: {key}")
            for fault in epp.faults(config, release=release):
                yield f"{item.template}: {item.identity}: data.{key}: {fault}"
