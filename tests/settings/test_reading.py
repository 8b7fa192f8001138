# SPDX-License-Identifier: Apache-2.0
"""Guards: whatever is written into settings.toml, the error names file, key and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from plategate.cli import app
from plategate.errors import SettingsError
from plategate.settings import Settings, load_settings, parse_settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_ok__windows_editors_may_add_a_byte_order_mark_and_their_line_ends(
    file: Path, encoding: str, newline: str
) -> None:
    file.write_bytes(f"[lane]{newline}attempts = 2{newline}".encode(encoding))
    assert load_settings(file).lane.attempts == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[barrier]\ntravel_s = nan", "barrier.travel_s = nan: must be a finite number"),
        ("[barrier]\nclose_after_s = inf", "barrier.close_after_s = inf: must be a finite number"),
        ("[lane]\nrepeat_window_s = -inf", "lane.repeat_window_s = -inf: must be a finite number"),
        ("[access]\nmin_confidence = nan", "access.min_confidence = nan: must be a finite number"),
        ("[lane]\nstills = 0", "lane.stills = 0: must be at least 1"),
        ("[lane]\nstills = 11", "lane.stills = 11: must be at most 10"),
        ("[lane]\nstills = 1.5", "lane.stills = 1.5: must be a whole number"),
        ("[lane]\nstills = 'many'", "lane.stills = 'many': must be a whole number"),
        ("[lane]\nmode = 'opne'", "lane.mode = 'opne': must be 'automatic', 'locked' or 'open'"),
        ("[lane]\nnam = 'x'", "lane.nam: unknown key"),
        ("[lane]\ntriggers = 'beam'", "lane.triggers = 'beam': must be a list in brackets"),
        ("[sync.sources]\nname = 'a'", "must be a list of tables; write [[sync.sources]], not"),
        ("[[lane]]\nname = 'a'", "must be a table; write [lane], not [[lane]]"),
        ("lane = 3", "lane = 3: must be a table"),
        ("a = " + "[" * 100_000, "nested too deeply"),
        ("a = " + "9" * 5000, "not valid TOML: a number is too long"),
        ("#" * 1_000_001, "has more than 1000000 characters"),
        ("a = " + "{b=" * 100_000, "nested too deeply"),
        ("lane = " + "[" * 60 + "]" * 60, "must be a table"),
        ("[lane]\nstills = " + "1" * 5000, "not valid TOML: "),
        ("[lane]\nname = '" + "x" * 10_000 + "'", "x…: must have at most 40 characters"),
        ('"\\u001b[31m" = 1', r"'\x1b[31m': unknown key"),
        ("[lane]\nname = 1", "lane.name = 1: must be text in quotes"),
    ],
)
def test_fail__an_error_names_the_key_and_what_is_allowed(file: Path, text: str, says: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert says in message
    assert len(message) < 300


@pytest.mark.parametrize("content", [b"\xff\xfe[\x00l\x00", b"[lane]\nname = 'T\xfcr'\n"])
def test_fail__another_encoding_is_named_with_what_to_do(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    answer = CliRunner().invoke(app, ["check-config", str(file)])
    assert answer.exit_code != 0
    assert "is not UTF-8; save the file as UTF-8" in str(answer.exception)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://user:geheim@lists.example/allow.csv",
        "ftp://user:ge/geheim@lists.example/allow.csv",
        "ftp://lists.example/allow.csv?token=geheim",
    ],
)
def test_fail__a_message_shows_no_password_of_an_address(file: Path, url: str) -> None:
    source = f'[[sync.sources]]\nname = "estate"\nkind = "allow"\nurl = "{url}"\n'
    file.write_text(source, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    assert "sync.sources.0.url = 'ftp://" in str(caught.value)
    assert "geheim" not in str(caught.value)


scalars = st.one_of(  # what TOML can hold
    st.booleans(), st.integers(), st.floats(), st.text(), st.dates(), st.datetimes(), st.times()
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
tables = st.sampled_from(sorted(Settings.model_fields))


@hypothesis_settings(max_examples=500, deadline=None)
@given(table=tables, data=st.data())
def test_fail__any_value_is_accepted_or_named(table: str, data: st.DataObject) -> None:
    model = Settings.model_fields[table].annotation
    key = data.draw(st.sampled_from(sorted(model.model_fields)))
    raw = {table: data.draw(st.one_of(values, st.fixed_dictionaries({key: values})))}
    try:
        assert isinstance(parse_settings(raw, "settings.toml"), Settings)
    except SettingsError as error:
        lines = str(error).splitlines()
        assert all(line.startswith(f"settings.toml: {table}") for line in lines)
        assert not any("Input should" in line for line in lines)
