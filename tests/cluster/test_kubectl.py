"""`outlay render` writes a tree that `kubectl apply -k` takes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from outlay.serving.render import render
from outlay.serving.write import write
from tests.cluster.api import MANAGER
from tests.cluster.plane import LAYOUT, ControlPlane
from tests.cluster.world import World
from tests.serving import builders
from tools.cluster.fetch import kubectl

pytestmark = pytest.mark.cluster


def test_kubectl_applies_the_rendered_tree(
    plane: ControlPlane, world: World, tmp_path: Path
) -> None:
    """Every object is applied, and a second time nothing is left to change."""
    manifests = render(builders.two_cloud_plan(), hf_token=True)
    write(manifests, tmp_path)
    world.namespaces.add("llm-d")
    for one in manifests:
        command: list[str | Path] = [
            kubectl(LAYOUT),
            f"--kubeconfig={plane.kubeconfig}",
            "apply",
            "--server-side",
            # Other tests have applied objects of these names as the same manager.
            f"--field-manager={MANAGER}",
            "--force-conflicts",
            "--validate=strict",
            "-k",
            tmp_path / one.cluster,
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("serverside-applied") == len(one.objects)
        again = subprocess.run(
            [
                *command[:2],
                "diff",
                "--server-side",
                f"--field-manager={MANAGER}",
                "-k",
                tmp_path / one.cluster,
            ],
            check=False,
            capture_output=True,
            text=True,
        )
        assert (again.returncode, again.stdout) == (0, "")
