"""The real engine and the real SDKs on the simulated clouds: whole lives, failures, recovery."""

from __future__ import annotations

import json
import os
import signal
import sys
import textwrap
import time
from pathlib import Path
from typing import Protocol

import pytest

from sandbox.ctl import main
from sandbox.install import install_plugins
from sandbox.ledger import Ledger
from tests.engine.harness import Project, copy_project
from tools.setup.errors import SetupError
from tools.setup.layout import REPOSITORY, Layout
from tools.setup.record import chosen_engine

pytestmark = pytest.mark.engine

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
PROJECT_FILE = """\
name: tiny
runtime: {name: python, options: {toolchain: pip, virtualenv: .venv}}
main: infra
"""
# A file beside the program says what differs from one run to the next.
PROGRAM = """\
import json
import pathlib

import pulumi
import pulumi_aws as aws

change = json.loads(pathlib.Path("change.json").read_text())
tags = {"outlay:project": pulumi.get_project(), "outlay:stack": pulumi.get_stack()}
west = aws.Provider("west", region="us-west-2")
opts = pulumi.ResourceOptions(provider=west)
vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16", opts=opts)
subnets = [
    aws.ec2.Subnet(
        f"net-{letter}",
        vpc_id=vpc.id,
        cidr_block=f"10.0.{index}.0/24",
        availability_zone=f"us-west-2{letter}",
        opts=opts,
    )
    for index, letter in enumerate("ab")
]
role = aws.iam.Role("node", name="node", assume_role_policy="{}", opts=opts)
cluster = aws.eks.Cluster(
    "llm",
    name="llm",
    role_arn=role.arn,
    vpc_config={"subnet_ids": [subnet.id for subnet in subnets]},
    tags=tags,
    opts=opts,
)
pool = aws.eks.NodeGroup(
    "gpu",
    cluster_name=cluster.name,
    node_group_name=change.get("name", "gpu"),
    node_role_arn=role.arn,
    subnet_ids=[subnet.id for subnet in subnets],
    instance_types=[change.get("type", "g6.2xlarge")],
    capacity_type="SPOT",
    ami_type="AL2023_x86_64_NVIDIA",
    scaling_config={"desired_size": change.get("nodes", 2), "min_size": 1, "max_size": 8},
    tags=tags,
    opts=opts,
)
pulumi.export("vpc", cluster.vpc_config.vpc_id)
pulumi.export("status", pool.status)
"""


class Change(Protocol):
    """Change what the program asks for: nodes, type, name."""

    def __call__(self, **change: object) -> None: ...


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with an EKS cluster and a GPU pool, on a world of its own."""
    source = tmp_path / "source"
    (source / "infra").mkdir(parents=True)
    (source / "Pulumi.yaml").write_text(PROJECT_FILE)
    (source / "Pulumi.dev.yaml").write_text("config: {}\n")
    (source / "infra" / "__main__.py").write_text(textwrap.dedent(PROGRAM))
    (source / "infra" / "change.json").write_text("{}")
    try:
        engine = chosen_engine(Layout.of(REPOSITORY))
    except SetupError as error:
        pytest.fail(str(error), pytrace=False)
    made = copy_project(source, home=tmp_path, engine=engine.bin, stack="dev", plugins=False)
    install_plugins(made.sandbox.plugins, python=Path(sys.executable))
    return made


@pytest.fixture
def change(project: Project) -> Change:
    """Change what the program asks for."""

    def write(**changes: object) -> None:
        (project.folder / "infra" / "change.json").write_text(json.dumps(changes))

    return write


@pytest.fixture
def ledger(project: Project) -> Ledger:
    """The ledger that the engine's plugins keep."""
    return Ledger(project.sandbox.ledger)


GKE_PROGRAM = """\
import json

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

labels = {"outlay-project": pulumi.get_project(), "outlay-stack": pulumi.get_stack()}
cloud = gcp.Provider("cloud", project="sandbox-project", region="us-central1")
opts = pulumi.ResourceOptions(provider=cloud)
cluster = gcp.container.Cluster(
    "llm",
    name="llm",
    location="us-central1",
    initial_node_count=1,
    remove_default_node_pool=True,
    deletion_protection=False,
    resource_labels=labels,
    opts=opts,
)
pool = gcp.container.NodePool(
    "gpu",
    name="gpu",
    cluster=cluster.id,
    node_locations=["us-central1-a"],
    node_count=2,
    node_config={
        "machine_type": "g2-standard-8",
        "spot": True,
        "guest_accelerators": [{"type": "nvidia-l4", "count": 1}],
        "resource_labels": labels,
    },
    opts=opts,
)


def config(endpoint: str) -> str:
    server = {"name": "k", "cluster": {"server": f"https://{endpoint}"}}
    context = {"name": "c", "context": {"cluster": "k", "user": "u"}}
    return json.dumps({"current-context": "c", "contexts": [context], "clusters": [server]})


inside = kubernetes.Provider("inside", kubeconfig=pulumi.Output.secret(cluster.endpoint.apply(config)))
on = pulumi.ResourceOptions(provider=inside, depends_on=[pool])
namespace = kubernetes.core.v1.Namespace("llm-d", metadata={"name": "llm-d"}, opts=on)
secret = kubernetes.core.v1.Secret(
    "hf", metadata={"name": "hf", "namespace": namespace.metadata.name}, string_data={"t": "hush"}, opts=on
)
deployment = kubernetes.apps.v1.Deployment(
    "vllm",
    metadata={"name": "vllm", "namespace": namespace.metadata.name},
    spec={
        "replicas": 2,
        "selector": {"match_labels": {"app": "vllm"}},
        "template": {
            "metadata": {"labels": {"app": "vllm"}},
            "spec": {"containers": [{"name": "vllm", "image": "vllm:1"}]},
        },
    },
    opts=on,
)
pulumi.export("groups", pool.instance_group_urls)
pulumi.export("uid", deployment.metadata.uid)
pulumi.export("token", secret.string_data)
"""


def test_a_gke_cluster_and_what_runs_on_it(project: Project, ledger: Ledger) -> None:
    """The kubeconfig is an output: a preview shows the objects, an up makes them on that cluster."""
    (project.folder / "infra" / "__main__.py").write_text(GKE_PROGRAM)
    preview = project.preview().ok()
    assert preview.changes() == {"create": 8}
    assert project.up().ok().changes() == {"create": 8}
    outputs = project.outputs()
    assert outputs["uid"].startswith("sandbox-")
    assert len(outputs["groups"]) == 1
    assert outputs["token"] == "[secret]"
    assert "hush" not in project.pulumi("stack", "export", "--stack", "dev").ok().stdout
    cluster = ledger.records("gcp:container/cluster:Cluster")[0].outputs["endpoint"]
    assert {record.region for record in ledger.records(package="kubernetes")} == {cluster}
    assert project.up().ok().changes() == {"same": 8}
    assert project.refresh().ok().changes() == {"same": 8}
    project.destroy().ok()
    assert ledger.records() == []


def plan_fault(ledger: Ledger, *arguments: str) -> None:
    """Plan a failure."""
    assert main(["--ledger", str(ledger.path), "fault", *arguments]) == 0


def plugin_processes(project: Project) -> list[int]:
    """Return the plugins that still run for a project."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                environment = (folder / "environ").read_bytes()
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            ours = str(project.sandbox.ledger).encode() in environment
            if ours and b"sandbox.plugin" in command:
                found.append(int(folder.name))
    return found


def test_a_stack_lives_its_whole_life(project: Project, ledger: Ledger, change: Change) -> None:
    """Preview, up, up again, update, replace, drift, refresh, heal, destroy."""
    assert project.preview().ok().changes() == {"create": 8}
    assert ledger.records() == []

    assert project.up().ok().changes()["create"] == 8
    assert project.outputs()["vpc"].startswith("vpc-sandbox")
    assert project.outputs()["status"] == "ACTIVE"
    assert project.up().ok().changes() == {"same": 8}

    change(nodes=3)
    (step,) = [s for s in project.up().ok().steps() if s.op == "update"][:1]
    assert (step.type, step.differs) == (NODE_GROUP, ("scalingConfig.desiredSize",))
    assert ledger.records(NODE_GROUP)[0].usage.nodes == 3

    change(nodes=3, type="g6.4xlarge", name="gpu-2")
    replaced = [step.op for step in project.up().ok().steps() if step.name == "gpu"]
    assert {"create-replacement", "replace", "delete-replaced"} <= set(replaced)
    assert [record.id for record in ledger.records(NODE_GROUP)] == ["llm:gpu-2"]

    assert (
        main(["--ledger", str(ledger.path), "change", "gpu-2", "scalingConfig.desiredSize", "7"])
        == 0
    )
    assert project.refresh().ok().changes()["update"] == 1
    healed = [step for step in project.up().ok().steps() if step.op == "update"]
    assert [(step.name, step.differs) for step in healed][:1] == [
        ("gpu", ("scalingConfig.desiredSize",))
    ]

    project.destroy().ok()
    assert ledger.records() == []
    assert plugin_processes(project) == []


def test_no_capacity_stops_one_pool_and_the_next_up_goes_on(
    project: Project, ledger: Ledger
) -> None:
    plan_fault(ledger, "capacity", "gpu")
    failed = project.up("--skip-preview")
    assert failed.code == 1
    assert "InsufficientInstanceCapacity: there is no capacity" in failed.text
    again = project.up("--skip-preview").ok().changes()
    assert (again["create"], again["same"]) == (1, 7)


def test_a_pool_that_comes_up_broken_is_kept_and_healed(project: Project, ledger: Ledger) -> None:
    plan_fault(ledger, "partial", "gpu")
    failed = project.up("--skip-preview")
    assert failed.code == 1
    assert "NodeCreationFailure: Instances failed to join" in failed.text
    assert ledger.records(NODE_GROUP)[0].outputs["status"] == "CREATE_FAILED"
    assert project.up("--skip-preview").ok().changes()["update"] == 1
    assert project.outputs()["status"] == "ACTIVE"
    assert len(ledger.records(NODE_GROUP)) == 1


def test_wrong_inputs_stop_the_preview_with_property_and_reason(
    project: Project, change: Change
) -> None:
    change(type="g6.2xlrge")
    failed = project.preview()
    assert failed.code == 1
    assert "instanceTypes[0]: aws has no machine type 'g6.2xlrge'" in failed.text
    assert 'did you mean "g6.2xlarge"?' in failed.text


def test_a_lost_answer_is_refused_as_a_twin_and_adopted(project: Project, ledger: Ledger) -> None:
    """The provider dies after the cloud made the pool; nothing is bought twice."""
    plan_fault(ledger, "kill_after", "gpu")
    assert project.up("--skip-preview").code != 0
    assert [record.id for record in ledger.records(NODE_GROUP)] == ["llm:gpu"]
    refused = project.up("--skip-preview")
    assert "ResourceInUseException: gpu already exists with id llm:gpu" in refused.text
    provider = next(
        resource["urn"]
        for resource in json.loads(project.pulumi("stack", "export", "--stack", "dev").ok().stdout)[
            "deployment"
        ]["resources"]
        if resource["type"] == "pulumi:providers:aws"
    )
    project.pulumi(
        *project.command("import", NODE_GROUP, "gpu", "llm:gpu", "--provider", f"west={provider}"),
        "--generate-code=false", "--protect=false", "--yes", "--skip-preview",
    ).ok()  # fmt: skip
    assert project.up("--skip-preview").ok().changes() == {"same": 8}


def test_a_killed_engine_leaves_no_plugin_behind(project: Project, ledger: Ledger) -> None:
    plan_fault(ledger, "sleep", "gpu", "--seconds", "60")
    process = project.start(*project.command("up", "--yes", "--skip-preview"))
    for _ in range(300):
        if any(call.name == "gpu" for call in ledger.calls()):
            break
        time.sleep(0.1)
    assert plugin_processes(project) != []
    os.killpg(process.pid, 0)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    for _ in range(50):
        if not plugin_processes(project):
            return
        time.sleep(0.1)
    pytest.fail("plugins outlived their engine by 5 s")
