# SPDX-License-Identifier: Apache-2.0
"""Guards `plategate list`: imports completely or not at all and names invalid lines."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from plategate.access.visits import Direction, EntryUse, VisitStore
from plategate.cli import app
from plategate.errors import GateError
from plategate.schedule.zone import site_zone


@pytest.fixture
def run(tmp_path):
    def command(*words, code=0):
        found = CliRunner().invoke(app, [*words, "--state", str(tmp_path)])
        if isinstance(found.exception, GateError):
            return str(found.exception)
        assert found.exit_code == code, found.output
        return found.output

    return command


def test_ok__imports_and_shows_a_list(run, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("Plate;Holder\nB-AB 12;Jörg\n\nAB12 CDE;Anna\n", encoding="utf-8-sig")
    assert "2 plates added" in run("list", "import", str(file))
    shown = run("list", "show")
    assert "BAB12         Jörg" in shown
    assert "allow: AB12CDE       Anna" in run("list", "show", "ab 12-cde")
    assert "on no list" in run("list", "show", "X1", code=1)
    assert "generation 1" in run("list", "show", "--history")


def test_ok__the_file_names_its_list(run, tmp_path):
    file = tmp_path / "b.json"
    head = '{"format": "plategate-list", "version": 1, "list": "block", "entries": '
    file.write_text(head + '[{"plate": "A1"}]}')
    assert run("list", "import", str(file)).startswith("block: generation 1")
    assert "is the block list" in run("list", "import", str(file), "--list", "wanted", code=1)


def test_fail__an_invalid_line_is_named_and_nothing_is_imported(run, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("plate,until,hours\nA1,,\nB2,31.13.2026,\nC3,,mon 7-9\n")
    said = run("list", "import", str(file))
    assert "a.csv: line 3: until = '31.13.2026': is no date; write the year first" in said
    assert "a.csv: line 4: hours = 'mon 7-9': '7-9': write times as 07:00-18:00" in said
    assert "never imported" in run("list", "show", code=1)


def test_fail__an_empty_list_needs_allow_empty(run, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("plate\n")
    assert "has no entries" in run("list", "import", str(file))
    assert "0 entries" in run("list", "import", str(file), "--allow-empty")


def test_ok__a_dry_run_shows_what_would_change(run, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("plate\nA1\n")
    assert run("list", "import", str(file), "--dry-run").startswith("would be: allow")
    assert "no lists have been imported yet" in run("list", "show", code=1)


def test_fail__a_missing_file_is_one_line(run, tmp_path):
    assert "cannot be read" in run("list", "import", str(tmp_path / "none.csv"))
    assert "no lists have been imported yet" in run("list", "show")


def test_ok__check_names_problems_and_misreadings(run, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("plate\nB812CDE\nBB12CDE\nBB12CDE\n")
    run("list", "import", str(file))
    said = run("list", "check", code=1)
    assert "allow: B812CDE looks like BB12CDE" in said
    assert "allow: BB12CDE appears 2 times" in said
    assert "1 one confusion apart" in said
    about = run("list", "check", "b812 cde")
    assert "exact:\n  nothing but B812CDE itself" in about
    assert "8812CDE would open, with low confidence" in about


def test_ok__days_are_shown_as_written_in_site_time(run, tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text('[access]\nzone = "Europe/Berlin"\n', encoding="utf-8")
    file = tmp_path / "a.csv"
    file.write_text("plate,from,until\nA1,2026-06-01,2026-06-30\nB2,,2020-06-30T18:00\n")
    site = ("--config", str(config))
    run("list", "import", str(file), *site)
    shown = run("list", "show", *site)
    assert "A1            from 2026-06-01  until 2026-06-30\n" in shown
    assert "B2            until 2020-06-30 18:00\n" in shown
    assert "allow: B2 ended 2020-06-30 18:00\n" in run("list", "check", *site, code=1)


def test_fail__an_invalid_plate_is_wrong_usage(run, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("plate\nAB12CDE\n")
    run("list", "import", str(file))
    for words in (("list", "show"), ("list", "check"), ("records", "lookup")):
        assert "2 to 12 letters" in run(*words, "-", code=2)
        assert "2 to 12 letters" in run(*words, "A" * 13, code=2)
    assert run("list", "check", "XY99ZZZ").startswith("XY99ZZZ is not on the allow list; if it")
    assert run("list", "check", "AB12CDE").startswith("exact:")


def test_ok__shows_who_is_inside(run, tmp_path):
    assert run("list", "inside") == "0 inside\n"
    since = datetime(2026, 3, 2, 9, tzinfo=UTC)
    with closing(VisitStore(tmp_path / "visits.sqlite")) as visits:
        visits.note(EntryUse("p1", "A1", None, Direction.IN, since))
    since = since.astimezone(site_zone(""))
    assert run("list", "inside").splitlines() == [
        f"A1            since {since:%Y-%m-%d %H:%M}",
        "1 inside",
    ]
    assert run("list", "inside", "--forget-hours", "1") == "1 removed\n0 inside\n"
