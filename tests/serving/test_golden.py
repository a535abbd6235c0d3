"""Rendering the same plan gives the committed files, byte for byte.

After a deliberate change: `OUTLAY_UPDATE_GOLDEN=1 pytest tests/serving/test_golden.py`, look at the
diff, and run again without it (the updating run always fails, so that it cannot pass unnoticed).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from outlay.serving.objects import ClusterManifests
from outlay.serving.render import render
from outlay.serving.write import file_text
from tests.serving import builders, patterns

GOLDEN = Path(__file__).parent / "golden"
MANIFESTS = render(builders.two_cloud_plan(), hf_token=True)
PATTERNS = GOLDEN / "patterns"
# One of each; the others are variants of these.
READ = (
    "precise",
    "offload",
    "gateway",
    "two-models",
    "kserve",
    "scaled",
    "alerts",
    "priorities",
    "split",
    "wide",
    "fallback",
)


def text(manifests: ClusterManifests) -> str:
    """Return all objects as one YAML text; definitions, which are upstream's files, by name only."""
    return "---\n".join(
        f"# {item.identity}\n"
        if item.kind == "CustomResourceDefinition"
        else f"# {item.identity}\n{file_text(item)}"
        for item in manifests.objects
    )


@pytest.mark.parametrize("manifests", MANIFESTS, ids=lambda m: m.cluster)
def test_rendered_text_is_the_committed_one(manifests: ClusterManifests) -> None:
    golden = GOLDEN / f"{manifests.cluster}.yaml"
    if os.environ.get("OUTLAY_UPDATE_GOLDEN"):
        golden.write_text(text(manifests), encoding="utf-8")
        pytest.fail(f"{golden.name} was rewritten; look at the diff and run again without updating")
    assert text(manifests) == golden.read_text(encoding="utf-8")


def own_part(name: str) -> str:
    """Return what a pattern renders otherwise than the plain aggregated plan does on AWS."""
    plain = {
        item.identity: item.body() for item in patterns.pattern("plain", "aws").render().objects
    }
    return "---\n".join(
        f"# {item.identity}\n{file_text(item)}"
        for item in patterns.pattern(name, "aws").render().objects
        if plain.get(item.identity) != item.body()
    )


@pytest.mark.parametrize("name", READ)
def test_a_pattern_differs_from_the_plain_one_as_committed(name: str) -> None:
    """Small enough to be read: what is the same as in the plain plan is left out."""
    golden = PATTERNS / f"{name}.yaml"
    if os.environ.get("OUTLAY_UPDATE_GOLDEN"):
        PATTERNS.mkdir(exist_ok=True)
        golden.write_text(own_part(name), encoding="utf-8")
        pytest.fail(f"{golden.name} was rewritten; look at the diff and run again without updating")
    assert own_part(name) == golden.read_text(encoding="utf-8")


def test_there_is_no_golden_file_too_many() -> None:
    files = {file.name for file in GOLDEN.glob("*.yaml")}
    assert {f"{m.cluster}.yaml" for m in MANIFESTS} == files
    assert {f"{name}.yaml" for name in READ} == {f.name for f in PATTERNS.iterdir()}


def test_same_plan_same_objects() -> None:
    assert render(builders.two_cloud_plan(), hf_token=True) == MANIFESTS
