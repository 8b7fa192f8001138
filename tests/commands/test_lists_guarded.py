# SPDX-License-Identifier: Apache-2.0
"""Guards `plategate list import` and `records import` against files that are not what was meant."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from plategate.cli import app


@pytest.fixture
def run(tmp_path):
    def command(*words: object, code: int = 0) -> str:
        answer = CliRunner().invoke(app, [*map(str, words), "--state", str(tmp_path)])
        assert answer.exit_code == code, (answer.output, answer.exception)
        return answer.output + str(answer.exception or "")

    return command


@pytest.fixture
def file(tmp_path):
    def write(name: str, *plates: str, header: str = "plate"):
        path = tmp_path / name
        path.write_text("\n".join([header, *plates]) + "\n")
        return path

    return write


def test_fail__one_row_does_not_replace_many_without_force(run, file):
    run("list", "import", file("residents.csv", *(f"A{number}" for number in range(9))))
    said = run("list", "import", file("guest.csv", "Z1"), code=1)
    assert "would replace 9 entries of the allow list by 1; use --force if that is meant" in said
    assert "9 entries" in run("list", "show")
    assert "(1 plates added, 9 removed" in run("list", "import", file("guest.csv", "Z1"), "--force")


def test_ok__a_list_may_lose_half_of_its_entries(run, file):
    run("list", "import", file("a.csv", "A1", "A2", "A3", "A4"))
    assert "2 entries" in run("list", "import", file("b.csv", "A1", "A2"))


def test_fail__one_record_does_not_replace_many_without_force(run, file):
    run("records", "import", file("all.csv", *(f"A{number}" for number in range(9))))
    one = file("one.csv", "Z1")
    assert "would replace 9 records by 1; use --force" in run("records", "import", one, code=1)
    assert "A3" in run("records", "lookup", "A3")
    assert "1 records" in run("records", "import", one, "--force")


def test_fail__the_list_that_the_file_names_must_be_the_one_asked_for(run, tmp_path):
    path = tmp_path / "block.json"
    head = {"format": "plategate-list", "version": 1, "list": "block"}
    path.write_text(json.dumps({**head, "entries": [{"plate": "A1"}]}))
    said = run("list", "import", path, "--list", "allow", code=1)
    assert "is the block list, not the allow list" in said
    assert "block: generation 1" in run("list", "import", path)
    assert "block: generation 2" in run("list", "import", path, "--list", "block")
    assert "allow: generation 1" in run("list", "import", path, "--list", "allow", "--force")


@pytest.mark.parametrize("words", [("list", "import"), ("records", "import")])
@pytest.mark.parametrize("name", ["allow", "block", "wanted"])
def test_fail__a_plate_with_foreign_letters_is_refused_everywhere(run, file, words, name):
    which = ("--list", name) if words[0] == "list" else ()
    said = run(*words, file("x.csv", "A1", "B839HAЖR"), *which, code=1)
    assert "line 3: plate = 'B839HAЖR': character 7 is 'Ж' (U+0416" in said


@pytest.mark.parametrize("words", [("list", "show"), ("list", "check"), ("records", "lookup")])
def test_fail__a_plate_on_the_command_line_is_checked_in_the_same_way(run, file, words):
    run("list", "import", file("a.csv", "A1"))
    said = run(*words, "HH-X*", code=2)
    assert "wildcards are not supported" in " ".join(said.replace("│", " ").split())


def test_ok__names_cannot_move_the_cursor_or_reverse_the_line(run, file, tmp_path):
    run("list", "import", file("a.csv", "A1,Dan\u200fiel", header="plate,holder"))
    assert r"Dan\u200fiel" in run("list", "show")
    odd = file("a\x1b[2J.csv", "A1")
    assert r"from a\x1b[2J.csv" in run("list", "import", odd)
    assert r"a\x1b[2J.csv" in run("list", "show")
    assert "\x1b" not in run("list", "show", "--history")
    reversed_name = file("b.csv", "A1,\u202eanna", header="plate,holder")
    said = run("list", "import", reversed_name, code=1)
    assert "holder = '\\u202eanna': contains invisible characters that reverse text" in said


def test_fail__the_journal_is_not_asked_for_a_shortened_plate():
    answer = CliRunner().invoke(app, ["journal", "show", "--plate", "HH-X*"])
    assert answer.exit_code == 2
    assert "wildcards are not supported" in " ".join(answer.output.replace("│", " ").split())
