"""Each provider alone on the real engine: bought, unchanged, given back."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.install import install_plugins
from sandbox.ledger import Ledger
from tests.engine.conftest import OPTIONS, PROJECT_FILE, MakeStack
from tests.engine.harness import Project, copy_project
from tools.setup.layout import REPOSITORY
from tools.setup.record import Engine

pytestmark = [pytest.mark.engine, pytest.mark.slow]

ADMIN = "11111111-2222-3333-4444-555555555555"
BASE: Mapping[str, Any] = {
    "outlay:model": "llama-3.1-8b",
    "outlay:targetRps": "10",
    "outlay:environment": "dev",
    "outlay:budgetUsdPerMonth": "100000",
}
# What a stack says of its account, for the providers that need it.
ACCOUNTS: Mapping[str, Mapping[str, str]] = {
    "azure": {"azure:adminObjectId": ADMIN},
    "coreweave": {},
    "lambda": {"lambda:region": "us-west-1", "lambda:sshKeyName": "mine"},
}

FIVE = """\
import sys

sys.path.insert(0, "{repository}")

from outlay.clouds import CloudOptions, provision
from tests.clouds import builders

clusters = (
    builders.aws_cluster(),
    builders.gcp_cluster(),
    builders.azure_cluster(pools=(builders.azure_pool(),)),
    builders.coreweave_cluster(),
    builders.lambda_cluster(),
)
options = CloudOptions(
    gcp_project="mine",
    azure_admin_object_id="11111111-2222-3333-4444-555555555555",
    lambda_region="us-west-1",
    lambda_ssh_key="mine",
)
provision(builders.plan(*clusters), options=options)
"""


def settings(provider: str, **more: Any) -> str:
    """Return the settings of a stack on one provider."""
    own = {"outlay:providers": [provider], **ACCOUNTS[provider], **more}
    return yaml.safe_dump({"config": {**BASE, **own}})


@contextmanager
def lambda_api(project: Project) -> Iterator[dict[str, str]]:
    """Run Lambda's API on a project's ledger; yield the variables that lead to it."""
    api = project.sandbox.start_lambda(Path(sys.executable))
    try:
        yield api.environment
    finally:
        api.process.terminate()
        api.process.wait(timeout=10)


@pytest.mark.parametrize("provider", ACCOUNTS)
def test_a_stack_is_bought_stays_as_it_is_and_is_given_back(
    provider: str, stack_project: MakeStack
) -> None:
    """One `up` makes all, a second changes nothing, nothing is left behind."""
    project = stack_project(settings(provider))
    with lambda_api(project) as env:
        made = project.up(env=env).ok().changes()
        again = project.up(env=env).ok().changes()
        assert again == {"same": made["create"]}
        assert project.destroy(env=env).ok().changes() == {"delete": made["create"]}
    assert Ledger(project.sandbox.ledger).records() == []


def test_lambda_heals_after_a_want_of_capacity_and_keeps_its_secrets(
    stack_project: MakeStack,
) -> None:
    """The next `up` makes what is missing; no key, token or private key lies open in the state."""
    project = stack_project(settings("lambda"))
    ledger = Ledger(project.sandbox.ledger)
    ledger.add_fault(
        operation="create", match="lambda:instance", kind="capacity", message="", seconds=0, times=1
    )
    with lambda_api(project) as env:
        own = env | {"LAMBDA_API_KEY": "only-in-the-environment"}
        failed = project.up(env=own)
        assert failed.code != 0
        assert "insufficient-capacity" in failed.text
        project.up(env=own).ok()
        assert len(ledger.records("lambda:instance")) == 1
        written = [path.read_text() for path in project.sandbox.state.rglob("*.json")]
        project.destroy(env=own).ok()
    assert written
    for text in (*written, failed.text):
        assert "only-in-the-environment" not in text
        assert "PRIVATE KEY" not in text
        assert "K3S_TOKEN" not in text
    assert ledger.records() == []


def test_a_stack_spans_all_five_providers(engine: Engine, tmp_path: Path) -> None:
    """One `up` makes five clusters, one `destroy` leaves none."""
    source = tmp_path / "source"
    (source / "infra").mkdir(parents=True)
    (source / "Pulumi.yaml").write_text(PROJECT_FILE.format(options=OPTIONS))
    (source / "infra" / "__main__.py").write_text(FIVE.format(repository=REPOSITORY))
    project = copy_project(
        source,
        home=tmp_path,
        engine=engine.bin,
        stack="dev",
        plugins=False,
        settings="config: {}\n",
    )
    install_plugins(project.sandbox.plugins, python=Path(sys.executable))
    ledger = Ledger(project.sandbox.ledger)
    with lambda_api(project) as env:
        project.preview(env=env).ok()
        made = project.up(env=env).ok().changes()
        packages = {record.package for record in ledger.records()}
        assert packages == {"aws", "gcp", "azure-native", "coreweave", "lambda", "kubernetes"}
        assert project.up(env=env).ok().changes() == {"same": made["create"]}
        project.destroy(env=env).ok()
    assert ledger.records() == []
