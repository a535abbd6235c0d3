"""Read and write YAML: strictly in, and byte for byte the same out."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from outlay.errors import RenderError

# libyaml is about ten times faster; every published PyYAML wheel has it.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):  # type: ignore[misc]  # the base is chosen at run time
    """Safe loader that refuses a key given twice, where YAML would let the last one win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return the mapping, or fail at the second occurrence of a key."""
        keys: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in keys:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is given twice", key_node.start_mark
                )
            keys.add(key)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return mapping


class _Dumper(yaml.SafeDumper):
    """Writes long texts as blocks and lists indented, as people do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - signature of the base
        """Indent lists inside mappings."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - signature of the base
        """Repeat equal values instead of pointing at the first."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def parse_documents(text: str, *, source: str) -> list[dict[str, Any]]:
    """Return the objects of a YAML text; empty documents are left out.

    Raises:
        RenderError: not YAML, a key given twice, or a document that is no mapping; names the source.
    """
    try:
        documents = [document for document in yaml.load_all(text, Loader=_Loader) if document]
    except yaml.YAMLError as error:
        raise RenderError(f"{source}: not readable as YAML: {_where(error)}") from error
    for document in documents:
        if not isinstance(document, dict):
            raise RenderError(f"{source}: a document is {type(document).__name__}, not an object")
    return documents


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"{problem} (rendered line {mark.line + 1})" if mark else problem


def dump(body: object) -> str:
    """Return a value as YAML; equal values give equal bytes."""
    text: str = yaml.dump(
        body,
        Dumper=_Dumper,
        sort_keys=True,
        width=120,
        allow_unicode=True,
        default_flow_style=False,
    )
    return text
