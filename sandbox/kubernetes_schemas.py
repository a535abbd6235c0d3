"""Check Kubernetes objects strictly: built-in kinds, committed custom kinds, and kinds defined on the spot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sandbox.coreweave import NODE_POOL_KIND, NODE_POOL_SCHEMA
from sandbox.kubernetes_types import DEFINITION
from sandbox.ledger import Ledger
from sandbox.schema import Failure
from sandbox.values import Props, Unknown, as_list, as_map, as_text, find

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

WARM_UP = (("apps/v1", "Deployment"), ("v1", "Service"))
MOST_REASONS = 20


class Definitions:
    """The custom kinds that a program or the ledger defines, beside those that the product ships."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        # CKS clusters have this kind from the start.
        self._seen: dict[tuple[str, str], Props] = {
            NODE_POOL_KIND: {"schema": NODE_POOL_SCHEMA, "scope": "Cluster"}
        }
        self._validators: dict[tuple[str, str], Draft202012Validator] = {}

    def learn(self, definition: Props) -> None:
        """Take a CustomResourceDefinition that the program declares, whose objects may follow in a preview."""
        group = as_text(find(definition, "spec.group"))
        kind = as_text(find(definition, "spec.names.kind"))
        for version in map(as_map, as_list(find(definition, "spec.versions"))):
            key = (f"{group}/{as_text(version.get('name'))}", kind)
            self._validators.pop(key, None)
            self._seen[key] = {
                "schema": find(version, "schema.openAPIV3Schema"),
                "scope": as_text(find(definition, "spec.scope"), "Namespaced"),
            }

    def find(self, api_version: str, kind: str) -> Props | None:
        """Return a custom kind's schema and scope, looking into the ledger for one not seen yet."""
        if (api_version, kind) not in self._seen:
            for record in self.ledger.records(DEFINITION):
                self.learn(record.inputs)
        return self._seen.get((api_version, kind))

    def validator(self, api_version: str, kind: str) -> Draft202012Validator | None:
        """Return the strict validator of a kind, or None if nothing defines it."""
        from outlay.serving.schemas import (  # noqa: PLC0415 - jsonschema costs 0.17 s: not before it is needed
            json_schema,
            validator,
        )

        key = (api_version, kind)
        defined = self.find(*key) if "." in api_version else None
        if defined is None or not defined["schema"]:
            return validator(*key)
        if key not in self._validators:
            from jsonschema import Draft202012Validator  # noqa: PLC0415 - as above

            self._validators[key] = Draft202012Validator(json_schema(defined["schema"]))
        return self._validators[key]

    def check(self, api_version: str, kind: str, manifest: Props) -> Iterator[Failure]:
        """Yield what the schemas say against an object; unknown values pass."""
        validator = self.validator(api_version, kind)
        if validator is None:
            yield Failure(
                "kind",
                f'no matches for kind "{kind}" in version "{api_version}": declare its CustomResourceDefinition'
                " first (depends_on), or add it to infra/outlay/serving/crds",
            )
            return
        for error in list(validator.iter_errors(manifest))[:MOST_REASONS]:
            if not _about_unknown(error):
                yield Failure(_path(error), error.message)

    def warm_up(self) -> None:
        """Load the schema library and the commonest schemas."""
        for api_version, kind in WARM_UP:
            self.validator(api_version, kind)


def _about_unknown(error: ValidationError) -> bool:
    """Return whether an error is only that a value is not known yet."""
    if isinstance(error.instance, Unknown):
        return True
    return bool(error.context) and any(_about_unknown(inner) for inner in error.context)


def _path(error: ValidationError) -> str:
    path = "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path
    )
    return path.removeprefix(".") or "object"
