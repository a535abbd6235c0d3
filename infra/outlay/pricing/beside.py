"""What stands beside a resource in its stack, for inputs that only name it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from outlay.pricing.inputs import Inputs, NoPriceError, is_unknown, unwrap

LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
NODE_CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
REFERRED_TO = frozenset({LAUNCH_TEMPLATE, NODE_CLASS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A resource that others name: by its id in the cloud or by its name there."""

    type: str
    id: str | None
    inputs: Mapping[str, object]
    outputs: Mapping[str, object]

    @property
    def keys(self) -> frozenset[str]:
        """Everything that it can be called."""
        metadata = unwrap(self.inputs.get("metadata"))
        names = [
            self.id,
            unwrap(self.inputs.get("name")),
            unwrap(self.outputs.get("name")),
            metadata.get("name") if isinstance(metadata, Mapping) else None,
        ]
        return frozenset(n for n in names if isinstance(n, str) and n and not is_unknown(n))


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The resources of one state or preview that others refer to, by type and key."""

    found: Mapping[tuple[str, str], tuple[Neighbour, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, neighbours: Iterable[Neighbour]) -> Beside:
        """Collect them."""
        found: dict[tuple[str, str], tuple[Neighbour, ...]] = {}
        for each in neighbours:
            for key in each.keys:
                found[each.type, key] = (*found.get((each.type, key), ()), each)
        return cls(found=found)

    def named(self, kind: str, inputs: Inputs, fields: Iterable[str], *, what: str) -> Neighbour:
        """Return the resource that the first given field names.

        Raises:
            NoPriceError: No field names one, or it is unknown, elsewhere or ambiguous.
        """
        for name in fields:
            if inputs.given(name):
                return self._only(kind, _key(inputs, name, what), where=inputs.where(name))
        raise NoPriceError(f"{' or '.join(inputs.where(name) for name in fields)} is missing")

    def _only(self, kind: str, key: str, *, where: str) -> Neighbour:
        found = self.found.get((kind, key), ())
        if len(found) == 1:
            return found[0]
        problem = "several have that name here" if found else "none of that name is declared here"
        raise NoPriceError(f"{where} {key}: {problem}, so what it starts is not known")


def _key(inputs: Inputs, name: str, what: str) -> str:
    if is_unknown(unwrap(inputs.values.get(name))):
        raise NoPriceError(
            f"{inputs.where(name)} is not known before the update; refer to the {what} by its name"
        )
    return inputs.text(name)
