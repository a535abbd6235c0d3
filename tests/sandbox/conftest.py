"""Running plugins, each test on a ledger of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.install import install_plugins
from sandbox.ledger import Ledger
from tests.sandbox.client import Plugin, executable, running


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plugin folder as the engine looks into it."""
    folder = tmp_path_factory.mktemp("home") / "plugins"
    install_plugins(folder, python=Path(sys.executable))
    return folder


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    """Where the test's ledger lies."""
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(ledger_file: Path) -> Ledger:
    """The test's ledger, to look into and to plan failures in."""
    return Ledger(ledger_file)


@pytest.fixture
def aws(plugins: Path, ledger_file: Path) -> Iterator[Plugin]:
    """The AWS plugin, configured for us-west-2."""
    with running(executable(plugins, "aws"), ledger=ledger_file) as plugin:
        plugin.configure(region="us-west-2")
        yield plugin


@pytest.fixture
def gcp(plugins: Path, ledger_file: Path) -> Iterator[Plugin]:
    """The Google Cloud plugin, configured for a project and us-central1."""
    with running(executable(plugins, "gcp"), ledger=ledger_file) as plugin:
        plugin.configure(project="sandbox-project", region="us-central1")
        yield plugin


@pytest.fixture
def azure(plugins: Path, ledger_file: Path) -> Iterator[Plugin]:
    """The Azure plugin, configured for eastus."""
    with running(executable(plugins, "azure-native"), ledger=ledger_file) as plugin:
        plugin.configure(location="eastus")
        yield plugin


@pytest.fixture
def coreweave(plugins: Path, ledger_file: Path) -> Iterator[Plugin]:
    """The CoreWeave plugin."""
    with running(executable(plugins, "coreweave"), ledger=ledger_file) as plugin:
        plugin.configure()
        yield plugin


@pytest.fixture
def kubernetes(plugins: Path, ledger_file: Path) -> Iterator[Plugin]:
    """The Kubernetes plugin on the sandbox's own cluster."""
    with running(executable(plugins, "kubernetes"), ledger=ledger_file) as plugin:
        plugin.configure()
        yield plugin


@pytest.fixture(scope="module")
def aws_checks(plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """An AWS plugin that many tests share, for those that make nothing."""
    ledger_file = tmp_path_factory.mktemp("aws") / "ledger.db"
    with running(executable(plugins, "aws"), ledger=ledger_file) as plugin:
        plugin.configure(region="us-west-2")
        yield plugin


@pytest.fixture(scope="module")
def gcp_checks(plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """A Google Cloud plugin that many tests share, for those that make nothing."""
    ledger_file = tmp_path_factory.mktemp("gcp") / "ledger.db"
    with running(executable(plugins, "gcp"), ledger=ledger_file) as plugin:
        plugin.configure(project="sandbox-project", region="us-central1")
        yield plugin


@pytest.fixture(scope="module")
def azure_checks(plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """An Azure plugin that many tests share, for those that make nothing."""
    ledger_file = tmp_path_factory.mktemp("azure") / "ledger.db"
    with running(executable(plugins, "azure-native"), ledger=ledger_file) as plugin:
        plugin.configure(location="eastus")
        yield plugin
