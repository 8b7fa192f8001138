# SPDX-License-Identifier: Apache-2.0
"""Guards `plategate list add|edit|remove|follow|undo|history|diff`: an owner's changes by hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plategate.cli import app


@pytest.fixture
def run(tmp_path):
    def command(*words: object, code: int = 0) -> str:
        answer = CliRunner().invoke(app, [*map(str, words), "--state", str(tmp_path)])
        assert answer.exit_code == code, (answer.output, answer.exception)
        text = answer.output.replace("│", " ") if code == 2 else answer.output
        return " ".join(text.split()) if code == 2 else text + str(answer.exception or "")

    return command


@pytest.fixture
def residents(tmp_path, run):
    """Import a list of these plates."""

    def put(*plates: str, options: tuple[str, ...] = ()) -> str:
        file = tmp_path / "residents.csv"
        file.write_text("\n".join(["plate", *plates]) + "\n")
        return run("list", "import", file, *options)

    return put


def test_ok__a_guest_is_added_edited_and_removed(run):
    said = run(
        "list", "add", "M-X 1", "--holder", "Guest", "--until", "2030-12-05", "--entries", "2",
        "--hours", "mon-fri 07:00-18:00", "--group", "flat 7", "--note", "blue",
        "--why", "visit",
    )  # fmt: skip
    assert said == "allow: MX1 added by hand (1 entries): visit\n"
    run("list", "edit", "mx 1", "--until", "2030-12-09", "--hours", "")
    shown = run("list", "show", "M-X1")
    assert shown == "allow: MX1           Guest  flat 7  until 2030-12-09  2 entries  blue\n"
    assert run("list", "remove", "MX1").startswith("allow: MX1 removed by hand (0 entries)")
    assert "on no list" in run("list", "show", "MX1", code=1)


def test_ok__an_import_says_what_was_made_by_hand(run, residents):
    residents("A1", "B2")
    run("list", "add", "C3", "--from", "2026-01-01")
    said = run("list", "remove", "A1")
    assert "the source of the list still has it; it stays removed (plategate list follow A1" in said
    said = residents("A1", "B2", "D4")
    assert "kept 1 plates made by hand; 1 plates stay removed by hand although the source" in said
    assert "1 plates made and 1 removed by hand (--by-hand shows them)" in run("list", "show")
    lines = run("list", "show", "--by-hand").splitlines()
    assert [line.split("  ")[0] for line in lines] == ["A1", "C3"]
    assert "removed" in lines[0]
    assert "A1 follows its source again" in run("list", "follow", "A1")
    said = residents("A1", "B2", options=("--drop-by-hand",))
    assert "by hand" not in said
    assert "2 entries" in run("list", "show")


def test_ok__a_dry_run_shows_every_plate_that_would_change(run, residents):
    residents("A1", "B2", "C3")
    said = residents("B2", "C3", "D4", options=("--dry-run",))
    assert said.splitlines()[1:] == ["- A1", "+ D4"]
    assert "... and 1 more (--limit)" in residents(
        "B2", "C3", "D4", options=("--dry-run", "--limit", "1")
    )
    assert "generation 1, 3 entries" in run("list", "show")


def test_ok__a_wrong_import_is_undone_and_the_history_says_so(run, residents):
    residents("A1", "B2", "C3")
    residents("Z1", options=("--force", "--who", "bert", "--why", "by mistake"))
    assert run("list", "diff").splitlines()[1:] == ["- A1", "- B2", "- C3", "+ Z1"]
    said = run("list", "undo", "--who", "anna", "--why", "restored")
    assert said == ("allow: change 2 is undone: 3 plates added, 1 removed, 0 changed (3 entries)\n")
    lines = run("list", "history").splitlines()
    assert lines[0].startswith("   3  ")
    assert "anna  allow: undid change 2: A1, B2, C3 and 1 more (3 entries): restored" in lines[0]
    assert "bert  allow: replaced by residents.csv" in lines[1]
    assert lines[1].endswith("(1 entries, undone): by mistake")
    assert "+ A1" in run("list", "diff", "1")
    assert "there is no change 9" in run("list", "diff", "9", code=1)


def test_fail__wrong_words_are_named(run, residents):
    residents("A1")
    assert "until = 'soon': not a day or time" in run(
        "list", "add", "B2", "--until", "soon", code=1
    )
    assert "name at least one field to change" in run("list", "edit", "A1", code=2)
    assert "wildcards are not supported" in run("list", "add", "HH-X*", code=2)
    assert "'friends': must be allow, block or wanted" in run(
        "list", "remove", "A1", "--list", "friends", code=2
    )
    assert "A1 is on the allow list already" in run("list", "add", "A1", code=1)
    assert "no change is left" in run("list", "undo", "--list", "block", code=1)


def test_fail__an_empty_file_is_refused_although_entries_by_hand_remain(run, residents):
    run("list", "add", "A1")
    assert "has no entries; use --allow-empty" in residents_error(residents)


def residents_error(residents) -> str:
    with pytest.raises(AssertionError) as error:
        residents()
    return str(error.value)


@pytest.mark.parametrize("form", ["csv", "json", "xlsx"])
def test_ok__an_export_is_read_again_unchanged(run, tmp_path, form):
    settings = tmp_path / "settings.toml"
    settings.write_text('[access]\nzone = "Europe/Berlin"\n')
    site = ("--config", settings)
    notes = ["=1+1", "'=1+1", "''", "-5", "@x", 'a "b"; c, d', "Ärger \uff1d1", "'plain"]
    for number, note in enumerate(notes):
        run("list", "add", f"A{number}", "--note", note, *site)
    run("list", "edit", "A0", "--from", "2026-06-01", "--until", "2026-10-25T02:30+01:00", *site)
    run("list", "edit", "A1", "--until", "2026-10-25T02:30+02:00", "--entries", "3", *site)
    run("list", "edit", "A2", "--hours", "mon,thu 06:00-09:00", "--until", "2026-06-30", *site)
    before = run("list", "show", *site)
    file = tmp_path / f"out.{form}"
    assert run("list", "export", file, *site) == f"8 entries of the allow list written to {file}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    said = run("list", "import", file, "--drop-by-hand", *site)
    assert "(0 plates added, 0 removed, 0 changed)" in said
    assert run("list", "show", *site).splitlines()[2:] == before.splitlines()[3:]
    assert "exists already; use --force" in run("list", "export", file, *site, code=1)
    run("list", "export", file, "--force", *site)
    if form != "xlsx":
        assert run("list", "export", "-", "--format", form, *site) == file.read_text()
    if form == "csv":
        cells = [line.split(",")[3] for line in file.read_text("utf-8-sig").splitlines()[1:]]
        assert not [cell for cell in cells if cell.strip('"')[:1] in ("=", "-", "@", "+")]


def test_fail__an_export_names_unknown_formats(run, residents, tmp_path):
    residents("A1")
    assert "format 'pdf': unknown; known are csv, json, xlsx" in run(
        "list", "export", tmp_path / "a.pdf", code=1
    )
    missing = tmp_path / "none" / "a.csv"
    assert f"{missing}: cannot be written: No such file" in run("list", "export", missing, code=1)


def test_ok__a_workbook_is_imported_and_what_was_interpreted_is_said(run, tmp_path):
    file = Path(__file__).parents[1] / "data" / "spreadsheets" / "us.csv"
    said = run("list", "import", file, "--dry-run").splitlines()
    assert said[0].startswith("columns: Kennzeichen is plate, Name is holder")
    assert said[1] == "until: dates are read as month, day, year"
    assert said[2].startswith("would be: allow: generation 1, 3 entries")
    assert said[3] == "+ BAB123        Jörg Müller  Wohnung 7  until 2026-12-31"
    assert "write NAME=COLUMN" in run("list", "import", file, "--column", "Name=x", code=2)


def test_ok__a_template_is_written_once(tmp_path):
    file = tmp_path / "list.xlsx"
    runner = CliRunner()
    assert "import it with" in runner.invoke(app, ["list", "template", str(file)]).output
    assert "exists already" in str(runner.invoke(app, ["list", "template", str(file)]).exception)
    assert runner.invoke(app, ["list", "template", str(file), "--force"]).exit_code == 0
    assert runner.invoke(app, ["list", "template", str(tmp_path / "a.csv")]).exit_code == 2


def test_ok__a_reason_or_file_name_that_is_not_utf8_is_kept_as_an_escape(run, tmp_path):
    file = tmp_path / os.fsdecode(b"g\xe4ste.csv")
    file.write_text("plate\nB-AB 1\n")
    run("list", "import", file)
    reason = os.fsdecode(b"G\xe4ste")
    run("list", "add", "B-AB 2", "--why", reason, "--who", reason)
    history = run("list", "history")
    assert "replaced by g\\udce4ste.csv" in history
    assert "G\\udce4ste  allow" in history
