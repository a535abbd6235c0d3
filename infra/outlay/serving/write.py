"""Write rendered objects into a folder, one file each, and never touch what is not ours there."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from outlay.errors import InputError
from outlay.serving.objects import ClusterManifests, KubeObject
from outlay.serving.yaml_text import dump

# Lists what was written, with hashes; its presence makes a folder ours.
MARKER = ".outlay-rendered.json"
KUSTOMIZATION = "kustomization.yaml"


def write(manifests: Sequence[ClusterManifests], out_dir: Path) -> tuple[Path, ...]:
    """Write one YAML file per object as `<cluster>/<0|1>-<kind>.<namespace>.<name>.yaml`.

    Files starting with 0 must be applied first. Each folder has a `kustomization.yaml` that lists
    them, for `kubectl apply --server-side -k`. Files of an earlier run that are no longer rendered
    are removed, unless somebody changed them. Returns the files in the order of the objects, then those lists.

    Raises:
        InputError: the folder is not empty and not ours, or cannot be written; nothing was changed.
    """
    files = {
        f"{one.cluster}/{file_name(item)}": file_text(item)
        for one in manifests
        for item in one.objects
    }
    files |= {f"{one.cluster}/{KUSTOMIZATION}": kustomization(one) for one in manifests}
    before = _written_before(out_dir)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        _replace_all(out_dir, files, before=before)
    except OSError as error:
        raise InputError(f"cannot write to {out_dir}: {error.strerror or error}") from error
    return tuple(out_dir / name for name in files)


def file_name(item: KubeObject) -> str:
    """Return the stable file name of an object."""
    # Kinds and namespaces have no dots, so that no two objects share a file.
    parts = (item.kind.lower(), item.namespace or "", item.name)
    return f"{0 if item.is_base else 1}-{'.'.join(part for part in parts if part)}.yaml"


def kustomization(manifests: ClusterManifests) -> str:
    """Return the file that lists all objects of a cluster."""
    names = sorted(file_name(item) for item in manifests.objects)
    body = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": names,
    }
    return f"# Rendered by outlay\n{dump(body)}"


def file_text(item: KubeObject) -> str:
    """Return the content of an object's file."""
    return f"# Rendered by outlay from {item.template}\n{dump(item.body())}"


def _written_before(out_dir: Path) -> Mapping[str, str]:
    if not out_dir.exists():
        return {}
    if not out_dir.is_dir():
        raise InputError(f"{out_dir} is a file; name a folder")
    marker = out_dir / MARKER
    if not marker.is_file():
        if any(out_dir.iterdir()):
            raise InputError(
                f"{out_dir} is not empty and was not written by outlay; name a new or empty folder"
            )
        return {}
    return _read_marker(marker)


def _read_marker(marker: Path) -> Mapping[str, str]:
    try:
        files: object = json.loads(marker.read_text("utf-8"))["files"]
    except (ValueError, KeyError, TypeError):
        files = None
    if not isinstance(files, dict) or not all(_is_inside(name) for name in files):
        raise InputError(f"{marker} is broken; name a new or empty folder, or empty this one")
    return files


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _replace_all(out_dir: Path, files: Mapping[str, str], *, before: Mapping[str, str]) -> None:
    """Put everything beside its place first, so that a full disk leaves the old files whole."""
    hashes = {name: _digest(text.encode()) for name, text in files.items()}
    staging = Path(tempfile.mkdtemp(prefix=".outlay-", dir=out_dir))
    try:
        for number, text in enumerate(files.values()):
            (staging / str(number)).write_text(text, encoding="utf-8", newline="\n")
        # A run that dies here on still knows all of its files.
        _write_marker(out_dir, dict(before) | hashes, staging=staging)
        for number, name in enumerate(files):
            (out_dir / name).parent.mkdir(parents=True, exist_ok=True)
            (staging / str(number)).replace(out_dir / name)
        _remove_stale(out_dir, {n: h for n, h in before.items() if n not in files})
        _write_marker(out_dir, hashes, staging=staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _write_marker(out_dir: Path, hashes: Mapping[str, str], *, staging: Path) -> None:
    text = json.dumps({"files": dict(sorted(hashes.items()))}, indent=2)
    fresh = staging / MARKER
    fresh.write_text(f"{text}\n", encoding="utf-8", newline="\n")
    fresh.replace(out_dir / MARKER)


def _remove_stale(out_dir: Path, stale: Mapping[str, str]) -> None:
    for name, digest in stale.items():
        path = out_dir / name
        if path.is_file() and not path.is_symlink() and _digest(path.read_bytes()) == digest:
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
