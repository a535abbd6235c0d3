"""A small project in a git repository, on the sandbox, with a change on top of what was merged."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engine.harness import VENV, Project

OUTLAY = VENV / "bin" / "outlay"
TIMEOUT_S = 180
# An EKS cluster with nodes of g6.xlarge in us-east-1, at the prices of the real price book.
PROGRAM = """
    import pulumi_aws as aws

    tags = {{"outlay:project": "tiny", "outlay:stack": "dev", "team": "x", "Name": "tiny"}}
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", tags=tags)
    subnets = [
        aws.ec2.Subnet(
            f"subnet-{{letter}}",
            vpc_id=vpc.id,
            cidr_block=f"10.0.{{index}}.0/24",
            availability_zone=f"us-east-1{{letter}}",
            tags=tags,
        ).id
        for index, letter in enumerate("ab")
    ]
    role = aws.iam.Role(
        "role", name="tiny", assume_role_policy='{{"Version":"2012-10-17","Statement":[]}}', tags=tags
    )
    cluster = aws.eks.Cluster(
        "cluster",
        name="tiny",
        role_arn=role.arn,
        version="1.34",
        vpc_config={{"subnet_ids": subnets}},
        tags=tags,
    )
    aws.eks.NodeGroup(
        "gpu",
        cluster_name=cluster.name,
        node_group_name="gpu-{disk}",
        node_role_arn=role.arn,
        subnet_ids=subnets,
        instance_types=["g6.xlarge"],
        ami_type="AL2023_x86_64_NVIDIA",
        capacity_type="ON_DEMAND",
        disk_size={disk},
        scaling_config={{"min_size": 0, "desired_size": {nodes}, "max_size": 10}},
        tags=tags,
    )
"""
SETTINGS = "config:\n  aws:region: us-east-1\n  outlay:budgetUsdPerMonth: '{budget}'\n"


def program(*, nodes: object = 2, disk: int = 100, more: str = "") -> str:
    """Return the program's text."""
    return PROGRAM.format(nodes=nodes, disk=disk) + more


@dataclass(frozen=True)
class Answer:
    """What one verb of outlay said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Change:
    """A project whose first commit is `main` and whose working tree is what is proposed."""

    project: Project

    @property
    def folder(self) -> Path:
        """The project's folder, which is the repository's root."""
        return self.project.folder

    def merge(self) -> None:
        """Make what is there now the base."""
        (self.folder / ".gitignore").write_text(".venv\n__pycache__/\n")
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "base")

    def git(self, *arguments: str) -> str:
        """Run git in the repository."""
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.folder,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def propose(self, text: str) -> None:
        """Change the program."""
        import textwrap

        (self.folder / "infra" / "__main__.py").write_text(textwrap.dedent(text))

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a verb and leave it running."""
        return subprocess.Popen(
            [OUTLAY, *arguments],
            cwd=self.folder,
            env=self.project.environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def outlay(self, *arguments: str, env: Mapping[str, str] | None = None) -> Answer:
        """Run a verb to its end."""
        with self.start(*arguments, env=env) as process:
            out, err = process.communicate(timeout=TIMEOUT_S)
        return Answer(process.returncode, out, err)

    def trees(self) -> int:
        """Return how many checkouts git knows of."""
        return self.git("worktree", "list", "--porcelain").count("worktree ")


def by_name(diff: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the resources of a diff's JSON by their names."""
    return {each["urn"].rsplit("::", 1)[-1]: each for each in diff["resources"]}
