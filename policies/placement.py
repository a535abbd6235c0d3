"""Rules on where pods land: on what was bought, and the router never on spot."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from pulumi_policy import Severity

from policies.declared import at
from policies.money import counted
from policies.options import FLAG, Option
from policies.pools import Pool, excludes_spot, fits, is_open, pools
from policies.rule import MANDATORY, Finding, RestsError, Situation, StackRule
from policies.stack import Stack
from policies.workloads import Pod, pod_of

ELSEWHERE = "poolsElsewhere"


def _pods(stack: Stack) -> Iterator[Pod]:
    return (pod for each in stack.resources if (pod := pod_of(each)) is not None)


def _homeless(stack: Stack, situation: Situation) -> Iterable[Finding]:
    if situation.options.flag(ELSEWHERE):
        raise RestsError("the pools are declared by another stack")
    found = pools(stack)
    for pod in _pods(stack):
        if pod.gpus and not _could_run(pod, found):
            yield Finding(_homeless_message(pod, found), pod.declared.urn)


def _could_run(pod: Pod, found: Iterable[Pool]) -> bool:
    return any(pool.gpus_per_node >= pod.gpus and fits(pod.spec, pool) for pool in found)


def _homeless_message(pod: Pod, found: Iterable[Pool]) -> str:
    if is_open(pod.spec):
        return "its selector or tolerations are known only after the update, so no pool can be matched."
    large = [pool.name for pool in found if pool.gpus_per_node >= pod.gpus]
    if not large:
        return (
            f"it asks for {counted(pod.gpus, 'GPU')} per pod, and no declared pool has such nodes."
        )
    return (
        f"its node selector and tolerations fit none of the pools with enough GPUs per node"
        f" ({', '.join(sorted(large))}): it would wait for ever beside nodes that are paid for."
    )


PODS_FIT = StackRule(
    name="gpu-pods-fit-a-pool",
    holds="Every GPU pod fits a pool that the stack buys.",
    reason="A label that differs by a letter leaves pods pending and GPUs idle, at full price.",
    remedy="Make node selector and tolerations those of the pool; outlay's own templates do.",
    severity=Severity.HIGH,
    levels=MANDATORY,
    options={ELSEWHERE: Option(kind=FLAG, meaning="The node pools are declared by another stack")},
    check=_homeless,
)


def _routers_on_spot(stack: Stack, _situation: Situation) -> Iterable[Finding]:
    spot = [pool for pool in pools(stack) if pool.is_spot]
    for pod in _pods(stack):
        if not pod.is_router or excludes_spot(pod.spec):
            continue
        risky = [pool.name for pool in spot if is_open(pod.spec) or fits(pod.spec, pool)]
        if risky:
            yield Finding(
                f"it may run on spot nodes ({', '.join(sorted(risky))}): when they are taken back, every"
                " request fails, whatever else still runs.",
                pod.declared.urn,
            )


NO_ROUTER_ON_SPOT = StackRule(
    name="no-router-on-spot",
    holds="Endpoint picker and gateway never run on spot nodes.",
    reason="All requests pass through them; a model server on spot is one of many.",
    remedy="Require node affinity outlay/market NotIn [spot], or select an on-demand pool.",
    severity=Severity.HIGH,
    levels=MANDATORY,
    check=_routers_on_spot,
)

ROLLING = "RollingUpdate"
DEFAULT_SURGE = "25%"  # Source: Kubernetes, apps/v1 DeploymentStrategy.


def _surging(stack: Stack, situation: Situation) -> Iterable[Finding]:
    found, pods = pools(stack), [pod for pod in _pods(stack) if pod.gpus]
    if situation.options.flag(ELSEWHERE):
        raise RestsError("the pools are declared by another stack")
    for pod in pods:
        needed, spare = _surge(pod) * pod.gpus, _spare_gpus(pod, pods, found)
        if needed > spare:
            yield Finding(
                f"its rollout starts {counted(_surge(pod), 'more pod')} ({counted(needed, 'GPU')}) before"
                f" old ones end, and its pools have {counted(spare, 'GPU')} to spare: it hangs.",
                pod.declared.urn,
            )


def _surge(pod: Pod) -> int:
    if pod.kind != "Deployment":
        return 0
    strategy = at(pod.declared.inputs, "spec", "strategy")
    if at(strategy, "type") not in (None, ROLLING):
        return 0
    surge = at(strategy, "rollingUpdate", "maxSurge")
    text = DEFAULT_SURGE if surge is None else str(surge)
    try:
        if text.endswith("%"):
            return math.ceil(pod.replicas * float(text[:-1]) / 100)
        return int(float(text))
    except ValueError:
        return pod.replicas


def _spare_gpus(pod: Pod, pods: Iterable[Pod], found: Iterable[Pool]) -> int:
    """Return the GPUs of the pod's pools at their declared size that no pod asks for."""
    own = [pool for pool in found if fits(pod.spec, pool)]
    bought = sum(pool.nodes.expected * pool.gpus_per_node for pool in own)
    asked = sum(
        other.replicas * other.gpus for other in pods if any(fits(other.spec, pool) for pool in own)
    )
    return max(bought - asked, 0)


NO_SURGE = StackRule(
    name="no-surge-without-spare",
    holds="An update needs no GPU beyond those that are bought.",
    reason="Kubernetes starts a new pod before it ends the old one; without a free GPU it waits for ever.",
    remedy="Set the Deployment's maxSurge to 0 and maxUnavailable to 1, or buy a spare node.",
    severity=Severity.MEDIUM,
    levels=MANDATORY,
    options={ELSEWHERE: Option(kind=FLAG, meaning="The node pools are declared by another stack")},
    check=_surging,
)

RULES = (PODS_FIT, NO_ROUTER_ON_SPOT, NO_SURGE)
