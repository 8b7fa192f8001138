# SPDX-License-Identifier: Apache-2.0
"""Guards: `plategate journal` shows and exports what was recorded, and finds what was changed."""

from __future__ import annotations

import csv
import io
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.errors import StoreError
from plategate.journal import open_journal
from plategate.settings.journal import JournalSettings
from plategate.values import (
    ListEntry,
    Passage,
    PlateSighting,
    Reason,
    Result,
    Still,
    Verdict,
)
from tests.conftest import FullDisk


@pytest.fixture
def config(tmp_path: Path) -> Path:
    journal = open_journal(JournalSettings(dir=tmp_path, min_free_mb=10))
    entry = ListEntry("AB12CDE", holder="Émile [/B]")
    for hour, result, reason, plate in (
        (8, Result.GRANTED, Reason.ALLOWED, "AB12CDE"),
        (9, Result.UNSURE, Reason.NOT_READABLE, None),
        (10, Result.REFUSED, Reason.NOT_LISTED, "XY99ZZZ"),
    ):
        granted = result is Result.GRANTED
        verdict = Verdict(
            result, reason, plate, entry if granted else None, alarm="possible" if granted else None
        )
        at = datetime(2026, 3, 1, hour, tzinfo=UTC)
        still = Still(np.zeros((40, 60, 3), np.uint8), "test")
        journal.record(
            Passage(
                f"p{hour}",
                "lane",
                at,
                "beam",
                verdict,
                barrier="opened, same visit as p7",
                milliseconds=(("total", 81.0),),
            ),
            PlateSighting(None, None, still),
        )
    journal.begin_grant("p11", "AB12CDE", datetime(2026, 3, 1, 11, tzinfo=UTC))
    journal.close()
    file = tmp_path / "settings.toml"
    file.write_text(f'[journal]\ndir = "{tmp_path}"\n', encoding="utf-8")
    return file


def run(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, ["journal", *arguments])
    assert result.exit_code == status, result.output
    return result.stdout


def test_ok__show_is_newest_first_and_names_what_is_under_way(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = run("show", "--config", str(config))
    assert text.index("XY99ZZZ") < text.index("not readable") < text.index("Émile [/B]")
    assert "allowed, alarm possible" in text
    assert "opened, same visit  " in text
    assert "under way: AB12CDE" in text


def test_ok__on_a_narrow_terminal_nothing_is_cut(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = run("show", "--config", str(config))
    assert "…" not in text
    assert "pictures" not in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_ok__show_json_is_one_line_each(config: Path) -> None:
    lines = run("show", "--json", "--limit", "2", "--config", str(config)).splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["p10", "p9"]


def test_ok__export_csv_is_oldest_first(config: Path) -> None:
    rows = list(
        csv.DictReader(io.StringIO(run("export", "--format", "csv", "--config", str(config))))
    )
    assert [row["id"] for row in rows] == ["p8", "p9", "p10"]
    assert rows[0]["holder"] == "Émile [/B]"
    assert rows[2]["plate"] == "XY99ZZZ"


def test_ok__export_json_to_a_file_within_times(config: Path, tmp_path: Path) -> None:
    since = datetime(2026, 3, 1, 9, tzinfo=UTC).astimezone().strftime("%Y-%m-%dT%H:%M:%S")
    file = tmp_path / "out.jsonl"
    run("export", str(file), "--since", since, "--config", str(config))
    documents = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [document["id"] for document in documents] == ["p9", "p10"]
    assert documents[1]["verdict"]["reason"] == "not_listed"


def test_ok__no_passages_in_that_time(config: Path) -> None:
    assert run("show", "--since", "2030-01-01", "--limit", "5", "--config", str(config)).startswith(
        "no passages\n"
    )


def test_fail__a_file_that_cannot_be_written_is_named(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "none" / "out.json"
    result = CliRunner().invoke(app, ["journal", "export", str(file), "--config", str(config)])
    assert isinstance(result.exception, StoreError)
    assert str(result.exception) == f"{file} cannot be written: No such file or directory"


def test_fail__a_full_disk_leaves_the_export_before(
    config: Path, tmp_path: Path, full_disk: FullDisk
) -> None:
    file = tmp_path / "out.jsonl"
    file.write_text("the export before", encoding="utf-8")
    for _ in range(2):
        with full_disk(1000):
            result = CliRunner().invoke(
                app, ["journal", "export", str(file), "--config", str(config)]
            )
        assert str(result.exception) == f"{file} cannot be written: File too large"
        assert file.read_text(encoding="utf-8") == "the export before"
        assert not list(tmp_path.glob("*.part"))


def test_ok__check_says_how_much_is_right(config: Path) -> None:
    assert run("check", "--config", str(config)).startswith(
        "3 passages, 0 forgotten, 3 pictures, 0 wrong"
    )


def test_fail__check_names_a_picture_that_cannot_be_read(config: Path, tmp_path: Path) -> None:
    picture = next((tmp_path / "evidence").rglob("*.jpg"))
    picture.unlink()
    picture.mkdir()
    text = run("check", "--config", str(config), status=1)
    assert f"{picture.name}: cannot be read: Is a directory" in text


@pytest.mark.parametrize(
    ("zone", "option", "year"),
    [("XST-9", "--since", "0001-01-01"), ("XST9", "--until", "9999-12-31T23:59:59")],
)
def test_fail__a_time_beyond_the_calendar_is_wrong_usage(
    config: Path, monkeypatch: pytest.MonkeyPatch, zone: str, option: str, year: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        run("show", "--config", str(config), option, year, status=2)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_fail__check_finds_a_changed_picture(config: Path, tmp_path: Path) -> None:
    pictures = sorted(tmp_path.glob("evidence/*/*.jpg"))
    pictures[0].write_bytes(b"other")
    pictures[1].unlink()
    text = run("check", "--config", str(config), status=1)
    assert ": changed" in text
    assert ": missing" in text


def test_fail__no_journal_yet(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f'[journal]\ndir = "{tmp_path}"\n', encoding="utf-8")
    result = CliRunner().invoke(app, ["journal", "show", "--config", str(file)])
    assert "no journal yet" in str(result.exception)
