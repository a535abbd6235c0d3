"""The sandbox's environment leads to no real account, and the committed settings stay as they are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from tools.run import pulumi_command, refuse_public_secret
from tools.sandbox_env import SECRET, Sandbox
from tools.setup.errors import SetupError

SETTINGS = "config:\n  tiny:a: '7' # seven\n"


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """A project with settings for dev, and an engine that only writes a salt, as Pulumi does."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: tiny\nruntime: python\n")
    (project / "Pulumi.dev.yaml").write_text(SETTINGS)
    (tmp_path / "bin").mkdir()
    pulumi = tmp_path / "bin" / "pulumi"
    pulumi.write_text(
        "#!/bin/sh\nstate=${PULUMI_BACKEND_URL#file://}/.pulumi/stacks/tiny\n"
        'mkdir -p "$state" && touch "$state/$3.json"\n'
        'echo "encryptionsalt: v1:xyz" >> "Pulumi.$3.yaml"\n'
    )
    pulumi.chmod(0o755)
    return Sandbox(project=project, home=tmp_path / "home", bin=tmp_path / "bin")


def test_no_account_no_cluster_and_no_login_get_through(sandbox: Sandbox) -> None:
    base = {
        "AWS_PROFILE": "prod",
        "GOOGLE_APPLICATION_CREDENTIALS": "key.json",
        "KUBECONFIG": "prod.yaml",
        "PULUMI_ACCESS_TOKEN": "pul-1",
        "PULUMI_STACK": "prod",
        "PATH": "/usr/bin",
        "LANG": "C",
    }
    home = sandbox.home
    assert sandbox.environment(base) == {
        "AWS_EC2_METADATA_DISABLED": "true",
        "LANG": "C",
        "OUTLAY_SANDBOX": f"{home}/sandbox.db",
        "PATH": f"{sandbox.bin}:/usr/bin",
        "PULUMI_BACKEND_URL": f"file://{home}/state",
        "PULUMI_CONFIG_PASSPHRASE": "sandbox",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_HOME": f"{home}/pulumi-home",
        "PULUMI_OPTION_NON_INTERACTIVE": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def test_the_salt_goes_into_the_copy_alone(sandbox: Sandbox) -> None:
    sandbox.prepare("dev")
    sandbox.prepare("dev")
    assert (sandbox.project / "Pulumi.dev.yaml").read_text() == SETTINGS
    assert sandbox.config_file("dev").read_text() == SETTINGS + "encryptionsalt: v1:xyz\n"


def test_changed_settings_reach_the_copy_and_keep_its_salt(sandbox: Sandbox) -> None:
    sandbox.prepare("dev")
    changed = "encryptionsalt: v1:of-a-real-account\n" + SETTINGS.replace("7", "8")
    (sandbox.project / "Pulumi.dev.yaml").write_text(changed)
    sandbox.prepare("dev")
    expected = SETTINGS.replace("7", "8") + "encryptionsalt: v1:xyz\n"
    assert sandbox.config_file("dev").read_text() == expected


def test_a_secret_of_another_login_becomes_a_made_up_one(sandbox: Sandbox) -> None:
    """Nobody can decrypt it here, and the engine would refuse every command."""
    committed = (
        "secretsprovider: awskms://alias/real\nencryptedkey: AbC=\nencryptionsalt: v1:real\n"
        "config:\n  tiny:token:\n    secure: v1:abc\n  tiny:b:\n    - key: {secure: v1:def}\n"
    )
    (sandbox.project / "Pulumi.dev.yaml").write_text(committed)
    sandbox.prepare("dev")
    sandbox.prepare("dev")
    assert yaml.safe_load(sandbox.config_file("dev").read_text()) == {
        "config": {"tiny:token": SECRET, "tiny:b": [{"key": SECRET}]},
        "encryptionsalt": "v1:xyz",
    }
    assert (sandbox.project / "Pulumi.dev.yaml").read_text() == committed


def test_broken_settings_reach_the_engine_which_says_what_is_wrong(sandbox: Sandbox) -> None:
    (sandbox.project / "Pulumi.dev.yaml").write_text("config:\n  a: {secure: x\n")
    sandbox.prepare("dev")
    assert sandbox.config_file("dev").read_text().startswith("config:\n  a: {secure: x\n")


@pytest.mark.parametrize(
    "rest", [["set", "--secret", "a", "b"], ["set", "a", "b", "--secret=true"]]
)
def test_no_secret_is_written_with_the_public_passphrase(rest: list[str]) -> None:
    """It would end up in a committed file, where everybody could read it."""
    with pytest.raises(SetupError, match="public passphrase"):
        refuse_public_secret("config", rest)


@pytest.mark.parametrize(("verb", "rest"), [("config", ["set", "a", "b"]), ("up", ["--secret"])])
def test_other_commands_may_go_on(verb: str, rest: list[str]) -> None:
    refuse_public_secret(verb, rest)


def test_runs_that_start_together_create_the_stack_once(sandbox: Sandbox) -> None:
    """A second creation fails, as it does with Pulumi."""
    pulumi = sandbox.bin / "pulumi"
    slow = 'ls "$state"/$3.json 2>/dev/null && exit 255; sleep 0.2\nmkdir'
    pulumi.write_text(pulumi.read_text().replace("mkdir", slow))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sandbox.prepare, ["dev"] * 4))
    assert sandbox.config_file("dev").read_text() == SETTINGS + "encryptionsalt: v1:xyz\n"


def test_a_stack_without_settings_is_named_with_those_that_have(sandbox: Sandbox) -> None:
    with pytest.raises(SetupError, match=r"stack nope has no settings(.|\n)*Pulumi\.dev\.yaml"):
        sandbox.prepare("nope")


@pytest.mark.parametrize(
    ("verb", "rest", "expected"),
    [
        (
            "preview",
            ["--diff"],
            "preview --diff --stack dev --config-file F --policy-pack policies",
        ),
        ("up", [], "up --stack dev --config-file F --policy-pack policies --yes"),
        ("destroy", [], "destroy --stack dev --config-file F --yes"),
        ("stack", ["output"], "stack output --stack dev"),
        ("about", [], "about"),
    ],
)
def test_each_verb_gets_the_arguments_that_it_knows(
    sandbox: Sandbox, verb: str, rest: list[str], expected: str
) -> None:
    (sandbox.project / "policies").mkdir()
    command = pulumi_command(sandbox, verb, stack="dev", policies=True, rest=rest)
    file = str(sandbox.config_file("dev"))
    assert command == ["pulumi", *expected.replace("F", file).split()]
