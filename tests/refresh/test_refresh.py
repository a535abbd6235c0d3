"""A refresh believes what is newer and plausible, stamps it, and leaves everything else as it is."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from outlay.catalog import Market, load_catalog
from outlay.catalog.load import DATA
from outlay.refresh.book import OFFERS, read_lines, updated, write_book
from outlay.refresh.run import Refreshed, effects, refresh
from outlay.refresh.sources.every import SOURCES
from outlay.refresh.types import Change, Verdict
from tests.cli.command import Command
from tests.refresh.answers import AT, DAY, answers, price_book, recorded

G6 = ("aws", "us-east-2", "g6.xlarge")
STACK = """\
config:
  outlay:model: llama-3.1-8b
  outlay:targetRps: "10"
  outlay:gpus: [L4]
  outlay:regions: [us-east-2]
  outlay:surviveDomain: none
"""


def run_refresh(folder: Path, *, accept_jumps: bool = False, **changes: bytes | int) -> Refreshed:
    return refresh(SOURCES, answers(**changes), folder, at=AT, accept_jumps=accept_jumps)


@pytest.fixture(scope="module")
def found() -> Refreshed:
    return run_refresh(DATA)


def change(found: Refreshed, key: tuple[str, str, str], market: Market) -> Change:
    return next(c for c in found.merged.changes if c.quote.key == (*key, market))


@pytest.mark.parametrize(
    ("key", "market", "verdict", "source"),
    [
        (G6, Market.SPOT, Verdict.CHANGED, "aws-spot-feed"),
        (("aws", "us-east-2", "g6.12xlarge"), Market.SPOT, Verdict.CONFIRMED, "aws-spot-feed"),
        (("aws", "us-east-2", "g6.12xlarge"), Market.ON_DEMAND, Verdict.JUMP, "gpuhunt-aws"),
        (("aws", "us-east-1", "g6.xlarge"), Market.ON_DEMAND, Verdict.CONFIRMED, "gpuhunt-aws"),
        (("aws", "us-east-1", "g6.12xlarge"), Market.ON_DEMAND, Verdict.CHANGED, "gpuhunt-aws"),
        (("aws", "eu-west-1", "g4dn.xlarge"), Market.SPOT, Verdict.ADDED, "aws-spot-feed"),
        (("azure", "westus", "Standard_NC4as_T4_v3"), Market.SPOT, Verdict.EQUAL,
         "azure-retail-prices"),
        (("azure", "eastus", "Standard_NC4as_T4_v3"), Market.ON_DEMAND, Verdict.CONFIRMED,
         "azure-retail-prices"),
        (("lambda", "global", "gpu_1x_a10"), Market.ON_DEMAND, Verdict.CHANGED, "gpuhunt-lambda"),
    ],
)  # fmt: skip
def test_a_quote_is_judged(
    found: Refreshed, key: tuple[str, str, str], market: Market, verdict: Verdict, source: str
) -> None:
    """AWS's own feed counts before gpuhunt, Azure's API before gpuhunt's copy of it."""
    judged = change(found, key, market)
    assert (judged.verdict, judged.quote.source) == (verdict, source)


def test_an_older_quote_never_replaces_a_newer_price() -> None:
    """Lambda's pinned prices are of 2026-09-20."""
    judged = run_refresh(DATA, lambdalabs_version=b"20260818-1")
    (older,) = [c for c in judged.merged.changes if c.quote.provider == "lambda"]
    assert older.verdict is Verdict.OLDER


def test_spot_above_on_demand_is_held_back() -> None:
    body = recorded("spot.json").replace(b"0.4102", b"0.9102")
    judged = change(run_refresh(DATA, spot=body), G6, Market.SPOT)
    assert judged.verdict is Verdict.ABOVE


def test_a_jump_is_taken_when_asked() -> None:
    key = ("aws", "us-east-2", "g6.12xlarge")
    found = run_refresh(DATA, accept_jumps=True)
    assert change(found, key, Market.ON_DEMAND).verdict is Verdict.CHANGED


def test_what_is_not_sold_on_demand_gets_no_price() -> None:
    """A blank on-demand price stays blank, whatever a list says."""
    blank = [line for line in read_lines(DATA) if not line["price_ondemand_usd_per_hour"]]
    found = run_refresh(DATA)
    assert blank
    keys = {line.key for line in blank}
    assert not [
        c
        for c in found.merged.changes
        if c.quote.key[:3] in keys and c.quote.market is Market.ON_DEMAND
    ]


def test_a_failed_source_keeps_its_prices_and_no_other_from_answering() -> None:
    found = run_refresh(DATA, spot=503, gcp_version=b"nonsense")
    assert {f.source: f.reason for f in found.failures} == {
        "aws-spot-feed": "website.spot.ec2.aws.a2z.com answered 503",
        "gpuhunt-gcp": "its version 'nonsense' names no day",
    }
    assert change(found, ("aws", "us-east-1", "g6.xlarge"), Market.SPOT).quote.source == (
        "gpuhunt-aws"
    )
    assert not [c for c in found.merged.changes if c.quote.provider == "gcp"]


def row(folder: Path, key: tuple[str, str, str]) -> dict[str, str]:
    with (folder / OFFERS).open(newline="") as file:
        rows = csv.DictReader(file)
        return next(r for r in rows if (r["provider"], r["region"], r["instance_type"]) == key)


def written(folder: Path) -> Path:
    book = price_book(folder)
    found = run_refresh(book)
    write_book(book, found.lines, found.merged.buckets, like=book)
    return book


def test_a_changed_row_is_stamped(tmp_path: Path) -> None:
    cells = row(written(tmp_path), G6)
    assert cells["price_spot_usd_per_hour"] == "0.4102"
    assert cells["spot_as_of"] == DAY
    assert cells["source"] == "tsaol-aws-gpu+aws-spot-feed"
    assert cells["as_of_date"] == cells["ondemand_as_of"] == "2026-01-21"
    assert cells["refreshed_at"] == AT


def test_a_confirmed_row_is_stamped_with_the_same_price(tmp_path: Path) -> None:
    cells = row(written(tmp_path), ("azure", "eastus", "Standard_NC4as_T4_v3"))
    assert cells["price_ondemand_usd_per_hour"] == "0.526"
    assert cells["ondemand_as_of"] == DAY
    assert cells["source"] == "azure-retail-prices"


def test_everything_else_stays_as_it_is(tmp_path: Path) -> None:
    book = written(tmp_path)
    touched = {c.quote.key[:3] for c in run_refresh(DATA).merged.taken}
    before = {line.key: line.cells for line in read_lines(DATA) if line.key not in touched}
    after = {line.key: line.cells for line in read_lines(book) if line.key not in touched}
    assert after == {key: {**cells, "refreshed_at": ""} for key, cells in before.items()}
    assert [line.key for line in read_lines(book)] == [line.key for line in read_lines(DATA)]


def test_a_written_book_loads_and_has_the_new_prices(tmp_path: Path) -> None:
    catalog = load_catalog(written(tmp_path))
    offer = next(
        o
        for o in catalog.offers
        if (o.provider, o.region, o.instance_type) == G6 and o.market is Market.SPOT
    )
    assert (offer.usd_per_hour, offer.as_of) == (Decimal("0.4102"), DAY)
    assert catalog.interruption_bucket("us-east-1", "g6.xlarge") == 3
    assert catalog.price_book.version != load_catalog(DATA).price_book.version


def test_writing_again_changes_only_the_time(tmp_path: Path) -> None:
    book = written(tmp_path)
    again = refresh(SOURCES, answers(), book, at="2026-11-24T18:00:00Z")
    assert {c.verdict for c in again.merged.taken} == {Verdict.CONFIRMED}
    assert again.merged.buckets == ()


def test_lines_without_a_change_keep_their_cells() -> None:
    lines = read_lines(DATA)[:3]
    assert [line.cells for line in updated(lines, [], at=AT)] == [
        {"refreshed_at": "", **line.cells} for line in lines
    ]


def project(folder: Path, stacks: Mapping[str, str]) -> Path:
    for name, text in stacks.items():
        (folder / f"Pulumi.{name}.yaml").write_text(text)
    return folder


def test_the_effect_on_every_stack_is_the_difference_of_two_plans(tmp_path: Path) -> None:
    """The L4 stack buys g6 nodes; 5 % more for g6.xlarge on spot may cost it, never save."""
    broken = STACK.replace("llama-3.1-8b", "llama-99")
    found = run_refresh(DATA)
    both = effects(found, DATA, project(tmp_path, {"live": STACK, "wrong": broken}))
    live, wrong = both
    assert (live.stack, live.reason) == ("live", "")
    assert live.before is not None
    assert live.after is not None
    assert live.after >= live.before > 0
    assert (wrong.stack, wrong.before, wrong.after) == ("wrong", None, None)
    assert "llama-99" in wrong.reason


def asked(run: Command, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    monkeypatch.setattr("outlay.refresh.http.getter", answers)
    return run("prices", "refresh", *arguments)


def test_nothing_is_written_without_write(
    run: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    book = price_book(tmp_path)
    before = {path.name: path.read_bytes() for path in book.iterdir()}
    done = asked(run, monkeypatch, "--data", str(book), "--project", str(tmp_path))
    assert done.code == 0, done.err
    assert "Nothing is written; --write does." in done.out
    assert "aws us-east-2 g6.xlarge" in done.out
    assert "too large a jump" in done.out
    assert {path.name: path.read_bytes() for path in book.iterdir()} == before


def test_write_writes_and_says_so(
    run: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    book = price_book(tmp_path)
    stack = project(tmp_path, {"live": STACK})
    done = asked(
        run, monkeypatch, "--data", str(book), "--project", str(stack), "--write", "--json"
    )
    shown = json.loads(done.out)
    assert shown["written"] is True
    assert [s["stack"] for s in shown["stacks"]] == ["live"]
    assert row(book, G6)["price_spot_usd_per_hour"] == "0.4102"
    assert sorted(path.name for path in book.iterdir()) == sorted(p.name for p in DATA.iterdir())


def test_no_answer_at_all_is_an_error(
    run: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def nothing(url: str) -> bytes:
        from outlay.refresh.types import SourceError

        raise SourceError("no network")

    monkeypatch.setattr("outlay.refresh.http.getter", lambda: nothing)
    done = run("prices", "refresh", "--data", str(price_book(tmp_path)))
    assert done.code == 1
    assert "no source answered, nothing is changed" in done.err
