"""The user's events: two formats, every mistake named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from outlay.errors import InputError, SettingsError
from outlay.planning.planner import make_plan
from outlay.planning.spot_events import load_spot_events
from outlay.settings import raw_from_stack
from tests.planning.builders import REAL, catalog, settings
from tests.planning.test_spot_risk import CALM, SPOT, risk

HEAD = "provider,region,gpu,instance_hours,interruptions,launches,failed_launches\n"


def written(folder: Path, text: str, name: str = "events.csv") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_csv_and_json_say_the_same(tmp_path: Path) -> None:
    csv = written(tmp_path, HEAD + "AWS,us-east-1,l40s,990,1,90,0\n")
    json = written(
        tmp_path,
        '[{"provider": "aws", "region": "us-east-1", "gpu": "L40S", "instance_hours": 990,'
        ' "interruptions": 1, "launches": 90, "failed_launches": 0}]',
        "events.json",
    )
    (one,), (other,) = load_spot_events([csv], REAL), load_spot_events([json], REAL)
    assert one == other
    assert (one.provider, one.gpu, one.instance_hours) == ("aws", "L40S", 990.0)


def test_empty_cells_are_everything_and_nothing(tmp_path: Path) -> None:
    (event,) = load_spot_events([written(tmp_path, HEAD + "gcp,,,100,0,,\n")], REAL)
    assert (event.region, event.gpu, event.launches, event.failed_launches) == ("*", "*", 0, 0)


def test_settings_name_the_file_and_the_plan_learns(tmp_path: Path) -> None:
    file = written(tmp_path, HEAD + "aws,us-*,L40S,990,1,90,0\n")
    found = risk(make_plan(settings(**CALM, spotEvents=file), catalog([SPOT])))
    assert found.pools[0].hazard_per_hour == 0.002
    assert found.share > 0.98


def test_all_mistakes_at_once_with_their_lines(tmp_path: Path) -> None:
    lines = [
        "aws,us-east-1,L40S,-5,1,0,0",
        "aws,us-east-1,B9000,10,1,0,0",
        "nowhere,us-east-1,L40S,10,1,0,0",
        "aws,mars-1,L40S,10,1,0,0",
        "aws,us-east-1,L40S,10,1,2,3",
        "aws,us-east-1,L40S,0,1,0,0",
        "aws,us-east-1,L40S,10,one,0,0",
    ]
    with pytest.raises(SettingsError) as error:
        load_spot_events([written(tmp_path, HEAD + "\n".join(lines))], REAL)
    assert [p.path.split()[1] for p in error.value.problems] == [str(n) for n in range(2, 9)]
    assert "failed_launches is above launches" in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("events.json", "{}", "must be a JSON list"),
        ("events.json", "[", "no valid JSON"),
        ("events.csv", HEAD + "aws,us-east-1\n", "line 2: wrong number of cells"),
        ("events.csv", "provider,surprise,instance_hours,interruptions\naws,1,1,0\n", "surprise"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_spot_events([written(tmp_path, text, name)], REAL)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(InputError, match=r"nothing\.csv do not exist; see docs/spot\.md"):
        load_spot_events(["nothing.csv"], REAL)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        load_spot_events([str(tmp_path / "events.csv")], REAL)


def test_a_stack_names_files_beside_its_pulumi_yaml(tmp_path: Path) -> None:
    """Wherever the command runs; a path that is absolute stays as it is."""
    raw = (
        "config:\n  outlay:spotEvents: events.csv, /etc/more.csv\n  outlay:calibrations: [a.json]\n"
    )
    (tmp_path / "Pulumi.live.yaml").write_text(raw)
    found = raw_from_stack(tmp_path, "live")
    assert found["spotEvents"] == [str(tmp_path / "events.csv"), "/etc/more.csv"]
    assert found["calibrations"] == [str(tmp_path / "a.json")]


def test_a_stack_that_names_none_has_none(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.live.yaml").write_text('config:\n  outlay:spotEvents: ""\n')
    assert raw_from_stack(tmp_path, "live") == {"spotEvents": ""}
