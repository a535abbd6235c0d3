"""What every rule of the pack says and refuses alike."""

from __future__ import annotations

from policies.machines import LARGEST_POOL
from tests.policies.resources import NODE_GROUP, ask, declared, pool


def test_a_violation_ends_with_what_to_do() -> None:
    found = ask(LARGEST_POOL, [declared(NODE_GROUP, "gpu", pool(nodes=1.0, most=99.0))])
    assert found.messages == ["the pool may reach 99 nodes; one pool may have 64."]
    assert found.ways_out == [LARGEST_POOL.remedy]


def test_a_broken_option_is_not_answered_with_the_rules_own_way_out() -> None:
    """Smaller pools would not mend a typing error in the configuration."""
    found = ask(
        LARGEST_POOL, [declared(NODE_GROUP, "gpu", pool(nodes=1.0))], config={"maxNodes": "many"}
    )
    assert found.messages == ["maxNodes must be a whole number, got 'many'"]
    assert found.ways_out == [""]
