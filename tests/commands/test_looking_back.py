# SPDX-License-Identifier: Apache-2.0
"""Guards looking back: filters of `journal show`, everything about one passage, monthly reports."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from plategate.access.store.importing import import_record_file
from plategate.catalogue import texts_of
from plategate.cli import app
from plategate.errors import StoreError
from plategate.journal import open_journal
from plategate.settings import load_settings
from plategate.settings.journal import JournalSettings
from plategate.values import GateEvent, Passage, PlateSighting, Reason, Result, Still, Verdict

PASSAGES = (
    ("p1", "2026-03-01T08:00", "in", Result.GRANTED, Reason.ALLOWED, "AB12CDE"),
    ("p2", "2026-03-01T09:00", "in", Result.REFUSED, Reason.NOT_LISTED, "XY99ZZZ"),
    ("p3", "2026-03-02T08:30", "out", Result.UNSURE, Reason.NOT_READABLE, None),
    ("p4", "2026-04-01T00:00", "in", Result.GRANTED, Reason.ALLOWED, "AB12CDE"),
)
Run = Callable[..., Any]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    journal = open_journal(JournalSettings(dir=tmp_path, min_free_mb=10))
    for passage_id, at, lane, result, reason, plate in PASSAGES:
        verdict = Verdict(result, reason, plate)
        moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
        times = (("total", 800.0),) if result is Result.GRANTED else ()
        passage = Passage(passage_id, lane, moment, "beam", verdict, milliseconds=times)
        still = Still(np.zeros((40, 60, 3), np.uint8), "test")
        journal.record(passage, PlateSighting(None, None, still))
    at = datetime(2026, 3, 5, 7, tzinfo=UTC)
    journal.add_event(GateEvent("e1", "in", at, "fault", "p1", "did_not_open <b>XY99ZZZ</b>"))
    journal.add_event(GateEvent("e2", "out", at, "mode", None, "locked"))
    journal.close()
    file = tmp_path / "settings.toml"
    file.write_text(
        f'[journal]\ndir = "{tmp_path}"\n[access]\nzone = "UTC"\nfile = "{tmp_path}/lists.sqlite"\n'
        '[lane]\nname = "Hof <Süd>"\n',
        encoding="utf-8",
    )
    return file


@pytest.fixture
def run(config: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TZ", "UTC")

    def invoke(*words: str, status: int = 0) -> Any:
        done = CliRunner().invoke(app, ["journal", *words, "--config", str(config)])
        assert done.exit_code == status, (done.output, done.exception)
        return done

    return invoke


def ids(output: str) -> list[str]:
    return [json.loads(line)["id"] for line in output.splitlines()]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--outcome", "granted"], ["p4", "p1"]),
        (["--outcome", "not-listed"], ["p2"]),
        (["--outcome", "not readable", "--lane", "out"], ["p3"]),
        (["--lane", "out"], ["p3"]),
        (["--lane", "none"], []),
        (["--day", "2026-03-01"], ["p2", "p1"]),
        (["--day", "2026-03-01", "--outcome", "refused"], ["p2"]),
        (["--plate", "ab 12 cde", "--day", "2026-04-01"], ["p4"]),
        (["--day", "yesterday"], []),
    ],
)
def test_ok__filters_narrow_what_is_shown(run: Run, options: list[str], found: list[str]) -> None:
    assert ids(run("show", "--json", *options).stdout) == found
    assert ids(run("export", *options).stdout) == found[::-1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--outcome", "maybe"], "must be one of granted"),
        (["--day", "1.3.2026"], "must be a day such as"),
        (["--day", "today", "--since", "2026-03-01"], "cannot be combined"),
        (["--outcome", "granted", "--events"], "belongs to passages"),
        (["--since", "2026-03-02", "--until", "2026-03-01"], "must be later than"),
        (
            ["--since", "2026-03-02", "--until", "2026-03-02"],
            "must be later than --since 2026-03-02",
        ),
    ],
)
def test_fail__a_filter_that_is_none_is_wrong_usage(
    run: Run, options: list[str], said: str
) -> None:
    for command in ("show", "export"):
        output = re.sub(r"[\s│]+", " ", run(command, *options, status=2).output)
        assert said in output


def test_ok__events_of_a_day_and_lane(run: Run) -> None:
    assert ids(run("show", "--events", "--json", "--lane", "out").stdout) == ["e2"]
    assert ids(run("show", "--events", "--json", "--day", "2026-03-01").stdout) == []


def test_ok__one_passage_with_its_vehicle_events_and_pictures(
    run: Run, config: Path, tmp_path: Path
) -> None:
    records = tmp_path / "records.csv"
    records.write_text("plate,owner,colour\nAB12CDE,Ada [b]Example,blue\n", encoding="utf-8")
    import_record_file(load_settings(config).access, records)
    text = run("passage", "p1").stdout
    assert "fault did_not_open" in text
    assert "vehicle owner: Ada [b]Example" in text
    (picture,) = tmp_path.glob("evidence/*/*_p1_still.jpg")
    assert str(picture) in text
    assert ids(run("passage", "p1", "--json").stdout) == ["p1", "e1"]
    assert "has no passage p9" in str(run("passage", "p9", status=1).exception)


def test_ok__open_starts_a_program_for_each_picture_and_names_a_missing_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = tmp_path / "opened"
    program = tmp_path / "bin" / "xdg-open"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> {opened}\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    run("passage", "p1", "--open")
    (picture,) = tmp_path.glob("evidence/*/*_p1_still.jpg")
    assert opened.read_text() == f"{picture}\n"
    monkeypatch.setenv("PATH", "")
    done = run("passage", "p1", "--open", status=1)
    assert "there is no xdg-open here" in str(done.exception)
    picture.unlink()
    done = run("passage", "p1", "--open", status=1)
    assert isinstance(done.exception, StoreError)
    assert "picture is missing" in str(done.exception)


@pytest.mark.parametrize("language", ["en", "de"])
def test_ok__the_page_counts_the_month_and_escapes_what_came_from_outside(
    run: Run, tmp_path: Path, language: str
) -> None:
    file = tmp_path / "out.html"
    said = run("report", "--month", "2026-03", "--out", str(file), "--language", language).stdout
    assert said == f"{file}: 3 passages, 1 refused, 1 unread, 1 alarms and faults\n"
    page, text = file.read_text(encoding="utf-8"), texts_of(language)
    assert text["report.total"].format(total=3) in page
    assert text["report.hours"] in page
    assert "2026-03, Hof &lt;Süd&gt;</h1>" in page
    assert "800 ms" in page
    assert "2026-03-02 08:30" in page
    for personal in ("XY99ZZZ", "AB12CDE", "did_not_open"):
        assert personal not in page, "plates are left out unless asked for"


def test_ok__the_report_covers_the_other_lanes_of_the_site(
    config: Path, run: Run, tmp_path: Path
) -> None:
    other = tmp_path / "exit"
    journal = open_journal(JournalSettings(dir=other, min_free_mb=10))
    verdict = Verdict(Result.REFUSED, Reason.NOT_LISTED, "KL55MNO")
    journal.record(
        Passage("q1", "exit", datetime(2026, 3, 9, tzinfo=UTC), "beam", verdict, milliseconds=()),
        None,
    )
    journal.close()
    settings = tmp_path / "exit.toml"
    settings.write_text(f'[journal]\ndir = "{other}"\n[lane]\nname = "Exit"\n', encoding="utf-8")
    with config.open("a", encoding="utf-8") as file:
        file.write(f'[console]\nlanes = ["{settings}"]\n')
    out = tmp_path / "out.html"
    said = run("report", "--month", "2026-03", "--out", str(out)).stdout
    assert said == f"{out}: 4 passages, 2 refused, 1 unread, 1 alarms and faults\n"
    page = out.read_text(encoding="utf-8")
    assert "2026-03, Hof &lt;Süd&gt;, Exit</h1>" in page
    assert "<td>q1</td><td>exit</td>" in re.sub(r"\s*\n\s*", "", page)
    said = run("report", "--month", "2026-03", "--out", str(out), "--lane", "exit").stdout
    assert "1 passages, 1 refused" in said


def test_ok__with_plates_they_are_there_and_escaped(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "out.html"
    run("report", "--month", "2026-03", "--out", str(file), "--plates")
    page = file.read_text(encoding="utf-8")
    assert "<td>XY99ZZZ</td>" in page
    assert "&lt;b&gt;XY99ZZZ&lt;/b&gt;" in page


@pytest.mark.parametrize("language", ["en", "de"])
def test_ok__the_pdf_has_the_same_texts(run: Run, tmp_path: Path, language: str) -> None:
    file = tmp_path / "out.pdf"
    run("report", "--month", "2026-03", "--out", str(file), "--language", language)
    assert file.read_bytes().startswith(b"%PDF-")
    text = pdf_text(file)
    assert texts_of(language)["report.hours"] in text
    assert "2026-03, Hof <Süd>" in text
    assert "XY99ZZZ" not in text


def pdf_text(file: Path) -> str:
    """The texts of a PDF that fpdf2 wrote with built-in fonts."""
    import zlib

    content = file.read_bytes()
    streams = re.findall(rb"stream\n(.*?)\nendstream", content, re.S)
    shown = b"".join(zlib.decompress(stream) for stream in streams)
    found = re.findall(rb"\((.*?)(?<!\\)\) Tj", shown, re.S)
    joined = b" ".join(re.sub(rb"\\([()\\])", rb"\1", part) for part in found)
    return joined.decode("latin-1")


def test_ok__a_long_month_has_several_pages_and_says_what_is_not_shown(
    config: Path, run: Run, tmp_path: Path
) -> None:
    journal = open_journal(JournalSettings(dir=tmp_path, min_free_mb=10))
    start = datetime(2026, 2, 1, tzinfo=UTC)
    for number in range(230):
        verdict = Verdict(Result.REFUSED, Reason.NOT_LISTED, f"Ж{number}")
        at = start + timedelta(hours=2 * number)
        journal.record(Passage(f"x{number}", "Ж", at, "beam", verdict))
    journal.close()
    file = tmp_path / "out.pdf"
    run("report", "--month", "2026-02", "--out", str(file), "--plates", "--lane", "Ж")
    text = pdf_text(file)
    assert "30 more are not shown" in text
    assert "2026-02, \\u0416" in text, "a character that the fonts lack is shown as an escape"
    assert "may be missing" in text
    assert len(re.findall(rb"/Type /Page\b", file.read_bytes())) > 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--month", "2026-13"], "must be a month such as"),
        (["--month", "March"], "must be a month such as"),
        (["--month", "9998-01"], "has not begun"),
        (["--month", "2026-03", "--out", "a.doc"], "must end with .html or .pdf"),
    ],
)
def test_fail__a_month_or_file_that_is_none_is_wrong_usage(
    run: Run, options: list[str], said: str
) -> None:
    assert said in re.sub(r"[\s│]+", " ", run("report", *options, status=2).output)


def test_fail__a_file_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "none" / "a.html"
    done = run("report", "--month", "2026-03", "--out", str(file), status=1)
    assert str(done.exception) == f"{file} cannot be written: No such file or directory"


def test_fail__an_empty_plate_is_not_every_plate(run: Run) -> None:
    done = run("export", "--plate", "", status=2)
    assert done.stdout == ""
    assert "must have 2 to 12" in done.output


def test_ok__a_dash_is_standard_output(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ids(run("export", "-").stdout) == ids(run("export").stdout)
    assert not (tmp_path / "-").exists()
