"""One control plane for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.api import Api
from tests.cluster.definitions import establish
from tests.cluster.plane import ControlPlane
from tests.cluster.world import World


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A running control plane; stopped although tests fail."""
    made = ControlPlane(tmp_path_factory.mktemp("plane"))
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def api(plane: ControlPlane) -> Iterator[Api]:
    """A connection to it, with every kind served that outlay renders."""
    made = Api(plane.login)
    establish(made)
    yield made
    made.close()


@pytest.fixture
def world(api: Api) -> Iterator[World]:
    """A cluster without nodes and workloads; emptied again after the test."""
    made = World(api)
    made.prepare()
    yield made
    made.clear()
