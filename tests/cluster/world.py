"""What a placement test does to the cluster: add nodes, apply objects, wait for the scheduler, ask, clean up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.cluster.api import Api, Body, condition, refusals, wait_until

SYSTEM = "kube-system"
WORKLOADS = ("deployments", "daemonsets", "replicasets")
SCHEDULE_TIMEOUT_S = 30
# Members of a list come without them.
POD = {"apiVersion": "v1", "kind": "Pod"}
TOLERATES_ALL = [{"operator": "Exists"}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One pod: the Deployment that it belongs to, its node, and why it has none."""

    owner: str
    node: str
    reason: str


class World:
    """The nodes and objects of one test."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.namespaces: set[str] = set()

    def prepare(self) -> None:
        """Put the pods on every node that clouds put there: network, storage, logs."""
        self.apply([_system_pods("node-agents", cpu="500m", memory="1Gi")])

    def apply(self, bodies: Iterable[Body]) -> None:
        """Apply objects in their order.

        Raises:
            AssertionError: the server refused one.
        """
        wanted = list(bodies)
        self.namespaces |= {
            body["metadata"]["namespace"] for body in wanted if "namespace" in body["metadata"]
        } - {SYSTEM}
        refused = list(refusals(self.api, wanted, dry_run=False))
        assert not refused, "\n".join(refused)

    def add_nodes(self, nodes: Iterable[Body]) -> None:
        """Register nodes and wait until they are ready and offer what they should."""
        wanted = list(nodes)
        for node in wanted:
            answer = self.api.apply({k: v for k, v in node.items() if k != "status"})
            assert answer.ok, answer.message
        wait_until(
            lambda: all(_is_ready(self.api.get(node).body) for node in wanted),
            what="nodes",
            timeout_s=SCHEDULE_TIMEOUT_S,
        )
        # KWOK fills in a size of its own while it makes a node ready.
        for node in wanted:
            own = {key: node[key] for key in ("apiVersion", "kind", "status")}
            answer = self.api.apply(
                own | {"metadata": {"name": node["metadata"]["name"]}}, status=True
            )
            assert answer.ok, answer.message
            assert answer.body["status"]["allocatable"] == node["status"]["allocatable"]

    def remove_nodes(self, names: Iterable[str]) -> None:
        """Delete nodes, as a cloud does that takes spot machines back."""
        for name in names:
            assert self.api.delete(f"/api/v1/nodes/{name}").ok

    def pods(self, namespace: str) -> list[Body]:
        """Return the pods that are not on their way out."""
        return [
            pod
            for pod in self.api.items(f"/api/v1/namespaces/{namespace}/pods")
            if "deletionTimestamp" not in pod["metadata"]
        ]

    def settled(
        self,
        namespace: str,
        *,
        pods: int,
        all_run: bool = False,
        timeout_s: float = SCHEDULE_TIMEOUT_S,
    ) -> list[Placed]:
        """Wait until that many pods each run, or are refused by the scheduler; return them.

        With `all_run` a refusal is not the end: nodes may still come.

        Raises:
            TimeoutError: they did not get there.
        """

        def all_decided() -> bool:
            found = self.pods(namespace)
            decided = map(_runs if all_run else _decided, found)
            return len(found) == pods and all(decided)

        wait_until(all_decided, what=f"{pods} pods of {namespace}", timeout_s=timeout_s)
        return [placed(pod) for pod in self.pods(namespace)]

    def roll_out(
        self, deployments: Iterable[Body], *, timeout_s: float = SCHEDULE_TIMEOUT_S
    ) -> None:
        """Wait until every replica is of the latest template.

        Raises:
            TimeoutError: the roll-out does not end.
        """
        for body in deployments:
            wait_until(
                lambda body=body: _rolled_out(self.api.get(body).body),  # type: ignore[misc]  # bound now
                what=f"roll-out of {body['metadata']['name']}",
                timeout_s=timeout_s,
            )

    def reclaim(self, namespace: str, *, node: str) -> None:
        """Take a node away with its pods; the cluster's own collector would wait 40 s for these."""
        self.remove_nodes([node])
        for pod in self.pods(namespace):
            if pod["spec"].get("nodeName") == node:
                self.api.delete(self.api.path(pod | POD), grace_s=0)

    def clear(self) -> None:
        """Delete nodes and pods, and what would make new ones. Namespaces stay: ending one takes long."""
        for namespace in sorted(self.namespaces):
            for plural in WORKLOADS:
                self.api.delete(f"/apis/apps/v1/namespaces/{namespace}/{plural}")
            self.api.delete(f"/api/v1/namespaces/{namespace}/pods", grace_s=0)
        self.api.delete(f"/apis/apps/v1/namespaces/{SYSTEM}/daemonsets")
        self.api.delete(f"/api/v1/namespaces/{SYSTEM}/pods", grace_s=0)
        self.api.delete("/api/v1/nodes")
        wait_until(
            lambda: not self.api.items("/api/v1/pods") and not self.api.items("/api/v1/nodes"),
            what="clearing",
            timeout_s=SCHEDULE_TIMEOUT_S,
        )


def _runs(pod: Body) -> bool:
    return bool(condition(pod, "Ready").get("status") == "True")


def _is_ready(node: Body) -> bool:
    taints = [t["key"] for t in node.get("spec", {}).get("taints", ())]
    return condition(node, "Ready").get("status") == "True" and not any(
        key.startswith("node.kubernetes.io/") for key in taints
    )


def _rolled_out(deployment: Body) -> bool:
    status, wanted = deployment["status"], deployment["spec"]["replicas"]
    return bool(
        status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        and status.get("updatedReplicas", 0) == status.get("availableReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
    )


def _decided(pod: Body) -> bool:
    if _runs(pod):
        return True
    return bool(
        condition(pod, "PodScheduled").get("reason") == "Unschedulable"
        # A pod that pushes others off its node still waits for them.
        and not pod["status"].get("nominatedNodeName")
    )


def placed(pod: Body) -> Placed:
    """Return where a pod is, or what the scheduler says."""
    return Placed(
        owner=_owner(pod),
        node=pod["spec"].get("nodeName", ""),
        reason=condition(pod, "PodScheduled").get("message", ""),
    )


def _owner(pod: Body) -> str:
    """Return the Deployment's name: that of the ReplicaSet without its hash."""
    references: Sequence[Body] = pod["metadata"].get("ownerReferences", ())
    for reference in references:
        name: str = reference["name"]
        return name.rpartition("-")[0] if reference["kind"] == "ReplicaSet" else name
    return str(pod["metadata"]["name"])


def by_pool(pods: Iterable[Placed]) -> Counter[tuple[str, str]]:
    """Count pods by owner and pool; the pool of a pod without a node is empty."""
    return Counter((pod.owner, pod.node.rpartition("-")[0]) for pod in pods)


def _system_pods(name: str, *, cpu: str, memory: str) -> Body:
    labels = {"app": name}
    requests = {"cpu": cpu, "memory": memory}
    container = {
        "name": name,
        "image": "example.invalid/agent:1",
        "resources": {"requests": requests},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": SYSTEM},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "priorityClassName": "system-node-critical",
                    "tolerations": TOLERATES_ALL,
                    "containers": [container],
                },
            },
        },
    }
