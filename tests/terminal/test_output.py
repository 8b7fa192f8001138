# SPDX-License-Identifier: Apache-2.0
"""Output survives every terminal and a full disk: encodings, control characters, /dev/full.

The command line runs as a process, as a shell starts it. Needs /dev/full.
"""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import plategate.commands
from plategate.errors import escaped, printable
from plategate.terminal import printable_lines
from plategate.terminal.output import similar

HOSTILE = "a\x1b[31m\x1b]0;title\x07\u202egpj\x9b\x7f\U000e0041.png"
NAMES = ["Łódź → Straße.png", HOSTILE, "Ωμέγα.png", "x\udcffy.png"]
ENCODINGS = ["ascii", "latin-1", "utf-8"]
ALLOWED = set("\n\t")
DEMO = Path(__file__).parents[1] / "data" / "demo" / "01-day-1.jpg"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files with difficult names that are not pictures, so that each is an error."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in NAMES:
        (pictures / name).write_bytes(b"not a picture")
    return pictures


def run(
    *words: str | Path, encoding: str = "utf-8", **how: object
) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "150"}
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "plategate", *words],
        check=False, env=environment, **({"capture_output": True} | how),
    )  # fmt: skip


def assert_harmless(output: bytes, encoding: str) -> None:
    text = output.decode(encoding)
    assert "Traceback" not in text
    assert not {char for char in text if not char.isprintable()} - ALLOWED


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("words", [["read"], ["aim", "--json"]])
def test_ok__any_name_in_any_encoding(folder: Path, encoding: str, words: list[str]) -> None:
    done = run(*words, folder, encoding=encoding)
    assert done.returncode == 1, done.stderr
    assert_harmless(done.stdout, encoding)
    assert_harmless(done.stderr, encoding)
    if "--json" in words:
        files = [json.loads(line)["file"] for line in done.stdout.decode(encoding).splitlines()]
        assert sorted(Path(file).name for file in files) == sorted(NAMES)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_ok__tables_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    config = tmp_path / f"{HOSTILE}.toml"
    config.write_text("[nonsense]\n", encoding="utf-8")
    done = run("doctor", "--config", config, encoding=encoding)
    assert done.returncode == 1
    assert_harmless(done.stdout, encoding)
    assert b"\\x1b[31m" in done.stdout


def shown_on_a_terminal(*words: str | Path) -> bytes:
    """What a command writes to a terminal that understands colours."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "plategate", *words],
        stdout=slave, stderr=slave, stdin=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "150"},
    ) as process:  # fmt: skip
        os.close(slave)
        shown = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        process.wait()
    os.close(master)
    return shown


def test_ok__on_a_terminal_the_data_emits_no_control_sequence(folder: Path) -> None:
    """On a terminal rich colours its output; names still cannot."""
    shown = shown_on_a_terminal("read", folder)
    assert b"\\x1b[31m" in shown
    for sequence in (b"\x1b[31m\x1b]0", b"\x07", "\u202e".encode(), "\x9b".encode()):
        assert sequence not in shown


@pytest.mark.parametrize("words", [["aim", "--stills", "2"], ["watch", "--direct", "--looks", "2"]])
def test_ok__a_live_display_keeps_its_own_control_sequences(
    tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "scene\x1b[31m").mkdir()
    shutil.copy(DEMO, tmp_path / "scene\x1b[31m")
    config = tmp_path / "settings.toml"
    config.write_text(
        f'[camera]\nkind = "folder"\npath = "{tmp_path}/scene\\u001b[31m"\n'
        '[pins]\nbackend = "mock"\nbeam = { pin = 5 }\n',
        encoding="utf-8",
    )
    shown = shown_on_a_terminal(*words, "--config", config)
    assert b"\x1b[" in shown
    assert b"\\x1b[1m" not in shown
    assert b"scene\x1b[31m" not in shown


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["doctor"], ["doctor", "--json"], ["read", "demo.jpg"]]
)
def test_fail__full_disk_is_one_sentence(words: list[str], tmp_path: Path) -> None:
    shutil.copy(DEMO, tmp_path / "demo.jpg")
    with Path("/dev/full").open("wb") as full:
        done = run(*words, stdout=full, stderr=subprocess.PIPE, capture_output=False, cwd=tmp_path)
    assert done.returncode == 1
    sentence = b"plategate: standard output cannot be written: No space left on device\n"
    assert done.stderr == sentence


def test_fail__full_disk_for_the_errors_as_well() -> None:
    with Path("/dev/full").open("wb") as full:
        done = run("status", stdout=full, stderr=full, capture_output=False)
    assert done.returncode == 1


def test_ok__closed_output_and_a_reader_that_leaves(tmp_path: Path) -> None:
    command = f"{sys.executable} -m plategate doctor"
    for line in (f"{command} >&-", f"{command} 2>&- | head -1", f"{command} >&- 2>&-"):
        done = subprocess.run(["sh", "-c", line], capture_output=True, check=False, cwd=tmp_path)
        assert b"Traceback" not in done.stderr


def test_ok__escapes_are_valid_json_and_end_no_line() -> None:
    for char in ("\x7f", "\x9b", "\u202e", "\u2028", "\udc80", "\U000e0041"):
        assert json.loads(f'"{escaped(char)}"') == char
    assert printable("a\nb\tc") == "a\\nb\\tc"
    assert printable_lines("a\r\nb\tc\rd") == "a\nb\tc\\rd"
    name = "Łukasz\u00a0Søren \u0645\u06cc\u200c\u062e"
    assert printable(name) == name


@pytest.mark.parametrize(
    ("char", "expected"),
    [("é", "e"), ("Ł", "L"), ("ß", "ss"), ("→", "->"), ("Ω", "?"), ("\u0301", ""), ("ﬁ", "fi")],
)
def test_ok__similar_text_for_poor_encodings(char: str, expected: str) -> None:
    assert similar(char) == expected


def test_ok__commands_print_through_the_guarded_streams() -> None:
    """click's echo and rich's own console would pass them by."""
    commands = Path(plategate.commands.__file__).parent
    for file in commands.rglob("*.py"):
        source = file.read_text(encoding="utf-8")
        for passes_by in ("typer.echo", "rich.console import Console", "sys.__stdout__"):
            assert passes_by not in source, file.name
