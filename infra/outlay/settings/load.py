"""Read settings from Pulumi config, a stack's file, a YAML file or flags, and validate them whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from outlay.catalog import Catalog
from outlay.errors import InputError, Problem, SettingsError
from outlay.settings.model import Settings, WorkloadSettings
from outlay.settings.problems import problems

PREFIX = "outlay:"
# Never read by the planner: a secret has no place in a Plan, and limits are for the policy pack.
PROGRAM_KEYS = frozenset({"huggingFaceToken", "limits"})
WORKLOAD_KEYS = tuple(field.alias or name for name, field in WorkloadSettings.model_fields.items())
# Pulumi wants a default for every declared key; these stand for "not set", as does an empty YAML value.
UNSET: tuple[object, ...] = (None, "", [], {})
# Keys that name files, relative to the folder of Pulumi.yaml.
FILE_KEYS = ("calibrations", "spotEvents")
# Keys that make sense only for one workload; the others also serve as defaults for all.
SINGLE_ONLY = frozenset({"model", "targetRps", "name", "checkpoint", "buckets"})


def parse_settings(raw: Mapping[str, object], catalog: Catalog, *, source: str) -> Settings:
    """Validate raw settings.

    A workload's keys may stand at the top (one model), or in `workloads` (several); at the top
    they are then defaults for all of them.

    Raises:
        SettingsError: anything is wrong; carries every problem with the path of its key.
    """
    flat = raw.get("workloads") in UNSET
    try:
        return Settings.model_validate(_nested(raw, flat=flat, source=source), context=catalog)
    except ValidationError as error:
        raise SettingsError(problems(error, flat=flat), source=source) from None


def _nested(raw: Mapping[str, object], *, flat: bool, source: str) -> dict[str, object]:
    top = {key: value for key, value in _set(raw).items() if key not in PROGRAM_KEYS}
    shared = {key: top.pop(key) for key in WORKLOAD_KEYS if key in top}
    if flat:
        return {"workloads": [shared], **top}
    misplaced = sorted(SINGLE_ONLY & shared.keys())
    if misplaced:
        raise SettingsError(
            [Problem(key, "belongs into `workloads` when there are several") for key in misplaced],
            source=source,
        )
    workloads = top["workloads"]
    if isinstance(workloads, list):
        top["workloads"] = [{**shared, **_set(w)} if isinstance(w, dict) else w for w in workloads]
    return top


def _set(raw: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in raw.items() if value not in UNSET}


def settings_from_yaml(path: Path, catalog: Catalog) -> Settings:
    """Read a settings file: the keys as in docs/settings.md, or a stack file with `config:`."""
    return parse_settings(raw_from_yaml(path), catalog, source=str(path))


def raw_from_yaml(path: Path) -> dict[str, object]:
    """Return the settings in a YAML file, unvalidated.

    Raises:
        InputError: the file is missing, unreadable or no mapping, or a key stands twice.
    """
    document = _read_yaml(path)
    if "config" not in document:
        return _without_prefix(document, path)
    return _stack_config(document, path)


def raw_from_stack(project: Path, stack: str) -> dict[str, object]:
    """Return the outlay settings of `Pulumi.<stack>.yaml`, unvalidated.

    Raises:
        InputError: there is no such stack file (names those that exist), or it is broken.
    """
    path = project / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        stacks = sorted(p.name.split(".")[1] for p in project.glob("Pulumi.*.yaml"))
        known = f"; stacks here: {', '.join(stacks)}" if stacks else ""
        raise InputError(f"stack {stack!r} has no file {path.name} in {project}{known}")
    return _rooted(_stack_config(_read_yaml(path), path), project)


def _rooted(raw: dict[str, object], project: Path) -> dict[str, object]:
    """Let files that a stack names lie in its project's folder, wherever the command runs."""
    found = dict(raw)
    for key in FILE_KEYS:
        value = raw.get(key)
        names = value.split(",") if isinstance(value, str) else value
        if isinstance(names, list) and value not in UNSET:
            found[key] = [str(project / n.strip()) if isinstance(n, str) else n for n in names]
    return found


def _stack_config(document: Mapping[str, object], path: Path) -> dict[str, object]:
    """Return outlay's keys of a stack file: with its prefix, the project's, or none, which is the same."""
    config = document.get("config") or {}
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise InputError(
            f"`config` in {path} must be a mapping such as `outlay:model: llama-3.1-8b`"
        )
    project = _project_prefix(path.parent)
    bare = [key.removeprefix(project) for key in config if key.startswith(project)]
    twice = [key for key in bare if key in config]
    if twice:
        raise InputError(f"{twice[0]!r} stands twice, with and without {project!r}, in {path}")
    own = {key.removeprefix(project): value for key, value in config.items()}
    return _without_prefix(
        {key: v for key, v in own.items() if key.startswith(PREFIX) or ":" not in key}, path
    )


def _project_prefix(folder: Path) -> str:
    """Return the namespace that the engine gives to settings without one; outlay's without a project."""
    file = folder / "Pulumi.yaml"
    name = _read_yaml(file).get("name") if file.is_file() else None
    return f"{name}:" if isinstance(name, str) and f"{name}:" != PREFIX else PREFIX


def raw_from_config(texts: Mapping[str, str], project: str) -> dict[str, object]:
    """Return settings from Pulumi's configuration, where every value is text, objects as JSON.

    Keys carry their namespace: `outlay:`, or that of the project, which the engine gives to a key
    without one and to the defaults of Pulumi.yaml, so that `outlay:` goes first. Others are left out.
    """
    own = {
        key.removeprefix(prefix): value
        for prefix in (f"{project}:", PREFIX)
        for key, value in texts.items()
        if key.startswith(prefix)
    }
    return {key: _json_or_text(key, value) for key, value in own.items()}


def _json_or_text(key: str, value: str) -> object:
    if not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise SettingsError(
            [Problem(key, f"is no valid JSON: {error}")], source="Pulumi config"
        ) from None


def _read_yaml(path: Path) -> dict[str, object]:
    from outlay.settings.yaml_file import read_yaml

    return read_yaml(path)


def _without_prefix(keys: Mapping[str, object], path: Path) -> dict[str, object]:
    twice = [key for key in keys if PREFIX + key in keys]
    if twice:
        raise InputError(f"{twice[0]!r} stands twice, with and without {PREFIX!r}, in {path}")
    return {key.removeprefix(PREFIX): value for key, value in keys.items()}
