"""Custom kinds, served: those that outlay applies, and those that controllers would bring."""

from __future__ import annotations

from outlay.serving import schemas
from tests.cluster.api import Api, condition, refusals, wait_until


def establish(api: Api) -> None:
    """Apply every definition and wait until its kind is served."""
    bodies = [schemas.definition(file) for file in schemas.DEFINITIONS.values()]
    refused = list(refusals(api, bodies, dry_run=False))
    assert not refused, refused

    def served() -> bool:
        conditions = [condition(api.get(body).body, "Established") for body in bodies]
        return all(found.get("status") == "True" for found in conditions)

    wait_until(served, what="definitions", timeout_s=60)
