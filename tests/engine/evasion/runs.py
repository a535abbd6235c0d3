"""Ways around a budget that lie in settings, flags and the order of commands: each is a test of its own."""

from __future__ import annotations

from tests.engine.evasion.tricks import Run

STEP = "`budget-at-each-step`: what goes over the budget is not made"
RUNNER = "the runner's `OUTLAY_BUDGET_USD_PER_MONTH` counts for every budget rule"
SKIPPED = "test_skipping_the_preview_makes_nothing_over_the_budget"
RAISED = "test_a_raised_budget_and_a_laxer_environment_of_its_own"
PART = "test_a_part_of_the_stack_is_judged_with_the_rest"
STANDS = "test_what_stands_counts_however_it_is_declared"

RUNS = (
    Run(tries="`pulumi up --skip-preview`", answer=STEP, proof=SKIPPED),
    Run(
        tries="Five resources that each fit the budget, with `--skip-preview`",
        answer=STEP,
        proof=SKIPPED,
    ),
    Run(
        tries="A resource inside an `apply` of an unknown value, which no preview shows",
        answer=STEP,
        proof="test_what_a_preview_cannot_see_is_stopped_at_its_step",
    ),
    Run(tries="Raise the stack's own budget in the same change", answer=RUNNER, proof=RAISED),
    Run(
        tries="Raise it on the command line: `-c outlay:budgetUsdPerMonth=…`",
        answer=RUNNER,
        proof=RAISED,
    ),
    Run(
        tries="Call a stack of production dev, in its settings or by its name",
        answer="`environment-agrees`, with the runner's `OUTLAY_ENVIRONMENT`",
        proof=RAISED,
    ),
    Run(
        tries="Delete the budget",
        answer="`budget-required` outside dev; " + RUNNER,
        proof="test_no_budget_at_all_outside_dev",
    ),
    Run(
        tries="A budget in another currency (`3000 EUR`), negative, or no number",
        answer="`monthly-budget`: it must be an amount of USD above 0",
        proof="test_a_budget_that_is_no_amount_of_dollars",
    ),
    Run(
        tries="Settings under the prefix of a renamed project",
        answer="read like those under `outlay:`",
        proof=PART,
    ),
    Run(
        tries="A broken configuration of the pack, or one that misspells a rule",
        answer="engine or pack refuse it",
        proof="test_a_broken_configuration_of_the_pack",
    ),
    Run(
        tries="Loosen a rule in the stack's own file (`outlay:limits`), or misspell one there",
        answer="the pack's options hold beside it; `own-limits`",
        proof="test_a_stacks_own_limits_loosen_nothing_and_hide_no_typing_error",
    ),
    Run(
        tries="NaN or infinity as a count: neither is over any limit",
        answer="the engine refuses it",
        proof="test_numbers_that_are_none_end_the_preview",
    ),
    Run(
        tries="`--target` the new resource, with less declared elsewhere than stands",
        answer="counted with the rest as it stands",
        proof=PART,
    ),
    Run(tries="`--target-dependents`", answer="counted with the rest as it stands", proof=PART),
    Run(tries="`--exclude` the dear resource", answer="counted as it stands", proof=PART),
    Run(
        tries="Declare fewer nodes than stand and `ignore_changes` of the count",
        answer="counted as it stands",
        proof=STANDS,
    ),
    Run(
        tries="Rename what stands, with an alias",
        answer="counted once, as it stands",
        proof=STANDS,
    ),
    Run(
        tries="Adopt nodes that exist (`import_`) instead of making them",
        answer="counted in full",
        proof=STANDS,
    ),
    Run(tries="A count from another stack's outputs", answer="counted in full", proof=STANDS),
    Run(
        tries="Edit the price book in the same change",
        answer="counted at the prices of the base, where the base's pack judges",
        proof="test_prices_that_the_change_edits_do_not_judge_it",
    ),
)
