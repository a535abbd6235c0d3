"""Cost-allocation tags are refused before a cloud refuses them, halfway through an update."""

from __future__ import annotations

import re

import pytest

from outlay.settings.tags import check_tags


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"team": "inference", "costCenter": "a/b:1@x"},
        {"Größe": ""},
        {"k" * 128: "v" * 256},
        {f"key-{n}": "x" for n in range(40)},
        {"my-aws:x": "y"},
    ],
)
def test_what_every_cloud_takes_passes(tags: dict[str, str]) -> None:
    check_tags(tags)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"aws:team": "x"}, "the key 'aws:team' begins with what AWS or Azure keep for themselves"),
        ({"AWS:team": "x"}, "the key 'AWS:team' begins with what AWS or Azure keep"),
        ({"": "x"}, "the key '' has 0 characters: 1 to 128 are allowed"),
        ({"k" * 129: "x"}, "has 129 characters: 1 to 128 are allowed"),
        ({"a/b": "x"}, "the key 'a/b' has characters other than letters"),
        ({"a": "v" * 257}, "the value of 'a' has 257 characters: at most 256 are allowed"),
        ({"a": "x\ny"}, "the value of 'a' has characters other than letters"),
        ({"outlay:stack": "x"}, "the key 'outlay:stack' is set by outlay itself"),
        ({f"key-{n}": "x" for n in range(41)}, "41 tags are too many: at most 40"),
        (
            {"Team": "x", "team": "y"},
            "'Team' and 'team' are the same label 'team' on Google Cloud",
        ),
    ],
)
def test_what_some_cloud_refuses_is_refused(tags: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        check_tags(tags)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"'aws:a'.*'b/c'"):
        check_tags({"aws:a": "x", "b/c": "y"})
