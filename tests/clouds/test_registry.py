"""Which package provisions a cluster, and that no other SDK is imported for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from outlay.catalog import PROVIDERS
from outlay.clouds import CloudOptions, provision
from outlay.clouds.registry import PACKAGES
from outlay.errors import InputError
from tests.clouds.builders import aws_cluster, gcp_cluster, plan
from tests.clouds.recorder import record

LOADED = "import sys; print(*sorted({m.partition('.')[0] for m in sys.modules if m.startswith('pulumi_')}))"


def loaded_after(program: str) -> set[str]:
    """Return the top-level Pulumi SDK packages that a program leaves imported."""
    done = subprocess.run(
        [sys.executable, "-c", f"{program}; {LOADED}"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_the_interface_imports_no_cloud_sdk() -> None:
    """What every program imports must not cost a cloud's SDK."""
    assert loaded_after("import outlay.clouds") == {"pulumi_kubernetes"}


def test_an_aws_cluster_imports_no_gcp() -> None:
    """A plan pays only for the providers in it, and for no network SDK of a second or more."""
    loaded = loaded_after("import outlay.clouds.aws")
    assert loaded == {"pulumi_aws", "pulumi_kubernetes"}


@pytest.mark.parametrize(
    ("package", "heavy"),
    [
        ("outlay.clouds.aws", "pulumi_aws.ec2._inputs"),
        ("outlay.clouds.gcp", "pulumi_gcp.compute._inputs"),
    ],
)
def test_the_slow_network_sdks_stay_out(package: str, heavy: str) -> None:
    """Seconds of import for a handful of network types are no fair price."""
    program = f"import {package}, sys; sys.exit('{heavy}' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_every_provider_has_a_package() -> None:
    """Whatever is compared can be provisioned."""
    assert set(PACKAGES) == {p.name for p in PROVIDERS}


def test_a_wrong_second_cluster_leaves_the_first_undeclared() -> None:
    """All that can be wrong is found before the first resource: half a plan is worse than none."""
    told: list[str] = []

    def program() -> None:
        both = plan(aws_cluster(), gcp_cluster())
        with pytest.raises(InputError) as error:
            provision(both, options=CloudOptions())
        told.append(str(error.value))

    recorded = record(program)
    assert "gcp:project" in told[0]
    assert recorded.resources == ()
