"""Flags, files and stacks say the same thing; flags win."""

from __future__ import annotations

from pathlib import Path

import pytest

from outlay.catalog import Market, load_catalog
from outlay.cli.options import FLAGS, Request
from outlay.settings import Settings
from outlay.settings.load import WORKLOAD_KEYS
from outlay.settings.model import Settings as Model
from tests.cli.command import REPOSITORY
from tests.settings.builders import LEAST, parse


def settings(
    *,
    stack: str | None = None,
    file: Path | None = None,
    project: Path = REPOSITORY,
    **flags: object,
) -> Settings:
    request = Request(stack=stack, settings_file=file, project=project, flags=flags)
    return request.settings(load_catalog())


def test_every_flag_is_a_setting() -> None:
    known = {*WORKLOAD_KEYS, *(str(f.alias) for f in Model.model_fields.values())}
    assert {setting for setting, *_ in FLAGS.values()} <= known


def test_flags_alone() -> None:
    assert settings(model="llama-3.1-8b", targetRps="10") == parse(LEAST)


def test_a_file_alone(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("model: llama-3.1-8b\ntargetRps: 10\n")
    assert settings(file=file) == parse(LEAST)


def test_a_flag_wins_over_a_file(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("model: llama-3.1-8b\ntargetRps: 3\nmarkets: [spot]\n")
    assert settings(file=file, targetRps="10", markets=["spot", "on-demand"]) == parse(
        {**LEAST, "markets": [Market.SPOT, Market.ON_DEMAND]}
    )


def test_a_workloads_flag_wins_in_each_of_several_workloads() -> None:
    plain = settings(stack="prod")
    assert [w.input_tokens for w in plain.workloads] == [512, 1024]
    longer = settings(stack="prod", inputTokens="2048", providers=["gcp"])
    assert [w.input_tokens for w in longer.workloads] == [2048, 2048]
    assert longer.providers == ("gcp",)


@pytest.mark.parametrize("text", ["config:\n", "{}\n"])
def test_a_stack_without_settings_takes_them_from_flags(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pulumi.qa.yaml").write_text(text)
    assert settings(stack="qa", project=tmp_path, model="llama-3.1-8b", targetRps="10") == parse(
        LEAST
    )
