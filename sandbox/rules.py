"""What a resource type is to the sandbox: its names, its rules and what the cloud computes for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sandbox.ledger import Ledger, Record, Usage
from sandbox.schema import Failure
from sandbox.values import Props, Value, as_map, as_text, find, find_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One resource as its rules see it: what is asked, where, and what exists already.

    `region` is where it will lie (a region, a location, `global`, or a cluster); `account` is the AWS account,
    the GCP project or empty. In a preview `id` is a placeholder and inputs may be unknown.
    """

    token: str
    urn: str
    inputs: Props
    region: str
    account: str
    ledger: Ledger
    labels: Mapping[str, Value] = field(default_factory=dict)
    id: str = ""
    created_at: str = ""
    revision: int = 1

    def text(self, path: str, default: str = "") -> str:
        """Return the known text at a path of the inputs, or the default."""
        return as_text(find(self.inputs, path), default)

    def referred(self, token: str, key: str, value: Value) -> Record | None:
        """Return the existing resource of a type whose id or output `key` has a value."""
        for record in self.ledger.records(token):
            if (record.id if key == "id" else record.outputs.get(key)) == value:
                return record
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An input that names another resource, which must exist first.

    `keys` are the id or outputs of the target that the input may hold; while the reference stands,
    `blocks` forbids to delete the target.
    """

    path: str
    token: str
    keys: tuple[str, ...] = ("id",)
    blocks: bool = True

    def values(self, inputs: Props) -> list[str]:
        """Return the known values that the inputs hold for this reference."""
        return [text for text in map(as_text, find_all(inputs, self.path)) if text]

    def matches(self, value: str, record: Record) -> bool:
        """Return whether a value names this resource."""
        return any(
            value == (record.id if key == "id" else record.outputs.get(key)) for key in self.keys
        )


def _no_failures(_: Situation) -> Iterable[Failure]:
    return ()


def _nothing(_: Situation) -> Props:
    return {}


def _no_usage(_: Situation) -> Usage:
    return Usage()


def _by_region(situation: Situation) -> str:
    return f"{situation.account}/{situation.region}"


def _free(_: Props) -> bool:
    return False


def always(_: Props) -> bool:
    """Say that a type costs money whatever its inputs."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """The behaviour of one type.

    `name` is the input that carries the cloud's own name; `named_by_tag` says that the tag `Name` stands in
    for it. `labels` is the input that carries tags or labels. `replace` lists the inputs whose change the
    cloud answers with a new resource. `defaults` are outputs known before the call, `computed` after it.
    """

    token: str
    id: Callable[[Situation], str]
    name: str = ""
    named_by_tag: bool = False
    labels: str = ""
    paid: Callable[[Props], bool] = _free
    is_global: bool = False
    replace: frozenset[str] = frozenset()
    scope: Callable[[Situation], str] = _by_region
    rules: Callable[[Situation], Iterable[Failure]] = _no_failures
    defaults: Props = field(default_factory=dict)
    computed: Callable[[Situation], Props] = _nothing
    references: tuple[Reference, ...] = ()
    usage: Callable[[Situation], Usage] = _no_usage
    protected_by: str = ""
    autonamed: bool = True

    def cloud_name(self, inputs: Props) -> str:
        """Return the explicit cloud name among the inputs, or an empty text."""
        if self.named_by_tag:
            return as_text(as_map(inputs.get(self.labels)).get("Name"))
        return as_text(find(inputs, self.name)) if self.name else ""
