# SPDX-License-Identifier: Apache-2.0
"""Guards `plategate configure`: each answer is tried, kept, and written once at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from plategate.cli import app
from plategate.clock import SystemClock
from plategate.commands.configure import run
from plategate.configure.checks import HardwareChecks
from plategate.configure.dialog import Dialog
from plategate.configure.draft import Draft
from plategate.health.monitor import Health
from plategate.health.socket import StatusSocket
from plategate.rehearsal.board import RecordingFactory, RecordingPin
from plategate.settings import load_settings
from plategate.settings.pins import PinsSettings

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "tests/data/demo"
LONG_S = 20.0

ANSWERS = {
    "Name of the lane": ["Hof"],
    "Direction": ["in"],
    "How does the barrier move": ["pulse"],
    "Countries": ["de at"],
    "Time zone": ["Europe/Berlin"],
    "GPIO of the relay at the barrier's OPEN": ["17"],
    "Is the relay on while its line is high": [True],
    "Pulse it now": [True],
    "Did the barrier react": [True],
    "GPIO of the break beam before": ["5"],
    "GPIO of the loop": ["none"],
    "GPIO of the photocell": ["GPIO 6"],
    "Ultrasonic": [False],
    "Limit switches": [False],
    "Which input detects": ["beam"],
    "Which camera": ["folder"],
    "Folder of the pictures": [str(DEMO)],
    "Address of the allow list": [str(DEMO / "allow.csv")],
    "Profile": ["de"],
    "Write": [True],
}


class ScriptedDialog(Dialog):
    """Answers by the beginning of each question; without an answer it takes the default."""

    def __init__(self, answers: dict[str, list[Any]], heard: Callable[[str], None]) -> None:
        self.answers = {begin: list(each) for begin, each in answers.items()}
        self.said: list[str] = []
        self._heard = heard

    def say(self, text: str) -> None:
        self.said.append(text)
        self._heard(text)

    def ask(self, text: str, default: str, parse: Callable[[str], Any]) -> Any:
        while True:
            answer = str(self._next(text, default))
            try:
                return parse(answer)
            except ValueError as error:
                self.say(str(error))

    def confirm(self, text: str, default: bool) -> bool:
        return bool(self._next(text, default))

    def _next(self, text: str, default: Any) -> Any:
        self.said.append(text.strip())
        assert len(self.said) < 300, self.said[-12:]
        for begin, answers in self.answers.items():
            if text.strip().startswith(begin) and answers:
                answer = answers.pop(0)
                if answer is KeyboardInterrupt:
                    raise typer.Abort
                return answer
        return default

    @property
    def text(self) -> str:
        return "\n".join(self.said)


class WiredPin(RecordingPin):
    """A line with a closed contact to ground, which outdoes the pull resistor."""

    def _set_pull(self, value: str) -> None:
        super()._set_pull(value)
        if self.function == "input" and self.info.name in ("GPIO5", "GPIO6"):
            self.drive_low()


class Bench:
    """A settings file, mock pins, and contacts that the installer trips when he is asked to."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "settings.toml"
        self.folder = folder
        self.factory = RecordingFactory(SystemClock())
        self.factory.pin_class = WiredPin
        self.trips = True

    @contextmanager
    def open_pins(self, pins: PinsSettings) -> Iterator[RecordingFactory]:
        yield self.factory

    def hear(self, text: str) -> None:
        tried = {"interrupt the beam": 5, "cover the photocell": 6}
        for words, pin in tried.items():
            if words in text and self.trips:
                threading.Thread(target=self._trip, args=(pin,)).start()

    def _trip(self, pin: int) -> None:
        line = self.factory.pin(pin)
        line.drive_high()
        threading.Timer(0.7, line.drive_low).start()

    def dialog(self, **changes: list[Any]) -> ScriptedDialog:
        file = f'[access]\nfile = "{self.folder}/lists.sqlite"\n[sync]\n'
        if not self.file.exists():
            file += f'state_dir = "{self.folder}/sources"\n[health]\nsocket = "{self.folder}/s"\n'
            self.file.write_text(f"# our gate\n{file}", encoding="utf-8")
        return ScriptedDialog({**changes, **ANSWERS}, self.hear)

    def run(self, dialog: ScriptedDialog, check: bool = True, within_s: float = LONG_S) -> None:
        run(Draft(self.file), dialog, HardwareChecks(self.open_pins, within_s), check)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_ok__each_answer_is_tried_on_the_hardware_and_written(bench: Bench) -> None:
    dialog = bench.dialog()
    bench.run(dialog)
    for said in (
        "GPIO 17 is free and rests at its idle level",
        "It reads inactive. Now interrupt the beam",
        "It changed and came back.",
        "pixels, mean brightness",
        "main: new:",
    ):
        assert said in dialog.text, dialog.text
    pulses = [(edge.pin, edge.high) for edge in bench.factory.edges if edge.pin == 17]
    assert pulses == [(17, True), (17, False)]
    settings = load_settings(bench.file)
    assert (settings.lane.name, settings.access.direction) == ("Hof", "in")
    assert settings.pins.used == {"open_relay": 17, "beam": 5, "photocell": 6}
    assert settings.plates.countries == ("de", "at")
    assert settings.privacy.profile == "de"
    assert [source.url for source in settings.sync.sources] == [str(DEMO / "allow.csv")]
    assert bench.file.read_text().startswith("# our gate")
    assert not (bench.folder / "lists.sqlite").exists(), "a list is read, not put in force"


def test_ok__a_second_run_keeps_everything_and_writes_nothing(bench: Bench) -> None:
    bench.run(bench.dialog())
    before = bench.file.read_text()
    bench.file.write_text(before.replace('name = "Hof"', 'name = "Hof"  # north side'))
    before = bench.file.read_text()
    stat = bench.file.stat()
    again = ScriptedDialog({"Pulse it now": [False]}, bench.hear)
    bench.run(again)
    assert "already says all this; nothing was written" in again.text
    assert bench.file.read_text() == before
    assert bench.file.stat().st_mtime_ns == stat.st_mtime_ns


@pytest.mark.parametrize("question", [q for q in ANSWERS if q not in ("Is the relay on while",)])
def test_fail__ctrl_c_at_any_question_leaves_the_file(bench: Bench, question: str) -> None:
    dialog = bench.dialog()
    dialog.answers[question] = [KeyboardInterrupt]
    before = bench.file.read_text()
    with pytest.raises(typer.Abort):
        bench.run(dialog)
    assert bench.file.read_text() == before
    assert [path.name for path in bench.folder.iterdir()] == ["settings.toml"]


def test_fail__no_at_the_last_question_writes_nothing(bench: Bench) -> None:
    dialog = bench.dialog()
    dialog.answers["Write"] = [False]
    before = bench.file.read_text()
    with pytest.raises(typer.Exit):
        bench.run(dialog, check=False)
    assert bench.file.read_text() == before


def test_fail__wrong_answers_are_named_and_asked_again(bench: Bench) -> None:
    dialog = bench.dialog()
    dialog.answers |= {
        "Countries": ["xx", "de"],
        "Time zone": ["Mars/Olympus", "Europe/Berlin"],
        "GPIO of the relay at the barrier's OPEN": ["seventeen", "28", "4", "17"],
        "GPIO of the break beam before": ["17", "5"],
        "Which input detects": ["radar", "beam"],
        "Profile": ["xy", "de"],
        "Name of the lane": ["", "Hof"],
        "How does the barrier move": ["slowly", "pulse"],
    }
    bench.run(dialog, check=False)
    for said in (
        "'xx': no such country",
        "'Mars/Olympus': no such time zone",
        "'seventeen': must be a BCM number",
        "pins.open_relay.pin = 28: must be at most 27",
        "GPIO 4 is pulled up at power-on",
        "GPIO 17 is used by both",
        "'radar': must be one or more of beam",
        "'xy': must be one of",
        "'slowly': must be one of",
        "lane.name = '': must have at least 1 characters",
    ):
        assert said in dialog.text, said
    assert load_settings(bench.file).pins.used == {"open_relay": 17, "beam": 5, "photocell": 6}


def test_fail__a_contact_that_does_not_change_is_asked_for_again(bench: Bench) -> None:
    bench.trips = False
    dialog = bench.dialog()
    dialog.answers |= {
        "GPIO of the break beam before": ["5", "none"],
        "GPIO of the photocell": ["none"],
        "Keep this line": [False],
        "Detect vehicles by motion": [True],
        "Which camera": ["picamera2"],
        "Keep this answer": [True],
    }
    bench.run(dialog, within_s=0.8)
    assert "Nothing changed. Check number, wire" in dialog.text
    assert "The camera cannot be used" in dialog.text
    settings = load_settings(bench.file)
    assert settings.pins.used == {"open_relay": 17}
    assert settings.lane.triggers == ("motion",)


def test_fail__a_line_that_is_taken_and_a_list_that_is_missing_are_named(bench: Bench) -> None:
    from gpiozero import OutputDevice

    taken = OutputDevice(17, pin_factory=bench.factory)
    dialog = bench.dialog()
    dialog.answers |= {
        "GPIO of the relay": ["17", "27"],
        "Keep this answer": [False, False],
        "Address of the allow list": ["/nowhere/list.csv", "none"],
    }
    bench.run(dialog)
    taken.close()
    assert "open relay on GPIO 17" in dialog.text
    assert "/nowhere/list.csv" in dialog.text
    settings = load_settings(bench.file)
    assert settings.pins.used["open_relay"] == 27
    assert settings.sync.sources == ()


def test_fail__while_a_gate_runs_nothing_is_tried(bench: Bench) -> None:
    dialog = bench.dialog()
    health = Health(SystemClock(), lambda _: None)
    status = StatusSocket(bench.folder / "s", health.status)
    try:
        bench.run(dialog)
    finally:
        status.close()
    assert "sudo systemctl stop plategate-gate" in dialog.text
    assert not bench.factory.edges
    assert load_settings(bench.file).lane.name == "Hof"


def test_ok__at_the_terminal_enter_takes_the_defaults_and_the_end_of_input_aborts(
    tmp_path: Path,
) -> None:
    file = tmp_path / "new" / "settings.toml"
    command = ["configure", "--no-check", "--config", str(file)]
    cut = CliRunner().invoke(app, command, input="Hof\n")
    assert cut.exit_code == 1
    assert not file.exists()
    done = CliRunner().invoke(app, command, input="Hof\n" + "\n" * 40)
    assert done.exit_code == 0, done.output
    assert "plategate doctor" in done.output
    settings = load_settings(file)
    assert settings.pins.used == {"open_relay": 17}
    assert file.read_text().startswith("# Settings of this gate, written by `plategate configure`")
