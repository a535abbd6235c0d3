"""Settings are read from YAML files, stack files and Pulumi's configuration, all to the same value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import load_catalog
from outlay.errors import InputError, SettingsError
from outlay.settings import (
    parse_settings,
    raw_from_config,
    raw_from_stack,
    raw_from_yaml,
    settings_from_yaml,
)
from tests.settings.builders import LEAST, parse

REPOSITORY = Path(__file__).parents[2]


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        raw_from_yaml(path)
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file to be written."""
    return tmp_path / "settings.yaml"


@pytest.mark.parametrize(
    "text",
    [
        "model: llama-3.1-8b\ntargetRps: 10\n",
        "outlay:model: llama-3.1-8b\noutlay:targetRps: 10\n",
        "config:\n  outlay:model: llama-3.1-8b\n  outlay:targetRps: '10'\n  gcp:project: mine\n",
        "config:\n  model: llama-3.1-8b\n  targetRps: 10\n",
    ],
    ids=["plain", "prefixed", "stack file", "stack file without namespaces"],
)
def test_a_file_may_have_each_of_these_forms(file: Path, text: str) -> None:
    file.write_text(text)
    assert settings_from_yaml(file, load_catalog()) == parse(LEAST)


def test_problems_name_the_file(file: Path) -> None:
    file.write_text("model: llama-3.1-8b\n")
    with pytest.raises(SettingsError) as caught:
        settings_from_yaml(file, load_catalog())
    assert str(caught.value) == f"1 problem in {file}:\n  targetRps: is required"


@pytest.mark.parametrize(
    "text",
    [
        "model: [llama",
        "model: llama\n\tother: 1",
        "a: b: c",
        "model: !!python/object:os.system {}",
        "model: 2024-13-45",
        "model: 0x_",
        "[" * 400,
        "? [a]\n: b",
    ],
    ids=["bracket", "tab", "colons", "object", "date", "number", "depth", "key"],
)
def test_broken_yaml_is_said_in_one_line(file: Path, text: str) -> None:
    file.write_text(text)
    message = refused(file)
    assert message.startswith(f"settings file {file} is no valid YAML: ")
    assert "\n" not in message


def test_a_missing_file_is_named(file: Path) -> None:
    assert refused(file) == f"settings file {file} does not exist"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path).startswith(f"settings file {tmp_path} cannot be read: ")


def test_a_file_that_is_not_utf_8_cannot_be_read(file: Path) -> None:
    file.write_bytes("model: é".encode("latin-1"))
    assert refused(file).startswith(f"settings file {file} cannot be read: ")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("model: a\ntargetRps: 1\ntargetRps: 2\n", "'targetRps' stands twice in"),
        ("config:\n  tags: {a: x, a: y}\n", "'a' stands twice in"),
        ("model: a\noutlay:model: b\n", "'model' stands twice, with and without"),
        ("config: {model: a, 'outlay:model': b}", "'model' stands twice, with and without"),
    ],
)
def test_a_key_that_stands_twice_is_refused(file: Path, text: str, where: str) -> None:
    """As Pulumi does: one of the values would be lost in silence."""
    file.write_text(text)
    assert where in refused(file)


def test_a_merged_mapping_may_be_overridden(file: Path) -> None:
    """That is what YAML's merge key is for."""
    file.write_text("tags: {<<: {a: x, b: y}, a: z}\n")
    assert raw_from_yaml(file) == {"tags": {"a": "z", "b": "y"}}


def test_keys_must_be_text(file: Path) -> None:
    file.write_text("model: a\n1: 2\nnull: 3\n")
    assert refused(file) == (
        f"settings file {file}: 1 and None cannot name a setting; put it in quotes"
    )


@pytest.mark.parametrize("text", ["", "- a", "llama", "null"])
def test_a_file_must_be_a_mapping(file: Path, text: str) -> None:
    file.write_text(text)
    assert refused(file) == f"settings file {file} must be a mapping such as `model: llama-3.1-8b`"


@pytest.mark.parametrize("config", ["[a]", "text", "{1: 2}"])
def test_the_config_of_a_stack_file_must_be_a_mapping(file: Path, config: str) -> None:
    file.write_text(f"config: {config}\n")
    assert refused(file) == (
        f"`config` in {file} must be a mapping such as `outlay:model: llama-3.1-8b`"
    )


def test_a_stack_is_the_file_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.qa.yaml").write_text("config:\n  outlay:targetRps: 3\n  aws:region: x\n")
    assert raw_from_stack(tmp_path, "qa") == {"targetRps": 3}


def test_a_project_of_another_name_may_leave_out_the_prefix(tmp_path: Path) -> None:
    """`pulumi config set targetRps 3` writes the project's own namespace."""
    (tmp_path / "Pulumi.yaml").write_text("name: my-serving\n")
    stack = tmp_path / "Pulumi.qa.yaml"
    stack.write_text("config:\n  my-serving:targetRps: 3\n  outlay:model: m\n  aws:region: x\n")
    assert raw_from_stack(tmp_path, "qa") == {"targetRps": 3, "model": "m"}
    for text in ("my-serving:model: a\n  outlay:model: b", "my-serving:model: a\n  model: b"):
        stack.write_text(f"config:\n  {text}\n")
        with pytest.raises(InputError, match="stands twice, with and without"):
            raw_from_stack(tmp_path, "qa")


def test_settings_under_our_prefix_go_before_the_projects_own() -> None:
    """The engine gives the defaults of Pulumi.yaml the project's namespace."""
    texts = {"my-serving:inputTokens": "512", "outlay:inputTokens": "64", "my-serving:model": "m"}
    assert raw_from_config(texts, "my-serving") == {"inputTokens": "64", "model": "m"}


@pytest.mark.parametrize("text", ["config:\n", "encryptionsalt: v1:abc\n"])
def test_a_stack_may_have_no_settings_yet(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pulumi.qa.yaml").write_text(text)
    assert raw_from_stack(tmp_path, "qa") == {}


def test_an_unknown_stack_is_answered_with_those_there(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        raw_from_stack(tmp_path, "qa")
    assert str(caught.value) == f"stack 'qa' has no file Pulumi.qa.yaml in {tmp_path}"
    for name in ("b", "a"):
        (tmp_path / f"Pulumi.{name}.yaml").touch()
    with pytest.raises(InputError, match=r"; stacks here: a, b$"):
        raw_from_stack(tmp_path, "qa")


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_the_stacks_of_this_repository_are_valid(stack: str) -> None:
    raw = raw_from_stack(REPOSITORY, stack)
    settings = parse_settings(raw, load_catalog(), source=stack)
    assert settings.environment == stack
    assert settings.budget_usd_per_month is not None


def test_pulumis_configuration_is_text_and_objects_are_json() -> None:
    texts = {
        "outlay:model": "llama-3.1-8b",
        "outlay:targetRps": "10",
        "outlay:inputTokens": "1024",
        "outlay:gpus": '["l4", "h100"]',
        "outlay:regions": "us-*",
        "outlay:tags": '{"team": "inference"}',
        "outlay:workloads": "[]",
        "outlay:name": "",
        "outlay:huggingFaceToken": "hf_secret",
        "gcp:project": "mine",
    }
    same = {
        **LEAST,
        "inputTokens": 1024,
        "gpus": ["L4", "H100"],
        "regions": ["us-*"],
        "tags": {"team": "inference"},
    }
    assert parse(raw_from_config(texts, "outlay")) == parse(same)


def test_several_workloads_in_pulumis_configuration() -> None:
    workloads = [LEAST, {"model": "llama-3.3-70b", "targetRps": 2}]
    texts = {"outlay:workloads": json.dumps(workloads), "outlay:targetRps": ""}
    assert parse(raw_from_config(texts, "outlay")) == parse({"workloads": workloads})


@pytest.mark.parametrize("text", ['["l4"', "[l4]", "{", "[" * 100_000])
def test_broken_json_names_its_key(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        raw_from_config({"outlay:gpus": text}, "outlay")
    assert [p.path for p in caught.value.problems] == ["gpus"]
    assert "is no valid JSON" in str(caught.value)


def _tags() -> st.SearchStrategy[dict[str, str]]:
    words = st.text("abcXYZ09-_ é:/", min_size=1, max_size=8)
    keys = st.sampled_from(["team", "cost Center", "Größe:é", "a-b_9"])
    return st.dictionaries(keys, words, max_size=3)


RAW = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["llama-3.1-8b", "Llama-3.3-70B", "gpt-oss-20b"]),
        "targetRps": st.floats(0.001, 1000) | st.integers(1, 1000),
    },
    optional={
        "inputTokens": st.integers(1, 4096),
        "precisions": st.lists(st.sampled_from(["bf16", "fp8", "int4"]), max_size=3),
        "providers": st.lists(st.sampled_from(["aws", "gcp", "azure"]), max_size=3),
        "regions": st.lists(st.sampled_from(["*us*", "*"]), max_size=2),
        "gpus": st.lists(st.sampled_from(["l4", "H100", "b200"]), max_size=3),
        "markets": st.sampled_from([["spot"], ["on-demand", "spot"]]),
        "maxSpotShare": st.floats(0, 1),
        "budgetUsdPerMonth": st.integers(1, 10**6),
        "tags": _tags(),
    },
)


@given(RAW)
def test_a_stack_means_the_same_to_pulumi_and_to_the_command_line(raw: dict[str, object]) -> None:
    """What the engine hands over as text equals what the YAML file says."""
    from_engine = raw_from_config(
        {f"outlay:{k}": v if isinstance(v, str) else json.dumps(v) for k, v in raw.items()},
        "outlay",
    )
    from_file = yaml.safe_load(yaml.safe_dump(raw, allow_unicode=True))
    assert parse(from_engine) == parse(from_file)
