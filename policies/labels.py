"""Rule: everything that costs money says whose money it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import pulumi
from pulumi_policy import Severity

from outlay.catalog.google_labels import cost_labels
from outlay.pricing.inputs import is_unknown
from policies.declared import Declared, at, mapped
from policies.options import TEXTS, Option
from policies.rule import REMEDIATE, ResourceRule, Situation, own_setting

PROJECT, STACK = "outlay:project", "outlay:stack"
REQUIRED = "required"
AWS_DEFAULTS, GCP_DEFAULTS = ("defaultTags", "tags"), ("defaultLabels",)
# Where Google's resources carry labels; of AWS and Azure all but those below take `tags`.
GCP_FIELDS: dict[str, tuple[str, ...]] = {
    "gcp:compute/address:Address": ("labels",),
    "gcp:compute/disk:Disk": ("labels",),
    "gcp:compute/forwardingRule:ForwardingRule": ("labels",),
    "gcp:compute/globalAddress:GlobalAddress": ("labels",),
    "gcp:compute/globalForwardingRule:GlobalForwardingRule": ("labels",),
    "gcp:compute/instance:Instance": ("labels",),
    "gcp:container/cluster:Cluster": ("resourceLabels",),
    "gcp:container/nodePool:NodePool": ("nodeConfig", "resourceLabels"),
    "gcp:storage/bucket:Bucket": ("labels",),
}
TAGLESS = frozenset({"azure-native:containerservice:MachinePool"})


def field_of(declared: Declared) -> tuple[str, ...] | None:
    """Return where a resource carries cost tags, None where it cannot."""
    package = declared.resource_type.partition(":")[0]
    if package == "gcp":
        return GCP_FIELDS.get(declared.resource_type)
    taggable = package in ("aws", "azure-native") and declared.resource_type not in TAGLESS
    return ("tags",) if taggable else None


def _untagged(declared: Declared, situation: Situation) -> Iterable[str]:
    missing = _missing(declared, situation)
    if missing:
        field = ".".join(field_of(declared) or ())
        yield (f"{field} lacks {', '.join(missing)}: nobody could tell whose money it is.")


def _missing(declared: Declared, situation: Situation) -> list[str]:
    field = field_of(declared)
    if field is None or not declared.is_billable:
        return []
    tags = at(declared.inputs, *field)
    # Tags that are known later are checked at the update, before the resource is made.
    if is_unknown(tags) and situation.previewing:
        return []
    present = {*mapped(tags), *_defaults(declared)}
    return [key for key in _keys(declared, situation) if key not in present]


def _keys(declared: Declared, situation: Situation) -> list[str]:
    keys = [PROJECT, STACK, *situation.options.texts(REQUIRED)]
    return list(_spelled(declared, dict.fromkeys(keys, "")))


def _spelled(declared: Declared, tags: Mapping[str, str]) -> dict[str, str]:
    return cost_labels(tags) if declared.resource_type.startswith("gcp:") else dict(tags)


def _defaults(declared: Declared) -> Mapping[str, object]:
    """Return the tags that the provider puts on everything; it gets them as JSON text."""
    for path in (AWS_DEFAULTS, GCP_DEFAULTS):
        found: object = declared.provider_inputs
        for key in path:
            found = _decoded(at(found, key))
        if isinstance(found, Mapping):
            return found
    return {}


def _decoded(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return None


def _tagged(declared: Declared, situation: Situation) -> Mapping[str, object] | None:
    """Return the inputs with what is missing and known; tags of the resource's own stay."""
    field, missing = field_of(declared), _missing(declared, situation)
    known = _spelled(declared, _known_tags())
    added = {key: known[key] for key in missing if key in known}
    if field is None or not added or is_unknown(at(declared.inputs, *field)):
        return None
    return _with(declared.inputs, field, added)


def _known_tags() -> dict[str, str]:
    text = _decoded(own_setting("tags"))
    own = {key: value for key, value in mapped(text).items() if isinstance(value, str)}
    return {**own, PROJECT: pulumi.get_project(), STACK: pulumi.get_stack()}


def _with(
    inputs: Mapping[str, object], path: tuple[str, ...], added: Mapping[str, str]
) -> dict[str, object]:
    head, *rest = path
    inner = mapped(inputs.get(head))
    changed = _with(inner, tuple(rest), added) if rest else {**inner, **added}
    return {**inputs, head: changed}


COST_LABELS = ResourceRule(
    name="cost-labels",
    holds="Everything that costs money carries its cost-allocation tags.",
    reason="The bill is split by tags; what has none is everybody's, so nobody's.",
    remedy="Set outlay:tags of the stack; the pack adds from there what is missing.",
    severity=Severity.MEDIUM,
    levels=REMEDIATE,
    options={
        REQUIRED: Option(
            kind=TEXTS, meaning="Tags beside project and stack, such as team and costCenter"
        )
    },
    check=_untagged,
    fix=_tagged,
)

RULES = (COST_LABELS,)
