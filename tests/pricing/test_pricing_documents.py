"""Every document that Pulumi writes about a stack gives the same resources, or a clear refusal."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.errors import InputError
from outlay.pricing.documents import parse_document, read_document
from outlay.pricing.statement import Statement, Usage, state_costs
from tests.pricing.book import RATES
from tests.pricing.written import (
    Json,
    create,
    error,
    export,
    log,
    pool,
    provider,
    queue,
    same,
    state,
    steady,
    step,
)


def priced(text: str) -> Statement:
    return state_costs(parse_document(text, source="file"), rates=RATES)


def preview_json(*steps: Json, unchanged: int = 0, **more: object) -> str:
    document = {
        "config": {"aws:region": "us-east-1"},
        "steps": [
            {
                "op": (m := each["resourcePreEvent"]["metadata"])["op"],
                "urn": m["urn"],
                "oldState": m["old"],
                "newState": m["new"],
            }
            for each in steps
        ],
        "changeSummary": {"create": len(steps) - unchanged, "same": unchanged},
    }
    return json.dumps(document | more)


def test_a_state_an_event_log_and_a_preview_cost_the_same() -> None:
    """2 nodes of (0.80 + 0.10) an hour."""
    texts = (
        export(pool()),
        log([*same(provider()), *create(pool())]),
        preview_json(*create(provider(), pool())),
    )
    assert [priced(text).total.expected for text in texts] == [Decimal("1.80")] * 3


def test_an_autoscaled_pool_costs_a_range() -> None:
    total = priced(export(pool())).total
    assert (total.low, total.expected, total.high) == (Decimal(0), Decimal("1.80"), Decimal("9.00"))


def test_what_has_no_price_is_listed_and_not_in_the_total() -> None:
    statement = priced(export(steady(), queue()))
    assert statement.total.expected == Decimal("1.80")
    reasons = [(item.name, item.unpriced) for item in statement.unpriced]
    assert reasons == [("jobs", "no price rule for aws:sqs/queue:Queue")]


def test_components_and_what_is_only_read_cost_nothing() -> None:
    component = state("shop:index:Thing", "thing", custom=False, provider="")
    foreign = pool("foreign") | {"external": True}
    statement = priced(export(component, foreign))
    assert statement.total.expected == 0
    assert statement.unpriced == ()


def test_what_waits_for_its_deletion_still_costs() -> None:
    """A replaced pool that is still there is on the bill beside the new one."""
    statement = priced(export(steady(), steady() | {"delete": True}))
    assert statement.total.expected == Decimal("3.60")


def test_what_an_interrupted_update_may_have_made_is_unpriced() -> None:
    operations = [
        {"type": "creating", "resource": pool("half")},
        {"type": "deleting", "resource": pool("old")},
    ]
    statement = priced(export(pending=operations))
    assert [item.name for item in statement.unpriced] == ["half"]


def test_the_region_comes_from_the_default_provider_s_configuration() -> None:
    """The engine reports no default provider among its events."""
    bare = pool() | {"provider": "urn:pulumi:dev::shop::pulumi:providers:aws::default_7_51_1::id"}
    text = log(create(bare), config={"aws:region": "eu-west-1"})
    assert priced(text).total.expected == Decimal("2.00")
    assert priced(log(create(bare))).unpriced[0].unpriced is not None


def test_usage_counts_in_the_total() -> None:
    declared = parse_document(export(steady()), source="file")
    used = Usage(what="egress", cluster="one", usd_per_hour=Decimal("0.20"))
    assert state_costs(declared, rates=RATES, usage=(used,)).total.expected == Decimal("2.00")


def test_deletions_and_reads_are_not_planned() -> None:
    text = log([*same(provider()), step("delete", old=pool()), step("read", new=pool("seen"))])
    assert priced(text).items[1:] == ()


@pytest.mark.parametrize("empty", ['{"version":3,"deployment":null}', export()])
def test_an_empty_stack_costs_nothing(empty: str) -> None:
    assert priced(empty).total.expected == 0


def test_a_preview_that_hides_unchanged_resources_is_refused() -> None:
    """Without --show-sames the running pools are missing, and the sum would be too small."""
    text = preview_json(*create(pool()), unchanged=3)
    with pytest.raises(InputError, match=r"leaves out 3 unchanged resources.*--show-sames"):
        priced(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("[]", "must hold a JSON object"),
        ("{}", "none of"),
        ('{"deployment": {"resources": {}}}', "resources must be a list"),
        ('{"deployment": {"resources": [{"urn": "x"}]}}', "without urn or type"),
        ('{"steps": []}', "no changeSummary"),
        ('{"steps": [{"op": 1}], "changeSummary": {}}', "without op or urn"),
        (preview_json(diagnostics=[{"severity": "error", "message": "boom"}]), "failed: boom"),
        (log(create(pool()), whole=False), "ends before the engine's summary"),
        (log([error("boom")]), "failed: boom"),
        ('{"sequence":0,"preludeEvent":{}}\n{"sequence":1,', "line 2: no valid JSON"),
        ('{"sequence":0,"preludeEvent":{}}\n[]', "line 2: an event must be"),
        ("[" * 100_000, "no valid JSON"),
    ],
)
def test_a_broken_document_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        priced(text)


@given(st.integers(min_value=1, max_value=len(export(pool(), queue())) - 1))
def test_a_cut_export_is_never_priced(length: int) -> None:
    """Whatever part of a file is left, nothing is counted from it."""
    with pytest.raises(InputError):
        priced(export(pool(), queue())[:length])


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_inputs_of_any_shape_are_a_price_or_unpriced(value: object) -> None:
    statement = priced(export(pool(scalingConfig=value), pool("two", instanceTypes=value)))
    assert len(statement.unpriced) == 2


def test_a_missing_or_binary_file_is_the_user_s_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_document(tmp_path / "none.json")
    binary = tmp_path / "state.bin"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read_document(binary)


def test_ten_thousand_resources_are_priced_within_a_second() -> None:
    """Measured in CPU time, so that a busy machine does not decide; reading the JSON included."""
    text = export(*(pool(f"pool-{number}", nodes=number + 1) for number in range(10_000)))
    start = time.process_time()
    statement = priced(text)
    seconds = time.process_time() - start
    assert len(statement.paid) == 10_000
    assert statement.unpriced == ()
    assert seconds < 1, f"{seconds:.2f} s"
