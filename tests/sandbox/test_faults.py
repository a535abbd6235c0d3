"""Planned failures, and what the engine is told about them."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from sandbox.ctl import main
from sandbox.ledger import Ledger
from tests.sandbox import stacks
from tests.sandbox.client import Made, Plugin, RefusedError, executable, running

VPC = "aws:ec2/vpc:Vpc"
RANGE = {"cidrBlock": "10.0.0.0/16"}


def control(ledger: Ledger, *arguments: str) -> int:
    """Run the command line on the test's ledger."""
    return main(["--ledger", str(ledger.path), *arguments])


def test_an_error_is_told_word_for_word_and_only_as_often_as_planned(
    aws: Plugin, ledger: Ledger
) -> None:
    control(ledger, "fault", "error", "it", "--message", "LimitExceeded: five", "--times", "2")
    for _ in range(2):
        with pytest.raises(RefusedError, match=r"^FAILED_PRECONDITION: LimitExceeded: five$"):
            aws.create(VPC, RANGE)
    assert ledger.records() == []
    assert aws.create(VPC, RANGE).id


@pytest.mark.parametrize(
    ("kind", "text"),
    [("throttle", "ThrottlingException"), ("capacity", "InsufficientInstanceCapacity")],
)
def test_throttling_and_capacity_leave_the_state_clean(
    aws: Plugin, ledger: Ledger, kind: str, text: str
) -> None:
    """RESOURCE_EXHAUSTED is a code after which the engine knows that nothing was made."""
    control(ledger, "fault", kind, "aws:ec2/*")
    with pytest.raises(RefusedError, match=text) as refused:
        aws.create(VPC, RANGE)
    assert refused.value.code == "RESOURCE_EXHAUSTED"


def test_a_broken_pool_exists_with_its_reasons_and_an_update_heals_it(
    aws: Plugin, ledger: Ledger
) -> None:
    control(ledger, "fault", "partial", "l4-spot")
    with pytest.raises(RefusedError) as refused:
        stacks.eks_pool(aws)
    failure = refused.value.init_failure
    assert failure is not None
    assert failure["id"] == "llm:l4-spot"
    assert failure["properties"]["status"] == "CREATE_FAILED"
    assert "NodeCreationFailure" in failure["reasons"][0]
    (record,) = ledger.records(stacks.NODE_GROUP)
    assert (record.id, record.outputs["status"]) == ("llm:l4-spot", "CREATE_FAILED")
    broken = Made(record.token, "l4-spot", record.id, record.inputs, record.outputs)
    assert aws.update(broken, record.inputs).outputs["status"] == "ACTIVE"


def test_faults_match_type_logical_name_and_cloud_name(aws: Plugin, ledger: Ledger) -> None:
    for match in ("aws:iam/role:Role", "lo?ical", "cloud-*"):
        control(ledger, "fault", "error", match)
        with pytest.raises(RefusedError):
            aws.create(
                "aws:iam/role:Role",
                {"name": "cloud-name", "assumeRolePolicy": stacks.ASSUME},
                name="logical",
            )
    control(ledger, "fault", "error", "other")
    assert aws.create(VPC, RANGE).id


def test_a_fault_waits_for_its_operation(aws: Plugin, ledger: Ledger) -> None:
    control(ledger, "fault", "error", "*", "--operation", "delete")
    vpc = aws.create(VPC, RANGE)
    with pytest.raises(RefusedError):
        aws.delete(vpc)
    aws.delete(vpc)


def test_a_sleeping_create_holds_up_no_other(aws: Plugin, ledger: Ledger) -> None:
    control(ledger, "fault", "sleep", "slow", "--seconds", "1.5")
    start = time.monotonic()
    slow = threading.Thread(target=aws.create, args=(VPC, RANGE), kwargs={"name": "slow"})
    slow.start()
    aws.create("aws:iam/role:Role", {"assumeRolePolicy": stacks.ASSUME}, name="quick")
    assert time.monotonic() - start < 1
    slow.join()
    assert time.monotonic() - start > 1.4


def test_a_lost_answer_leaves_the_resource_and_the_next_try_is_refused(
    plugins: Path, ledger: Ledger
) -> None:
    """The engine records nothing, the cloud has it: an explicit name prevents the second one."""
    control(ledger, "fault", "kill_after", "weights")
    inputs = {"bucket": "weights", "tags": stacks.TAGS}
    program = executable(plugins, "aws")
    with running(program, ledger=ledger.path) as first:
        first.configure(region="us-west-2")
        with pytest.raises(RefusedError) as refused:
            first.create("aws:s3/bucket:Bucket", inputs)
        assert refused.value.code == "UNAVAILABLE"
    with running(program, ledger=ledger.path) as second:
        second.configure(region="us-west-2")
        with pytest.raises(RefusedError, match="weights already exists with id weights"):
            second.create("aws:s3/bucket:Bucket", inputs)


def test_two_processes_never_both_take_the_last_node(plugins: Path, ledger: Ledger) -> None:
    ledger.set_capacity(package="aws", region="us-west-2", sku="g6.2xlarge", market="spot", nodes=2)
    program = executable(plugins, "aws")
    with running(program, ledger=ledger.path) as one, running(program, ledger=ledger.path) as two:
        one.configure(region="us-west-2")
        two.configure(region="us-west-2")
        _, subnets, role = stacks.eks_cluster(one)
        inputs = stacks.node_group(
            subnetIds=[subnet.id for subnet in subnets], nodeRoleArn=role.outputs["arn"]
        )
        refused: list[str] = []

        def take(plugin: Plugin, name: str) -> None:
            try:
                plugin.create(stacks.NODE_GROUP, {**inputs, "nodeGroupName": name}, name=name)
            except RefusedError as error:
                refused.append(error.code)

        threads = [threading.Thread(target=take, args=(p, n)) for p, n in ((one, "a"), (two, "b"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert refused == ["RESOURCE_EXHAUSTED"]
    assert len(ledger.records(stacks.NODE_GROUP)) == 1


def test_a_plugin_ends_quietly_on_an_interrupt(plugins: Path, ledger_file: Path) -> None:
    with running(executable(plugins, "aws"), ledger=ledger_file) as plugin:
        plugin.process.send_signal(signal.SIGINT)
        assert plugin.process.wait(timeout=5) == 0


def test_a_plugin_ends_when_its_engine_is_gone(plugins: Path, ledger_file: Path) -> None:
    """A killed engine says nothing; the parent's process id changes."""
    script = f'"{executable(plugins, "aws")}" 127.0.0.1:1 & echo $!; read line'
    with subprocess.Popen(
        ["sh", "-c", script],
        env={"PATH": "/usr/bin:/bin", "OUTLAY_SANDBOX": str(ledger_file)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as engine:
        assert engine.stdout is not None
        plugin = int(engine.stdout.readline())
        engine.stdout.readline()
        assert alive(plugin)
        engine.kill()
    for _ in range(40):
        if not alive(plugin):
            return
        time.sleep(0.1)
    pytest.fail("the plugin outlived its engine by 4 s")


def alive(pid: int) -> bool:
    """Return whether a process runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
