# SPDX-License-Identifier: Apache-2.0
"""Guards `plategate records`: imports completely or not at all, finds owners despite a typo."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.errors import GateError


@pytest.fixture
def run(tmp_path):
    def command(*words, code=0):
        found = CliRunner().invoke(app, [*words, "--state", str(tmp_path)])
        if isinstance(found.exception, GateError):
            return str(found.exception)
        assert found.exit_code == code, found.output
        return found.output

    return command


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "r.csv"
    made.write_text(
        "plate,owner,address,insured_until,bay\n"
        'AB12CDE,Anna Müller,"1, High Street",2027-01-31,7\n'
        "BAB123,Jörg Schmidt,,,\n",
        encoding="utf-8",
    )
    return made


def test_ok__looks_up_by_plate_and_by_person(run, file):
    assert "2 records" in run("records", "import", str(file))
    by_plate = run("records", "lookup", "ab12 cde")
    assert "insured until:   2027-01-31" in by_plate
    assert "bay:             7" in by_plate
    assert run("records", "lookup", "--person", "muler ana").startswith("AB12CDE")
    assert run("records", "lookup", "--person", "SCHMITD").startswith("BAB123")
    assert "no record" in run("records", "lookup", "--person", "anna schmidt", code=1)


def test_fail__an_invalid_line_is_named_and_the_old_records_stay(run, file, tmp_path):
    run("records", "import", str(file))
    bad = tmp_path / "bad.csv"
    bad.write_text("plate,insured_until\nAB12CDE,soon\n")
    assert "line 2: insured_until = 'soon'" in run("records", "import", str(bad))
    assert "Anna" in run("records", "lookup", "AB12CDE")
