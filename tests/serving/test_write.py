"""Writing objects: stable files, nothing foreign touched, nothing half written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from outlay.errors import InputError
from outlay.serving import write as write_module
from outlay.serving.objects import ClusterManifests
from outlay.serving.render import render
from outlay.serving.write import MARKER, write
from tests.serving import builders

AWS, GCP = render(builders.two_cloud_plan())


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_one_file_per_object_with_the_object_in_it(tmp_path: Path) -> None:
    written = write([AWS, GCP], tmp_path / "out")
    objects = [item for m in (AWS, GCP) for item in m.objects]
    *files, aws, gcp = written
    assert [yaml.safe_load(path.read_text()) for path in files] == [o.body() for o in objects]
    assert len(set(files)) == len(objects)
    for path in (aws, gcp):
        listed = yaml.safe_load(path.read_text())["resources"]
        assert listed == sorted(p.name for p in files if p.parent == path.parent)


def test_file_names() -> None:
    names = [write_module.file_name(item) for item in AWS.objects]
    assert names[:7] + names[8:9] == [
        "0-customresourcedefinition.inferencepools.inference.networking.k8s.io.yaml",
        "0-customresourcedefinition.inferenceobjectives.llm-d.ai.yaml",
        "0-customresourcedefinition.inferencemodelrewrites.llm-d.ai.yaml",
        "0-customresourcedefinition.podmonitors.monitoring.coreos.com.yaml",
        "0-customresourcedefinition.prometheusrules.monitoring.coreos.com.yaml",
        "0-namespace.llm-d.yaml",
        "0-priorityclass.outlay-replica-1-gpus.yaml",
        "1-daemonset.kube-system.nvidia-device-plugin.yaml",
    ]


def test_second_run_changes_nothing(tmp_path: Path) -> None:
    write([AWS, GCP], tmp_path)
    first = tree(tmp_path)
    write([AWS, GCP], tmp_path)
    assert tree(tmp_path) == first


def test_files_no_longer_rendered_go_and_foreign_files_stay(tmp_path: Path) -> None:
    write([AWS, GCP], tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / GCP.cluster / "extra.yaml").write_text("mine too")
    write([AWS], tmp_path)
    left = set(tree(tmp_path))
    kept = {f"{AWS.cluster}/{write_module.file_name(item)}" for item in AWS.objects}
    kept.add(f"{AWS.cluster}/kustomization.yaml")
    assert left == kept | {MARKER, "notes.txt", f"{GCP.cluster}/extra.yaml"}


def test_an_empty_cluster_folder_goes_too(tmp_path: Path) -> None:
    write([AWS, GCP], tmp_path)
    write([AWS], tmp_path)
    assert not (tmp_path / GCP.cluster).exists()


def test_a_stale_file_that_somebody_changed_stays(tmp_path: Path) -> None:
    changed = write([GCP], tmp_path)[-1]
    changed.write_text("# changed by hand\n")
    write([AWS], tmp_path)
    assert changed.read_text() == "# changed by hand\n"


@pytest.mark.parametrize("name", ["notes.txt", ".hidden"])
def test_a_foreign_folder_is_refused_and_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError) as caught:
        write([AWS], tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} is not empty and was not written by outlay; name a new or empty folder"
    )
    assert tree(tmp_path) == {name: b"mine"}


def test_a_file_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("")
    with pytest.raises(InputError, match="is a file; name a folder"):
        write([AWS], target)


@pytest.mark.parametrize(
    "marker", ["", "[]", "{}", '{"files": {"../../etc/passwd": ""}}', '{"files": {"/etc/x": ""}}']
)
def test_a_broken_or_hostile_marker_is_refused(marker: str, tmp_path: Path) -> None:
    """Its names are deleted later, so none may lead out of the folder."""
    (tmp_path / MARKER).write_text(marker)
    with pytest.raises(InputError, match="is broken"):
        write([AWS], tmp_path)


def test_a_failure_while_writing_leaves_the_old_files_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write([AWS], tmp_path)
    before = tree(tmp_path)
    real, calls = Path.write_text, iter(range(100))

    def full_disk(path: Path, text: str, **options: str) -> int:
        if next(calls) == 5:
            raise OSError(28, "No space left on device")
        return real(path, text, **options)

    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(InputError) as caught:
        write([GCP], tmp_path)
    assert str(caught.value) == f"cannot write to {tmp_path}: No space left on device"
    assert tree(tmp_path) == before


def test_a_run_that_died_between_two_files_is_cleaned_up_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marker names old and new files before the first of them is put in place."""
    real, calls = Path.replace, iter(range(100))

    def dies(path: Path, target: Path) -> Path:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            write([GCP], tmp_path)
    assert len(tree(tmp_path)) == 1 + 4
    write([AWS], tmp_path)
    assert set(json.loads((tmp_path / MARKER).read_text())["files"]) | {MARKER} == set(
        tree(tmp_path)
    )


def test_nothing_to_write_is_an_empty_folder_of_ours(tmp_path: Path) -> None:
    empty: tuple[ClusterManifests, ...] = ()
    assert write(empty, tmp_path / "a" / "b") == ()
    assert set(tree(tmp_path / "a" / "b")) == {MARKER}
