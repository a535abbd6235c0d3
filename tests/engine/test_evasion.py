"""No way around a budget that a pack can see gets past it, on the real engine."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest

from outlay.catalog import Catalog, Market, load_catalog
from tests.engine import anything
from tests.engine.conftest import program_maker
from tests.engine.evasion.declared import PACKAGES, TRICKS, program
from tests.engine.evasion.found import violations
from tests.engine.evasion.tricks import Bought, Thing, Trick
from tests.engine.harness import VENV, Result
from tools.setup.layout import REPOSITORY
from tools.setup.record import Engine

pytestmark = pytest.mark.engine

PACK = str(REPOSITORY / "policies")
SETTINGS = """\
config:
  aws:region: us-east-1
  gcp:project: any
  outlay:environment: dev
  outlay:budgetUsdPerMonth: '1'
"""
HOURS = 730
TOTAL = re.compile(
    r"planned spend is ≥ \$([\d,.]+)/month.*at its maximum: ≥ \$([\d,.]+)/month", re.DOTALL
)


Amounts = Mapping[str, Sequence[tuple[Decimal, Decimal]]]


class Bill:
    """What machines and things cost by the catalogue's rows: no rule of the pack is asked."""

    def __init__(self, catalog: Catalog) -> None:
        self._offers = {
            (o.provider, o.region, o.instance_type, o.market): o.usd_per_hour
            for o in catalog.offers
        }
        self._catalog = catalog

    def usd_per_month(self, what: Bought | Thing) -> tuple[Decimal, Decimal]:
        """Return the cost at the declared and at the largest size."""
        if isinstance(what, Thing):
            usd = self._service(what.provider, what.service, what.region) * what.count * what.hours
            return usd, usd
        disk = (
            self._service(what.provider, "block_storage", what.region) * what.gib if what.gib else 0
        )
        first, dearest = (
            self._node(what, kind) * HOURS for kind in (what.kind, what.dearest or what.kind)
        )
        return (first + disk) * what.nodes, (dearest + disk) * what.most

    def _node(self, what: Bought, kind: str) -> Decimal:
        return self._offers[what.provider, what.region, kind, Market(what.market)]

    def _service(self, provider: str, service: str, region: str) -> Decimal:
        price = self._catalog.service_price(provider, service, region)
        assert price is not None
        return price.usd


def _missing(amounts: Amounts, difference: Decimal, size: int) -> str:
    """Say which trick's amount is the difference, if one is."""
    sums = {name: sum(pair[size] for pair in pairs) for name, pairs in amounts.items()}
    same = [name for name, usd in sums.items() if abs(usd - difference) < Decimal("0.02")]
    return f"not counted: ${difference:,.2f}/month, as much as {same or 'none of them'}"


def totals(result: Result) -> tuple[Decimal, Decimal]:
    """Return what the budget rule counted, at the declared and at the largest size."""
    (text,) = [each.text for each in violations(result) if each.rule == "monthly-budget"]
    match = TOTAL.search(text)
    assert match, text
    return Decimal(match[1].replace(",", "")), Decimal(match[2].replace(",", ""))


@pytest.fixture(scope="module")
def everything(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """One preview of a program that tries everything."""
    make = program_maker(engine, tmp_path_factory.mktemp("everything"))
    # Absolute: the dynamic provider's own script looks for it in the program's folder.
    project = make(program(), settings=SETTINGS, options=f"{{toolchain: pip, virtualenv: {VENV}}}")
    for package in PACKAGES:
        anything.install(project.sandbox.plugins, python=VENV / "bin" / "python", package=package)
    return project.preview("--policy-pack", PACK)


def test_everything_was_declared(everything: Result) -> None:
    """Otherwise the program ended early, and nothing below would mean anything."""
    declared = {step.name for step in everything.steps()}
    assert {trick.name for trick in TRICKS} <= declared, everything.diagnostics("error")
    assert everything.code == 1


@pytest.mark.parametrize("trick", [trick for trick in TRICKS if trick.rule], ids=lambda t: t.name)
def test_what_has_no_price_or_no_right_is_refused(trick: Trick, everything: Result) -> None:
    of_it = [each for each in violations(everything) if each.resource == trick.name]
    texts = [each.text for each in of_it if (each.level, each.rule) == ("mandatory", trick.rule)]
    assert any(trick.says in text for text in texts), of_it


def test_everything_else_is_counted_to_the_cent(everything: Result) -> None:
    """Totals are shown rounded up to the cent. Amounts differ, so that a failure names what is missing."""
    bill = Bill(load_catalog())
    amounts = {t.name: [bill.usd_per_month(each) for each in t.counts] for t in TRICKS if t.counts}
    for size, counted in enumerate(totals(everything)):
        usd = sum((pair[size] for pairs in amounts.values() for pair in pairs), Decimal(0))
        assert 0 <= counted - usd < Decimal("0.01"), _missing(amounts, usd - counted, size)
