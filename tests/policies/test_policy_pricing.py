"""Rules: nothing is declared whose price is not known, and prices are not out of date."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pulumi_policy import EnforcementLevel

from outlay.pricing.inputs import UNKNOWN
from policies import pricing
from policies.pricing import NO_UNPRICED, PRICE_BOOK_AGE
from tests.policies.resources import NODE_GROUP, ask, declared, kubernetes, pool, provider
from tests.pricing.book import RATES

AFTER = ".\nWhatever it costs would not count against the budget."


def test_the_rule_is_mandatory_everywhere() -> None:
    for environment in ("dev", "staging", "prod", "other"):
        assert NO_UNPRICED.levels.of(environment) is EnforcementLevel.MANDATORY


def test_priced_and_free_resources_pass() -> None:
    resources = [
        declared(NODE_GROUP, "gpu", pool(nodes=2.0)),
        declared("aws:ec2/vpc:Vpc", "net", {}),
        kubernetes("apps/v1:Deployment", "engine"),
    ]
    assert ask(NO_UNPRICED, resources) == []


@pytest.mark.parametrize(
    ("resource_type", "inputs", "reason"),
    [
        ("aws:rds/instance:Instance", {}, "no price rule for aws:rds/instance:Instance"),
        (
            NODE_GROUP,
            pool(nodes=UNKNOWN),
            "scalingConfig.desiredSize is not known before the update",
        ),
        (
            NODE_GROUP,
            pool(nodes=1.0) | {"scalingConfig": "dd056dcd-154b-4c76-9bd3-c8f88648b5ff"},
            "scalingConfig is not known before the update",
        ),
        (
            NODE_GROUP,
            pool(nodes=1.0) | {"instanceTypes": [UNKNOWN]},
            "instanceTypes[0] is not known before the update",
        ),
        (NODE_GROUP, {}, "instanceTypes is missing"),
    ],
)
def test_an_open_price_is_reported_and_never_raised(
    resource_type: str, inputs: dict[str, object], reason: str
) -> None:
    """An UnknownValueError out of the rule would turn it into advice."""
    reports = ask(NO_UNPRICED, [declared(resource_type, "x", inputs)])
    assert reports == [(f"no price is known: {reason}{AFTER}", f"urn:{resource_type}::x")]


def test_unknowns_that_the_price_does_not_need_do_no_harm() -> None:
    inputs = pool(nodes=1.0) | {
        "nodeRoleArn": UNKNOWN,
        "subnetIds": [UNKNOWN],
        "tags": {"a": UNKNOWN},
    }
    assert ask(NO_UNPRICED, [declared(NODE_GROUP, "gpu", inputs)]) == []


@pytest.mark.parametrize("by", [provider(), provider(region=UNKNOWN)])
def test_a_provider_without_a_known_region_leaves_the_price_open(by: object) -> None:
    resource = declared(NODE_GROUP, "gpu", pool(nodes=1.0), by=by)  # type: ignore[arg-type]  # parametrize types its values as object
    (message,) = ask(NO_UNPRICED, [resource]).messages
    assert "no region: neither region nor availabilityZone nor the provider names one" in message


def test_components_are_free_whatever_their_type() -> None:
    """The engine gives them no provider; what is in them is priced by itself."""
    assert ask(NO_UNPRICED, [declared("awsx:ec2:Vpc", "net", {}, by=None)]) == []


@pytest.mark.parametrize(("days", "said"), [(89, 0), (90, 0), (91, 1)])
def test_an_old_price_book_is_said(days: int, said: int, monkeypatch: pytest.MonkeyPatch) -> None:
    book = date.fromisoformat(RATES.catalog.price_book.date)
    monkeypatch.setattr(pricing, "_today", lambda: book + timedelta(days=days))
    reports = ask(PRICE_BOOK_AGE, [], config={"maxDays": 90.0})
    assert len(reports) == said
    if said:
        assert reports.messages[0].startswith(
            f"the price book is of {book}, 91 days old; at most 90 are allowed."
        )


def test_without_an_age_the_rule_rests() -> None:
    assert ask(PRICE_BOOK_AGE, []).reason == "the pack's configuration sets no maxDays"


def test_the_age_is_strict_in_prod_only() -> None:
    levels = [PRICE_BOOK_AGE.levels.of(each).value for each in ("dev", "staging", "prod", "x")]
    assert levels == ["advisory", "advisory", "mandatory", "mandatory"]
