"""The life of a resource in a simulated cloud: checked, created once, read, changed, deleted."""

from __future__ import annotations

import hashlib
import uuid
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from sandbox.diff import Change, diff
from sandbox.errors import CloudError, Code
from sandbox.faults import Interruption
from sandbox.ledger import Ledger, Record, now
from sandbox.rules import Reference, ResourceType, Situation
from sandbox.schema import Failure
from sandbox.values import UNKNOWN, Props, find, is_hidden, mask, merge, without_internal

PLACEHOLDER_ID = "sandbox-preview"


@dataclass(frozen=True, slots=True)
class Checked:
    """The inputs as the cloud will see them, and what is wrong with them."""

    inputs: Props
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What an update would change, and whether the old resource must go first."""

    changes: tuple[Change, ...]
    delete_first: bool


@dataclass(frozen=True, slots=True)
class Live:
    """A resource as it is now."""

    id: str
    inputs: Props
    outputs: Props


def urn_name(urn: str) -> str:
    """Return the logical name in a URN."""
    return urn.rsplit("::", 1)[-1]


def new_id(prefix: str) -> str:
    """Return a cloud-made id that nobody can take for a real one."""
    return f"{prefix}-sandbox{uuid.uuid4().hex[:12]}"


class Cloud(ABC):
    """One configured provider instance over the ledger. Subclasses say what its types are."""

    package: str
    # What says whose a paid resource is, and the provider's option that sets it everywhere.
    owner_labels: tuple[str, ...] = ()
    default_labels = ""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.config: Props = {}

    @abstractmethod
    def configure(self, config: Props) -> None:
        """Take the provider's configuration.

        Raises CloudError if it can never work.
        """

    @abstractmethod
    def check_config(self, config: Props) -> list[Failure]:
        """Return what is wrong with a provider's configuration."""

    @abstractmethod
    def config_replaces(self, old: Props, new: Props) -> Collection[str]:
        """Return the configuration keys whose change replaces everything under the provider."""

    @abstractmethod
    def type_of(self, token: str) -> ResourceType:
        """Return the behaviour of a type.

        Raises CloudError (INVALID_ARGUMENT) if the sandbox does not know it.
        """

    @abstractmethod
    def region_of(self, kind: ResourceType, inputs: Props) -> str:
        """Return where a resource lies; empty if nothing says so."""

    @abstractmethod
    def account(self, inputs: Props) -> str:
        """Return the account or project that a resource belongs to."""

    @abstractmethod
    def check_types(self, kind: ResourceType, inputs: Props) -> list[Failure]:
        """Return what the SDK's or the API's own types say against the inputs."""

    @abstractmethod
    def complete(self, kind: ResourceType, outputs: Props) -> Props:
        """Return the outputs with everything that the cloud always answers."""

    @abstractmethod
    def invoke(self, token: str, arguments: Props) -> Props:
        """Answer a function call.

        Raises CloudError (INVALID_ARGUMENT) if the sandbox does not know the function.
        """

    @abstractmethod
    def warm_up(self) -> None:
        """Load what the first call will need, while the engine is still busy elsewhere."""

    def labels(self, kind: ResourceType, inputs: Props) -> Props:
        """Return the resource's own labels joined with the provider's default ones."""
        own = inputs.get(kind.labels) if kind.labels else None
        return dict(own) if isinstance(own, dict) else {}

    def sealed(self, kind: ResourceType, props: Props) -> Props:
        """Return the properties with those marked that must not be shown in clear."""
        del kind
        return props

    def shape(self, kind: ResourceType, *, urn: str, news: Props, olds: Props) -> Props:
        """Return the inputs with what the provider itself adds before the cloud sees them."""
        del kind, urn, olds
        return news

    def situation(
        self, kind: ResourceType, *, urn: str, inputs: Props, record: Record | None = None
    ) -> Situation:
        """Return what the rules of a type look at."""
        plain = without_internal(inputs)
        return Situation(
            token=kind.token,
            urn=urn,
            inputs=plain,
            region=self.region_of(kind, plain),
            account=self.account(plain),
            ledger=self.ledger,
            labels=self.labels(kind, plain),
            id=record.id if record else "",
            created_at=record.created_at if record else now(),
            revision=record.revision if record else 1,
        )

    def check(self, token: str, *, urn: str, news: Props, olds: Props, seed: bytes) -> Checked:
        """Check the inputs of a resource and name it where the provider would."""
        kind = self.type_of(token)
        inputs = self._named(kind, urn=urn, news=news, olds=olds, seed=seed)
        inputs = self.shape(kind, urn=urn, news=inputs, olds=olds)
        failures = self.check_types(kind, without_internal(inputs))
        if not failures:
            failures = list(self._rules(kind, urn, inputs))
        return Checked(inputs, tuple(failures))

    def _rules(self, kind: ResourceType, urn: str, inputs: Props) -> Iterator[Failure]:
        situation = self.situation(kind, urn=urn, inputs=inputs)
        if not situation.region:
            if UNKNOWN not in (inputs.get("region"), inputs.get("location"), inputs.get("cluster")):
                yield Failure("region", self.no_region())
            return
        yield from kind.rules(situation)
        if kind.paid(situation.inputs):
            yield from self.ownership(kind, situation)

    def capacity_region(self, region: str) -> str:
        """Return where capacity and quota are counted for a resource's region."""
        return region

    def seller(self, kind: ResourceType) -> str:
        """Return under whose name capacity and quota of a type are kept."""
        del kind
        return self.package

    def ownership(self, kind: ResourceType, situation: Situation) -> Iterator[Failure]:
        """Yield what a paid resource lacks to be found again: an explicit name, project and stack."""
        where = f"{kind.labels}.Name" if kind.named_by_tag else kind.name
        if not find(situation.inputs, where) and not is_hidden(situation.inputs, where):
            yield Failure(
                where,
                "is required: every paid resource needs an explicit name, so that a lost answer never"
                f" makes a second one; set {where}",
            )
        missing = [label for label in self.owner_labels if not situation.labels.get(label)]
        if kind.labels and missing and not is_hidden(situation.inputs, kind.labels):
            yield Failure(
                kind.labels,
                f"lack {' and '.join(missing)}: without them nobody can tell whose resource this is;"
                f" set them, or the provider's {self.default_labels}",
            )

    def no_region(self) -> str:
        """Return what to say when nothing tells where a resource shall lie."""
        return f"no region is given: set {self.package}:region or the resource's own region"

    def _named(
        self, kind: ResourceType, *, urn: str, news: Props, olds: Props, seed: bytes
    ) -> Props:
        """Give a free resource without a name the random one that Pulumi's providers give."""
        if not kind.name or not kind.autonamed or "." in kind.name or kind.named_by_tag:
            return news
        if kind.name in news or kind.paid(without_internal(news)):
            return news
        prefix = news.get(f"{kind.name}Prefix", f"{urn_name(urn)}-")
        kept = olds.get(kind.name) if kind.name in olds.get("__defaults", []) else None
        suffix = (seed or uuid.uuid4().bytes).hex()[:7]
        return {**news, kind.name: kept or f"{prefix}{suffix}", "__defaults": [kind.name]}

    def diff(self, token: str, *, olds: Props, news: Props, ignore: Collection[str]) -> Difference:
        """Compare old inputs with new ones."""
        kind = self.type_of(token)
        changes = diff(olds, news, replace=kind.replace, ignore=ignore)
        same_name = kind.cloud_name(olds) == kind.cloud_name(news)
        explicit = kind.name not in news.get("__defaults", [])
        named = bool(kind.cloud_name(news)) and not kind.named_by_tag and explicit
        replaced = any(change.replaces for change in changes)
        return Difference(changes, delete_first=replaced and named and same_name)

    def _outputs(self, kind: ResourceType, situation: Situation) -> Props:
        answered: Props = merge(situation.inputs, kind.defaults, kind.computed(situation))
        return self.complete(kind, answered)

    def preview(
        self, token: str, *, urn: str, inputs: Props, record: Record | None = None
    ) -> Props:
        """Return the outputs as far as they are known before the cloud is asked."""
        kind = self.type_of(token)
        situation = self.situation(kind, urn=urn, inputs=inputs, record=record)
        self._require_quota(kind, situation, replaces=record)
        known = merge(situation.inputs, kind.defaults, record.outputs if record else {})
        placed = _with_id(situation, situation.id or PLACEHOLDER_ID)
        outputs: Props = merge(situation.inputs, mask(self._outputs(kind, placed), known))
        return outputs

    def create(self, token: str, *, urn: str, inputs: Props, interruption: Interruption) -> Live:
        """Make a resource.

        Raises CloudError where the cloud refuses, PartialFailureError where it comes up broken.
        """
        kind = self.type_of(token)
        situation = self.situation(kind, urn=urn, inputs=inputs)
        situation = _with_id(situation, kind.id(situation))
        interruption.before()
        with self.ledger.transaction():
            self._require_references(kind, situation)
            self._refuse_twin(kind, situation)
            self._require_quota(kind, situation)
            self._require_capacity(kind, situation)
            record = interruption.mark(self._record(kind, situation, inputs=inputs))
            self.ledger.insert(record)
        interruption.after(record)
        return Live(record.id, record.inputs, record.outputs)

    def _record(self, kind: ResourceType, situation: Situation, *, inputs: Props) -> Record:
        return Record(
            package=self.package,
            token=kind.token,
            id=situation.id,
            scope=kind.scope(situation),
            name=kind.cloud_name(situation.inputs) or None,
            urn=situation.urn,
            region=situation.region,
            usage=kind.usage(situation),
            inputs=inputs,
            outputs=self._outputs(kind, situation),
            created_at=situation.created_at,
            revision=situation.revision,
        )

    def read(self, token: str, *, id_: str, properties: Props, inputs: Props) -> Live | None:
        """Return a resource as it is now, or None if it is gone.

        Without inputs this is an import: every input that the resource was made with is returned.
        """
        record = self.locate(token, id_=id_, properties=properties)
        if record is None:
            return None
        if not inputs:
            return Live(record.id, without_internal(record.inputs), record.outputs)
        kept = {key: value for key, value in inputs.items() if key.startswith("__")}
        asked = {key: value for key, value in record.inputs.items() if key in inputs}
        return Live(record.id, {**asked, **kept}, record.outputs)

    def update(
        self,
        token: str,
        *,
        urn: str,
        id_: str,
        olds: Props,
        news: Props,
        interruption: Interruption,
    ) -> Live:
        """Change a resource in place.

        Raises CloudError where the cloud refuses, PartialFailureError where it comes up broken.
        """
        kind = self.type_of(token)
        interruption.before()
        with self.ledger.transaction():
            old = self.require(token, id_=id_, properties=olds)
            situation = self.situation(kind, urn=urn, inputs=news, record=old)
            situation = _with_id(situation, old.id, revision=old.revision + 1)
            self._require_references(kind, situation)
            self._require_quota(kind, situation, replaces=old)
            self._require_capacity(kind, situation, replaces=old)
            record = interruption.mark(self._record(kind, situation, inputs=news))
            self.ledger.replace(record)
        interruption.after(record)
        return Live(record.id, record.inputs, record.outputs)

    def delete(
        self, token: str, *, id_: str, properties: Props, interruption: Interruption
    ) -> None:
        """Remove a resource; one that is gone already is no error.

        Raises CloudError (FAILED_PRECONDITION) while others still need it.
        """
        kind = self.type_of(token)
        interruption.before()
        with self.ledger.transaction():
            record = self.locate(token, id_=id_, properties=properties)
            if record is None:
                return
            self._refuse_while_protected(kind, record)
            self._refuse_while_needed(record)
            self.ledger.delete(record)
        interruption.after(record)

    def locate(self, token: str, *, id_: str, properties: Props) -> Record | None:
        """Return the resource with an id, in the region that its properties or the provider name."""
        kind = self.type_of(token)
        records = self.ledger.records(token, id_=id_)
        region = self.region_of(kind, properties)
        here = [record for record in records if record.region == region]
        return next(iter(here or (records if len(records) == 1 and not properties else [])), None)

    def require(self, token: str, *, id_: str, properties: Props) -> Record:
        """Return the resource with an id.

        Raises CloudError (NOT_FOUND) if it does not exist.
        """
        record = self.locate(token, id_=id_, properties=properties)
        if record is None:
            raise CloudError(
                Code.NOT_FOUND,
                f"ResourceNotFoundException: {token} {id_} no longer exists in the sandbox;"
                " run `pulumi refresh` to drop it from the state",
            )
        return record

    def _require_references(self, kind: ResourceType, situation: Situation) -> None:
        for reference in kind.references:
            for value in reference.values(situation.inputs):
                if not self._resolves(reference, value, situation):
                    raise CloudError(
                        Code.NOT_FOUND,
                        f"ResourceNotFoundException: {reference.path} names {value!r}, but the sandbox has no"
                        f" {reference.token} with that {' or '.join(reference.keys)};"
                        " pass the output of the resource that makes it, so that it is made first",
                    )

    def _resolves(self, reference: Reference, value: str, situation: Situation) -> bool:
        return any(
            reference.matches(value, record) and self._near(record, situation.region)
            for record in self.ledger.records(reference.token)
        )

    def _near(self, record: Record, region: str) -> bool:
        """Return whether a resource can be referred to from a region."""
        places = self.capacity_region(record.region), self.capacity_region(region)
        return places[0] == places[1] or "global" in places

    def _refuse_twin(self, kind: ResourceType, situation: Situation) -> None:
        name = kind.cloud_name(situation.inputs)
        twins = (
            self.ledger.records(kind.token, name=name, scope=kind.scope(situation)) if name else []
        )
        if not twins:
            twins = [
                record
                for record in self.ledger.records(kind.token, id_=situation.id)
                if record.region == situation.region
            ]
        if twins:
            raise CloudError(
                Code.ALREADY_EXISTS,
                f"ResourceInUseException: {name or situation.id} already exists with id {twins[0].id} in"
                f" {twins[0].region} (made as {urn_name(twins[0].urn)}); adopt it with"
                f" `pulumi import {kind.token} {urn_name(situation.urn)} {twins[0].id}` or choose another name",
            )

    def _require_quota(
        self, kind: ResourceType, situation: Situation, *, replaces: Record | None = None
    ) -> None:
        usage = kind.usage(situation)
        region = self.capacity_region(situation.region)
        seller = self.seller(kind)
        quotas = self.ledger.quotas(package=seller, region=region, market=usage.market)
        for unit, amount in quotas.items() if usage.nodes else ():
            used = sum(
                getattr(record.usage, unit)
                for record in self._others(situation, replaces)
                if record.usage.market == usage.market
            )
            asked = getattr(usage, unit)
            if used + asked > amount:
                raise CloudError(
                    Code.RESOURCE_EXHAUSTED,
                    f"QuotaExceeded: {asked} more {usage.market} {unit} were asked for in {region},"
                    f" {used} of {amount} are in use; ask the provider for more quota or use another region",
                )

    def _require_capacity(
        self, kind: ResourceType, situation: Situation, *, replaces: Record | None = None
    ) -> None:
        usage = kind.usage(situation)
        limit = self.ledger.capacity(
            package=self.seller(kind),
            region=self.capacity_region(situation.region),
            sku=usage.sku,
            market=usage.market,
        )
        if limit is None or not usage.nodes:
            return
        used = sum(
            record.usage.nodes
            for record in self._others(situation, replaces)
            if (record.usage.sku, record.usage.market) == (usage.sku, usage.market)
        )
        if used + usage.nodes > limit:
            raise CloudError(
                Code.RESOURCE_EXHAUSTED,
                self.no_capacity(situation, free=max(0, limit - used), sku=usage.sku),
            )

    def no_capacity(self, situation: Situation, *, free: int, sku: str) -> str:
        """Return the cloud's words for a region that has run out of a machine type."""
        return (
            f"InsufficientInstanceCapacity: {situation.region} has {free} free {sku};"
            " try again later, or allow another region, market or machine type"
        )

    def _others(self, situation: Situation, replaces: Record | None) -> Iterable[Record]:
        here = self.capacity_region(situation.region)
        itself = replaces and (replaces.token, replaces.region, replaces.id)
        for record in self.ledger.records(package=self.package):
            near = self.capacity_region(record.region) == here
            if near and record.usage.nodes and (record.token, record.region, record.id) != itself:
                yield record

    def _refuse_while_protected(self, kind: ResourceType, record: Record) -> None:
        if kind.protected_by and record.outputs.get(kind.protected_by):
            raise CloudError(
                Code.FAILED_PRECONDITION,
                f"{record.name or record.id}: {kind.protected_by} is true; set it to false, run `pulumi up`,"
                " then destroy",
            )

    def _refuse_while_needed(self, record: Record) -> None:
        for other in self.ledger.records(package=self.package):
            if not self._near(other, record.region):
                continue
            for reference in self.type_of(other.token).references:
                if (
                    reference.blocks
                    and reference.token == record.token
                    and any(
                        reference.matches(value, record) for value in reference.values(other.inputs)
                    )
                ):
                    raise CloudError(
                        Code.FAILED_PRECONDITION,
                        f"DependencyViolation: {record.id} is still used by {other.token} {other.id}"
                        f" ({reference.path}); delete that first",
                    )


def _with_id(situation: Situation, id_: str, *, revision: int | None = None) -> Situation:
    return replace(situation, id=id_, revision=situation.revision if revision is None else revision)


def stable_hex(text: str, length: int) -> str:
    """Return a text of hexadecimal digits that depends on nothing but the given text."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]
