"""Ways that no policy pack can see: each with the reason, and what helps instead."""

from __future__ import annotations

from tests.engine.evasion.tricks import Beyond

AUDIT = "`outlay audit` every night, a budget alarm of the cloud"
BEYOND = (
    Beyond(
        tries="Run `pulumi` without `--policy-pack`",
        why="Then nothing of the pack runs. The program still holds its own plan to the budget",
        instead="Give write access to the cloud to the pipeline alone",
    ),
    Beyond(
        tries='Disable rules in the pack\'s configuration (`"all": "disabled"`)',
        why="The engine does not call a disabled rule",
        instead="Keep that file out of the repository, or let code owners approve it",
    ),
    Beyond(
        tries="Edit `policies/` in the same change, and run that pack",
        why="Whoever may change the judge needs no trick",
        instead="Run the pack of a checkout of the base: its own rules and prices judge the change",
    ),
    Beyond(
        tries="A second stack, with a budget of its own",
        why="A pack sees one stack",
        instead="A budget variable for each stack's job; `outlay cost` over all stacks",
    ),
    Beyond(
        tries="Buy in the console, by a script, or by API calls of the program itself",
        why="The engine never hears of it",
        instead=AUDIT,
    ),
    Beyond(
        tries="A pod or a cloud function with credentials that buys",
        why="What runs in a container is text to a pack",
        instead="Least rights for workloads; " + AUDIT,
    ),
    Beyond(
        tries="`retain_on_delete` or `pulumi state delete`, then remove it from the program",
        why="It stays on the bill, and neither program nor state has it any more; the SDK does not"
        " tell a pack of the option",
        instead="`outlay diff` notes it; `outlay actuals` against the bill",
    ),
    Beyond(
        tries="Change the size of a pool outside Pulumi, hidden by `ignore_changes`",
        why="Program and state still say the old size",
        instead="`pulumi refresh` before the audit; the pool's maximum is counted as worst case",
    ),
    Beyond(
        tries="Usage: egress, requests, stored bytes, log volume",
        why="No declaration says how much",
        instead="`outlay plan` and `outlay cost --planned` count the plan's own; `outlay actuals`",
    ),
    Beyond(
        tries="Surge nodes of an upgrade, two pools during a replacement",
        why="They live for minutes to hours and are in no declaration",
        instead="Leave room between spend and budget: `budget-alert`",
    ),
    Beyond(
        tries="Public addresses that a subnet gives to its nodes",
        why="Neither the pool nor the instance says it",
        instead="Private subnets, as outlay's own networks have",
    ),
    Beyond(
        tries="Name a dear launch template outside the stack, and declare a cheap one of that name for"
        " another region",
        why="Templates are found by name; what stands in the account is not seen",
        instead="instanceTypes on the pool itself, as outlay's own pools have",
    ),
    Beyond(
        tries="An image with a paid licence on an instance",
        why="An image's id does not tell its licence",
        instead="Allow images by account, in the cloud's own policies",
    ),
    Beyond(
        tries="A provider plugin that does something else than its inputs say",
        why="A pack judges inputs; a plugin is a program",
        instead="Pinned plugins, in an image of the pipeline",
    ),
)
