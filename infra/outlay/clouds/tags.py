"""Cost tags: whose money a resource spends, and how to find one that Pulumi has lost."""

from __future__ import annotations

from outlay.planning.plan import Plan

PROJECT_TAG = "outlay:project"
STACK_TAG = "outlay:stack"


def cost_tags(plan: Plan) -> dict[str, str]:
    """Return the tags of everything taggable; project and stack win over the user's own."""
    return {**dict(plan.tags), PROJECT_TAG: plan.project, STACK_TAG: plan.stack}
