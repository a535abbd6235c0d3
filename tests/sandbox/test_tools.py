"""Installing the plugins, the generated schemas, and the command line on the ledger."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox import aws, gcp, generate_schemas
from sandbox.aws_types import TYPES as AWS_TYPES
from sandbox.ctl import main
from sandbox.gcp_types import TYPES as GCP_TYPES
from sandbox.install import InstallError, install_plugins
from sandbox.ledger import Ledger
from sandbox.schema import load_schema
from tests.sandbox import stacks
from tests.sandbox.client import Plugin, executable

REPOSITORY = Path(__file__).parent.parent.parent


def test_plugins_lie_where_the_engine_looks_at_the_sdks_versions(plugins: Path) -> None:
    for package in ("aws", "gcp"):
        version = load_schema(package).version
        program = plugins / f"resource-{package}-v{version}" / f"pulumi-resource-{package}"
        assert program.stat().st_mode & 0o111
    assert executable(plugins, "kubernetes").exists()


def test_a_second_installation_writes_nothing_and_takes_no_time(plugins: Path) -> None:
    before = executable(plugins, "aws").stat().st_mtime_ns
    start = time.perf_counter()
    install_plugins(plugins, python=Path(sys.executable))
    assert time.perf_counter() - start < 0.1
    assert executable(plugins, "aws").stat().st_mtime_ns == before


def test_installing_needs_no_package(tmp_path: Path) -> None:
    """Set-up may run it with any Python, before or outside the virtual environment."""
    program = [sys.executable, "-S", "-E", str(REPOSITORY / "sandbox" / "install.py")]
    subprocess.run([*program, str(tmp_path), "--python", sys.executable], check=True)
    assert executable(tmp_path, "gcp").exists()


def test_an_interpreter_outside_a_virtual_environment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="run `make setup`"):
        install_plugins(tmp_path, python=tmp_path / "bin" / "python")


def test_paths_with_spaces_and_quotes_work(plugins: Path, tmp_path: Path) -> None:
    environment = tmp_path / "it's a venv"
    environment.symlink_to(Path(sys.executable).parent.parent)
    install_plugins(tmp_path / "plugins", python=environment / "bin" / "python")
    result = subprocess.run(
        [executable(tmp_path / "plugins", "aws"), "127.0.0.1:1"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "OUTLAY_SANDBOX names its ledger file" in result.stderr


def test_a_plugin_does_not_start_without_a_ledger(plugins: Path) -> None:
    """It must never be taken for a real provider."""
    result = subprocess.run(
        [executable(plugins, "aws"), "127.0.0.1:1"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert "this is outlay's sandbox, not a real cloud provider" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_broken_ledger_is_named(plugins: Path, tmp_path: Path) -> None:
    broken = tmp_path / "ledger.db"
    broken.write_bytes(b"not a database, but long enough to look like a file of some kind" * 20)
    result = subprocess.run(
        [executable(plugins, "aws"), "127.0.0.1:1"],
        env={"PATH": "/usr/bin:/bin", "OUTLAY_SANDBOX": str(broken)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert f"{broken}: not a usable ledger" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("package", ["aws", "gcp"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDKs warn about their own classes
@pytest.mark.slow
def test_the_committed_schemas_are_those_of_the_installed_sdks(package: str) -> None:
    """Regenerate with `python -m sandbox.generate_schemas`."""
    committed = (generate_schemas.SCHEMAS / f"{package}.json").read_text()
    assert committed == generate_schemas.text(generate_schemas.build(package))


@pytest.mark.parametrize(
    ("package", "types", "functions"),
    [("aws", AWS_TYPES, aws.FUNCTIONS), ("gcp", GCP_TYPES, gcp.FUNCTIONS)],
)
def test_schemas_and_rules_cover_the_same(
    package: str, types: dict[str, object], functions: dict[str, object]
) -> None:
    schema = load_schema(package)
    assert set(schema.resources) == set(types)
    assert set(schema.functions) == set(functions)


def test_every_rule_names_properties_that_the_sdk_has() -> None:
    """A misspelled path would silently never force, reference or protect."""
    for package, types in (("aws", AWS_TYPES), ("gcp", GCP_TYPES)):
        schema = load_schema(package)
        for token, kind in types.items():
            paths = [*kind.replace, *(reference.path for reference in kind.references)]
            heads = {path.lstrip("!").split(".")[0].split("[")[0] for path in paths}
            heads |= {name.split(".")[0] for name in (kind.name, kind.labels) if name}
            assert heads <= set(schema.resources[token]["inputs"]), token
            assert set(kind.defaults) <= set(schema.resources[token]["outputs"]), token


def run(ledger: Ledger, *arguments: str) -> int:
    """Run the command line on the test's ledger."""
    return main(["--ledger", str(ledger.path), *arguments])


def test_ls_and_empty(aws: Plugin, ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ledger, "empty") == 0
    stacks.eks_pool(aws)
    assert run(ledger, "ls") == 0
    shown = capsys.readouterr().out
    assert "aws:eks/nodeGroup:NodeGroup  llm:l4-spot  us-west-2  2 x g6.2xlarge spot" in shown
    assert run(ledger, "empty") == 1
    assert "the sandbox still holds 6 resources" in capsys.readouterr().err


def test_a_change_behind_the_programs_back_is_seen_by_a_refresh(
    aws: Plugin, ledger: Ledger
) -> None:
    pool = stacks.eks_pool(aws)
    assert run(ledger, "change", "l4-spot", "scalingConfig.desiredSize", "4") == 0
    read = aws.read(pool.token, pool.id, inputs=pool.inputs, outputs=pool.outputs)
    assert read.inputs.fields["scalingConfig"].struct_value.fields["desiredSize"].number_value == 4
    assert read.properties.fields["scalingConfig"].struct_value["desiredSize"] == 4


def test_a_delete_behind_the_programs_back_is_seen_by_a_refresh(
    aws: Plugin, ledger: Ledger
) -> None:
    pool = stacks.eks_pool(aws)
    assert run(ledger, "delete", "llm:l4-spot") == 0
    assert aws.read(pool.token, pool.id, inputs=pool.inputs, outputs=pool.outputs).id == ""


def test_an_ambiguous_or_absent_name_is_refused(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(ledger, "delete", "nothing") == 1
    assert "0 resources go by 'nothing'" in capsys.readouterr().err


def test_a_path_that_leads_nowhere_is_refused(
    aws: Plugin, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.create("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}, name="net")
    assert run(ledger, "change", "net", "cidrBlock.x[3].y", "1") == 1
    assert "cidrBlock.x[3].y: there is no such place" in capsys.readouterr().err


def test_a_ledger_that_cannot_be_made_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["--ledger", str(tmp_path / "file" / "ledger.db"), "ls"]) == 1
    assert "not a usable ledger" in capsys.readouterr().err


def test_calls_are_noted_with_their_region_and_process(aws: Plugin, ledger: Ledger) -> None:
    aws.create("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16", "region": "us-east-1"}, name="east")
    (call,) = ledger.calls()
    assert (call.operation, call.name, call.region) == ("create", "east", "us-east-1")
    assert call.process == aws.process.pid


def test_limits_and_faults_can_be_listed_and_cleared(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    run(ledger, "fault", "throttle", "gpu-*", "--times", "3")
    run(ledger, "capacity", "aws", "us-west-2", "p5.48xlarge", "spot", "0")
    run(ledger, "quota", "gcp", "us-central1", "spot", "gpus", "8")
    run(ledger, "faults")
    assert capsys.readouterr().out == "throttle on create of gpu-*, 3 more time(s)\n"
    where = {"package": "aws", "region": "us-west-2", "sku": "p5.48xlarge", "market": "spot"}
    assert ledger.capacity(**where) == 0
    assert ledger.quotas(package="gcp", region="us-central1", market="spot") == {"gpus": 8}
    run(ledger, "clear-faults")
    run(ledger, "clear-limits")
    assert ledger.faults() == []
    assert ledger.capacity(**where) is None


def test_schema_files_are_stable_json(tmp_path: Path) -> None:
    for path in generate_schemas.SCHEMAS.glob("*.json"):
        content = json.loads(path.read_text())
        assert generate_schemas.text(content) == path.read_text()
