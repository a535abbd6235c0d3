"""What is built from which Go module. Each tool has a module of its own: their dependencies clash."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.setup.errors import SetupError

SOURCES = Path(__file__).resolve().parent
STRIPPED = "-s -w"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoTool:
    """Programs that are built together from the module in `tools/cluster/<name>`.

    Attributes:
        module: Where the pinned version is read, and whose files are copied.
        programs: Import path of the main package by the name of the program.
        version_flags: Linker flags that tell the programs their version; `{version}`, `{minor}`.
        files: Copied beside the programs, by path inside the module.
        cpu_seconds: What a build costs with empty caches on one core.
    """

    name: str
    module: str
    programs: Mapping[str, str]
    cpu_seconds: int
    version_flags: str = ""
    files: tuple[str, ...] = field(default=())

    @property
    def sources(self) -> Path:
        """The folder with go.mod and go.sum."""
        return SOURCES / self.name

    @property
    def version(self) -> str:
        """The version that go.mod pins, with its v.

        Raises:
            SetupError: go.mod does not name the module.
        """
        text = (self.sources / "go.mod").read_text(encoding="utf-8")
        match = re.search(rf"^(?:require)?\s*{re.escape(self.module)} (v\S+)", text, re.MULTILINE)
        if match is None:
            raise SetupError(
                f"{self.sources / 'go.mod'} does not require {self.module}",
                fix=f"git checkout tools/cluster/{self.name}/go.mod",
            )
        return match[1]

    @property
    def ldflags(self) -> str:
        """The linker's flags."""
        minor = self.version.split(".")[1]
        return f"{STRIPPED} {self.version_flags.format(version=self.version, minor=minor)}".strip()


_K8S_VERSION = "k8s.io/component-base/version"
KUBERNETES = GoTool(
    name="k8s",
    module="k8s.io/kubernetes",
    programs={
        "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
        "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
        "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    },
    # Without them the server calls itself v0.0.0, and its gates by version go wrong.
    version_flags=(
        f"-X {_K8S_VERSION}.gitVersion={{version}} -X {_K8S_VERSION}.gitMajor=1"
        f" -X {_K8S_VERSION}.gitMinor={{minor}} -X {_K8S_VERSION}.gitCommit=none"
        " -X k8s.io/client-go/pkg/version.gitVersion={version}"
    ),
    cpu_seconds=600,
)
ETCD = GoTool(
    name="etcd",
    module="go.etcd.io/etcd/server/v3",
    programs={"etcd": "go.etcd.io/etcd/server/v3"},
    cpu_seconds=51,
)
_STAGES = "kustomize/stage"
KWOK = GoTool(
    name="kwok",
    module="sigs.k8s.io/kwok",
    programs={"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
    # It makes nodes ready and pods run only by these; without any it exits.
    files=(
        f"{_STAGES}/node/fast/node-initialize.yaml",
        f"{_STAGES}/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
        f"{_STAGES}/pod/fast/pod-ready.yaml",
        f"{_STAGES}/pod/fast/pod-delete.yaml",
    ),
    cpu_seconds=130,
)
PICKER = GoTool(
    name="epp",
    module="sigs.k8s.io/gateway-api-inference-extension",
    programs={"epp": "sigs.k8s.io/gateway-api-inference-extension/cmd/epp"},
    # The kinds that this picker watches, in the groups that it knows.
    files=(
        "config/crd/bases/inference.networking.x-k8s.io_inferencemodelrewrites.yaml",
        "config/crd/bases/inference.networking.x-k8s.io_inferenceobjectives.yaml",
    ),
    cpu_seconds=217,
)
SIMULATOR = GoTool(
    name="sim",
    module="github.com/llm-d/llm-d-inference-sim",
    programs={
        "llm-d-inference-sim": "github.com/llm-d/llm-d-inference-sim/cmd/llm-d-inference-sim"
    },
    cpu_seconds=272,
)
CONTROL_PLANE = (ETCD, KUBERNETES, KWOK)
DATA_PATH = (PICKER, SIMULATOR)
