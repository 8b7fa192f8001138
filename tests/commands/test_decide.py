# SPDX-License-Identifier: Apache-2.0
"""Guards `plategate decide`: the verdict and reason of the gate for each picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from plategate.cli import app

DEMO = Path(__file__).parents[1] / "data" / "demo"
DAY = DEMO / "01-day-1.jpg"
EMPTY_STREET = DEMO / "14-street-without-a-car.jpg"
NOON = "2026-06-04T12:00+00:00"


def run(state: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["decide", "--state", str(state), *map(str, arguments)])


def verdicts(result: Result) -> list[dict]:
    return [json.loads(line)["verdict"] for line in result.stdout.splitlines()]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A store with one plate, and a record of the same vehicle."""
    (tmp_path / "allow.csv").write_text("plate,holder,until\nB 839-HAR,Ana Pop,2026-12-31\n")
    (tmp_path / "cars.csv").write_text("plate,owner,address\nB839HAR,Ana Pop,Strada Lunga 3\n")
    into = ["--state", str(tmp_path)]
    for command in (
        ["list", "import", "--list", "allow", str(tmp_path / "allow.csv"), *into],
        ["records", "import", str(tmp_path / "cars.csv"), *into],
    ):
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output
    return tmp_path


def test_ok__listed_plate_is_granted(state: Path) -> None:
    result = run(state, DAY, "--json", "--at", NOON)
    assert result.exit_code == 0
    (verdict,) = verdicts(result)
    assert verdict["result"] == "granted"
    assert verdict["reason"] == "allowed"
    assert verdict["entry"]["holder"] == "Ana Pop"
    assert verdict["record"]["address"] == "Strada Lunga 3"
    assert json.loads(result.stdout)["plates"][0]["text"] == "B839HAR"


def test_ok__the_time_decides(state: Path) -> None:
    (verdict,) = verdicts(run(state, DAY, "--json", "--at", "2027-06-04T12:00"))
    assert (verdict["result"], verdict["reason"]) == ("refused", "expired")


def test_ok__no_plate_is_unsure(state: Path) -> None:
    (verdict,) = verdicts(run(state, EMPTY_STREET, "--json", "--at", NOON))
    assert verdict["result"] == "unsure"
    assert verdict["entry"] is verdict["record"] is None


def test_ok__no_list_refuses(tmp_path: Path) -> None:
    (verdict,) = verdicts(run(tmp_path, DAY, "--json", "--at", NOON))
    assert (verdict["result"], verdict["reason"]) == ("refused", "no_list")


def test_ok__text_output_names_the_verdict(state: Path) -> None:
    result = run(state, DAY, "--at", NOON)
    assert "B839HAR" in result.stdout
    assert "granted (allowed), Ana Pop" in result.stdout


def test_ok__broken_file_has_no_verdict(state: Path) -> None:
    result = run(state, state / "gone.jpg", DAY, "--json", "--at", NOON)
    assert result.exit_code == 1
    broken, read = map(json.loads, result.stdout.splitlines())
    assert set(broken) == {"file", "error"}
    assert read["verdict"]["result"] == "granted"


@pytest.mark.parametrize("time", ["noon", "2026-13-01", "", "0001-01-01T00:00", "9999-12-31T23:59"])
def test_fail__an_invalid_time_is_wrong_usage(state: Path, time: str) -> None:
    assert run(state, DAY, "--at", time).exit_code == 2


def test_ok__nothing_is_written(
    state: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path_factory.mktemp("timesync") / "synchronized"
    mark.touch()
    monkeypatch.setattr("plategate.schedule.clock_trust.TIMESYNC_MARK", mark)

    def contents() -> dict[str, bytes]:
        files = (file for file in state.iterdir() if not file.name.endswith(("-wal", "-shm")))
        return {file.name: file.read_bytes() for file in files}

    before = contents()
    assert verdicts(run(state, DAY, "--json"))[0]["reason"] in ("allowed", "expired")
    assert contents() == before
