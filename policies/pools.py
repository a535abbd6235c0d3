"""Node pools as a scheduler sees them: labels, taints, GPUs; the same for every cloud."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from outlay.catalog import Market
from outlay.catalog.labels import MARKET_LABEL, Taint
from outlay.pricing.inputs import is_unknown
from outlay.pricing.types import NodeSet
from policies.declared import Declared, at, listed, mapped
from policies.machines import gpus_per_node
from policies.stack import Stack

EFFECTS = {
    "NO_SCHEDULE": "NoSchedule",
    "PREFER_NO_SCHEDULE": "PreferNoSchedule",
    "NO_EXECUTE": "NoExecute",
}
EKS, GKE = "aws:eks/nodeGroup:NodeGroup", "gcp:container/nodePool:NodePool"
LAMBDA = "pulumi-python:dynamic/outlay/lambda:Instance"
AKS, CKS = "azure-native:containerservice", "kubernetes:compute.coreweave.com/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A declared pool of nodes that pods can be scheduled on."""

    name: str
    urn: str
    nodes: NodeSet
    gpus_per_node: int
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]

    @property
    def is_spot(self) -> bool:
        """Whether the cloud may take its nodes back."""
        return self.nodes.market is Market.SPOT


def pools(stack: Stack) -> tuple[Pool, ...]:
    """Return the node pools of all clusters."""
    return tuple(pool for each in stack.resources for pool in _pools(each))


def _pools(declared: Declared) -> Iterator[Pool]:
    for nodes, (labels, taints) in zip(declared.nodes, _pool_inputs(declared), strict=False):
        if nodes.reserved:
            continue
        yield Pool(
            name=declared.name,
            urn=declared.urn,
            nodes=nodes,
            gpus_per_node=gpus_per_node(nodes),
            labels={key: value for key, value in labels.items() if isinstance(value, str)},
            taints=tuple(taints),
        )


def _pool_inputs(
    declared: Declared,
) -> Iterator[tuple[Mapping[str, object], Iterable[Taint]]]:
    kind, inputs = declared.resource_type, declared.inputs
    if kind == EKS:
        yield mapped(inputs.get("labels")), _taints(inputs.get("taints"))
    elif kind == GKE:
        config = mapped(inputs.get("nodeConfig"))
        yield mapped(config.get("labels")), _taints(config.get("taints"))
    elif kind.startswith(CKS):
        spec = mapped(inputs.get("spec"))
        yield mapped(spec.get("nodeLabels")), _taints(spec.get("nodeTaints"))
    elif kind == LAMBDA:
        yield mapped(inputs.get("node_labels")), _taints(inputs.get("node_taints"))
    elif kind.startswith(AKS):
        for pool in map(mapped, listed(inputs.get("agentPoolProfiles")) or (inputs,)):
            yield mapped(pool.get("nodeLabels")), _written_taints(pool.get("nodeTaints"))


def _taints(value: object) -> Iterator[Taint]:
    for taint in map(mapped, listed(value)):
        effect = str(taint.get("effect", ""))
        yield Taint(
            key=str(taint.get("key", "")),
            value=str(taint.get("value") or ""),
            effect=EFFECTS.get(effect, effect),
        )


def _written_taints(value: object) -> Iterator[Taint]:
    """Read taints as AKS writes them: `key=value:NoSchedule`."""
    for text in map(str, listed(value)):
        pair, _, effect = text.rpartition(":")
        key, _, content = pair.partition("=")
        yield Taint(key=key, value=content, effect=effect)


def fits(spec: Mapping[str, object], pool: Pool) -> bool:
    """Whether a pod's selector, required node affinity and tolerations let it onto a pool."""
    selected = all(pool.labels.get(key) == value for key, value in _selector(spec).items())
    return selected and _affine(spec, pool) and _tolerates(spec, pool)


def _selector(spec: Mapping[str, object]) -> Mapping[str, object]:
    return mapped(spec.get("nodeSelector"))


def _affine(spec: Mapping[str, object], pool: Pool) -> bool:
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    terms = listed(at(spec, "affinity", "nodeAffinity", required, "nodeSelectorTerms"))
    return not terms or any(_meets(term, pool) for term in terms)


def _meets(term: object, pool: Pool) -> bool:
    expressions = listed(at(term, "matchExpressions"))
    return all(_holds(mapped(each), pool.labels.get(str(at(each, "key")))) for each in expressions)


def _holds(expression: Mapping[str, object], label: str | None) -> bool:
    values = listed(expression.get("values"))
    match expression.get("operator"):
        case "In":
            return label in values
        case "NotIn":
            return label not in values
        case "Exists":
            return label is not None
        case "DoesNotExist":
            return label is None
        case _:
            return True


def _tolerates(spec: Mapping[str, object], pool: Pool) -> bool:
    tolerations = [mapped(each) for each in listed(spec.get("tolerations"))]
    return all(
        any(_matches(toleration, taint) for toleration in tolerations)
        for taint in pool.taints
        if taint.effect != "PreferNoSchedule"
    )


def _matches(toleration: Mapping[str, object], taint: Taint) -> bool:
    key, effect = toleration.get("key"), toleration.get("effect")
    if effect and effect != taint.effect:
        return False
    if toleration.get("operator") == "Exists":
        return not key or key == taint.key
    return key == taint.key and str(toleration.get("value") or "") == taint.value


def is_open(spec: Mapping[str, object]) -> bool:
    """Whether something that decides the placement is known only after the update."""
    decisive = (spec.get("nodeSelector"), spec.get("tolerations"), spec.get("affinity"))
    return any(is_unknown(value) for value in decisive) or any(
        is_unknown(value) for value in _selector(spec).values()
    )


def excludes_spot(spec: Mapping[str, object]) -> bool:
    """Whether a pod itself keeps off nodes that are labelled as spot."""
    if _selector(spec).get(MARKET_LABEL) == Market.ON_DEMAND.value:
        return True
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    terms = listed(at(spec, "affinity", "nodeAffinity", required, "nodeSelectorTerms"))
    return bool(terms) and all(
        any(_is_not_spot(mapped(each)) for each in listed(at(term, "matchExpressions")))
        for term in terms
    )


def _is_not_spot(expression: Mapping[str, object]) -> bool:
    return (
        expression.get("key") == MARKET_LABEL
        and expression.get("operator") == "NotIn"
        and Market.SPOT.value in listed(expression.get("values"))
    )
