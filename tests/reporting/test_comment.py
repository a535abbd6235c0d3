"""The pull-request comment, as readers see it, for every kind of change.

To accept a deliberate change of the text: `OUTLAY_WRITE_GOLDEN=1 pytest tests/reporting/test_comment.py`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outlay.pricing.diff import Labels, StackDiff
from outlay.reporting.comment import LARGEST, MARKER, comment, headline
from outlay.reporting.markdown import block, code, escaped
from tests.pricing.written import create, diff, policy, pool, queue, same, steady, step
from tests.reporting import changes

GOLDEN = Path(__file__).parent / "golden"


def check(name: str, text: str) -> None:
    file = GOLDEN / f"comment-{name}.md"
    if os.environ.get("OUTLAY_WRITE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", changes.ALL)
def test_the_comment_is_the_one_that_was_read_and_accepted(name: str) -> None:
    check(name, comment([changes.ALL[name]()]))


def test_several_stacks_share_one_comment_with_one_sum() -> None:
    prod = replace(changes.up(), stack="prod")
    check("two-stacks", comment([changes.down(), prod]))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no-change", "Monthly cost will not change"),
        ("up", "Monthly cost will increase by $657.00 (+33 %) 📈"),
        ("down", "Monthly cost will decrease by $657.00 (-50 %) 📉"),
        ("new-stack", "New stack: $1,314/month"),
        ("replacement", "Monthly cost will increase by $146.00 (+11 %) 📈"),
        ("unpriced", "Monthly cost may change: some prices are not known"),
        ("policy-failed", "Monthly cost will increase by $657.00 (+50 %) 📈"),
        ("price-refresh", "Monthly cost will increase by $438.00 (+50 %) 📈"),
    ],
)
def test_the_headline_says_in_words_what_happens(name: str, words: str) -> None:
    assert headline([changes.ALL[name]()]) == words


def test_stacks_that_cancel_out_are_not_called_unchanged() -> None:
    pair = [changes.down(), replace(changes.up(), stack="prod")]
    assert headline(pair) == "Monthly cost will not change in total"


def test_a_larger_maximum_is_said_though_the_declared_cost_stays() -> None:
    """Small minimum, huge maximum: the headline alone would hide it."""
    huge = {"minSize": 0, "desiredSize": 2, "maxSize": 100}
    made = diff([step("update", old=pool(), new=pool(scalingConfig=huge))], same(pool()))
    assert headline([made]) == "Monthly cost will not change"
    assert "at its maximum $65,700/month, before $6,570" in comment([made])


def test_the_hidden_line_comes_first() -> None:
    """The comment is found again by it."""
    assert comment([changes.up()]).startswith(MARKER)


def test_a_comment_of_thousands_of_resources_fits_and_says_what_is_missing() -> None:
    many = diff(create(*(steady(f"pool-{n}", n) for n in range(3000))), [])
    text = comment([many])
    assert len(text) <= LARGEST
    assert "more are in the log of the job" in text


def test_a_comment_of_endless_messages_shows_some_and_counts_the_rest() -> None:
    loud = diff([policy(f"rule-{n}", "x" * 5000) for n in range(100)], [])
    text = comment([loud])
    assert len(text) <= LARGEST
    assert text.count("(mandatory, high)") == 25
    assert "75 more are in the log of the job." in text
    assert text.endswith("with every push.</sub>\n")


def test_of_thousands_of_stacks_those_that_matter_most_are_shown() -> None:
    calm = changes.no_change()
    stacks = [replace(calm, stack=f"calm-{n}") for n in range(2000)]
    stacks.insert(1000, replace(changes.policy_failed(), stack="stopped"))
    text = comment([*stacks, replace(changes.up(), stack="dearer")])
    assert len(text) <= LARGEST
    assert "more stacks are in the log of the job." in text
    assert "`shop/stopped`" in text
    assert "`shop/dearer`" in text


@given(
    name=st.text(alphabet="`|<>@_ab\n", min_size=1).map(lambda text: text * 3000),
    stacks=st.integers(1, 3),
    resources=st.integers(0, 40),
)
@settings(max_examples=20, deadline=None)
def test_a_comment_always_fits_with_its_blocks_and_folds_closed(
    name: str, stacks: int, resources: int
) -> None:
    head = [
        *create(*(queue(f"{n}{name}") for n in range(resources))),
        *(policy(name, name, level=level) for level in ("mandatory", "advisory") for _ in range(9)),
    ]
    made = diff(head, [], labels=_labels(name))
    text = comment([made] * stacks)
    assert len(text) <= LARGEST
    outside = _outside_code(text)
    assert outside.count("<details>") == outside.count("</details>")
    assert text.endswith("with every push.</sub>\n")


def test_many_unpriced_resources_are_counted_and_not_all_listed() -> None:
    text = comment([diff(create(*(queue(f"q{n}") for n in range(80))), [])])
    assert "80 resources have no price" in text
    assert "30 more are in the log" in text


def test_what_had_no_price_before_either_is_listed_all_the_same() -> None:
    assert "`jobs`" in comment([diff(same(queue()), same(queue()))])


HOSTILE = [
    "</details><script>alert(1)</script>",
    "| cell | cell |",
    "`code` ``` fence",
    "@everyone [link](https://example.com) ![image](x)",
    "line\n# title\n- [ ] task",
    "<!-- outlay:cost-comment -->",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_stays_text(text: str) -> None:
    """Names come from the pull request, which anybody can open."""
    made = diff([*create(steady(text)), policy("rule", text)], [], labels=_labels(text))
    shown = comment([made])
    outside = _outside_code(shown)
    assert outside.count(MARKER) == 1
    for harmful in ("<script", "@everyone", "](https", "\n# title", "\n- [ ]"):
        assert harmful not in outside
    assert outside.count("<details>") == outside.count("</details>")


def _labels(text: str) -> Labels:
    from tests.pricing.written import LABELS

    return replace(LABELS, base_name=text, stack=text, notes=(text,))


def _outside_code(text: str) -> str:
    """Return the Markdown without fenced blocks and code spans."""
    kept, fence = [], None
    for line in text.splitlines():
        if fence is None and line.startswith("```"):
            fence = line[: len(line) - len(line.lstrip("`"))]
        elif fence is not None and line.strip() == fence:
            fence = None
        elif fence is None:
            kept.append("".join(line.split("`")[::2]))
    return "\n" + "\n".join(kept)


@given(st.text())
def test_no_text_ends_its_code_span_or_cell(text: str) -> None:
    inner = code(text)[1:-1]
    assert "`" not in inner
    assert "\n" not in inner
    assert "|" not in inner.replace("\\|", "")


@given(st.text())
def test_no_text_closes_its_block(text: str) -> None:
    lines = block(text).split("\n")
    assert lines[-1] not in [line.strip() for line in lines[1:-1]]


@given(st.text())
def test_escaped_text_has_no_markup(text: str) -> None:
    assert not set("<>*_`[]|~@!\n") & set(escaped(text))


def test_a_diff_without_resources_is_readable() -> None:
    empty: StackDiff = diff([], [])
    assert "no resource changes its cost" in comment([empty])
