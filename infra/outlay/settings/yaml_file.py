"""Read a YAML file of settings, as strictly as Pulumi reads its own."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from outlay.errors import InputError


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader keeps the last of two equal keys; this one refuses them."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _value in node.value:  # before merged keys are added, which may be overridden
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise _TwiceError(key.value, key.start_mark.line + 1)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


class _TwiceError(Exception):
    """A key stands twice in one mapping: its name and its line."""


def read_yaml(path: Path) -> dict[str, object]:
    """Return the mapping in a file.

    Raises:
        InputError: the file is missing, unreadable, no YAML or no mapping, or a key stands twice.
    """
    document = _document(path)
    if not isinstance(document, dict):
        raise InputError(f"settings file {path} must be a mapping such as `model: llama-3.1-8b`")
    strange = [str(key) for key in document if not isinstance(key, str)]
    if strange:
        names = " and ".join(strange)
        raise InputError(f"settings file {path}: {names} cannot name a setting; put it in quotes")
    return document


def _document(path: Path) -> object:
    try:
        # Derived from the safe loader: it makes plain values only.
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - see above
    except FileNotFoundError:
        raise InputError(f"settings file {path} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"settings file {path} cannot be read: {error}") from None
    except _TwiceError as error:
        key, line = error.args
        raise InputError(f"{key!r} stands twice in {path}, again in line {line}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # ValueError: PyYAML takes 2024-13-45 for a date and does not check it.
        one_line = " ".join(str(error).split())
        raise InputError(f"settings file {path} is no valid YAML: {one_line}") from None
