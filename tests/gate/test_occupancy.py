# SPDX-License-Identifier: Apache-2.0
"""Guards: passages and commands correct the count of vehicles inside, and the sign shows it."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from plategate.access.control import open_access
from plategate.access.store.changes import replace_list
from plategate.access.store.database import open_for_writing
from plategate.access.store.lists import ListName
from plategate.cli import app
from plategate.gate.remote_control import serve_commands
from plategate.messages import CommandName, InputName, Level
from plategate.rehearsal.scenario_reader import load_scripted
from plategate.rehearsal.site import build_site
from plategate.remote.client import new_request, send_command
from plategate.remote.protocol import AnswerResult, ServiceName
from plategate.settings import Settings, parse_settings
from plategate.settings.pins import OutputPin
from plategate.values import ListEntry
from tests.commanded import commanded

from .conftest import FakeJournal, ReloadedGate, RunningGate, no_pipeline

SIGN_PIN = 12
PLATES = ("AB12CDE", "CD34EFG")


@pytest.fixture
def site_settings(settings: Settings, tmp_path: Path) -> Settings:
    store = open_for_writing(settings.access.file)
    entries = [ListEntry(plate, group="Müller") for plate in PLATES]
    replace_list(store, ListName.ALLOW, entries, source="test", who="test", at=datetime.now(UTC))
    store.close()
    groups = parse_settings({"access": {"groups": [{"name": "Müller", "places": 1}]}}, "t")
    access = settings.access.model_copy(
        update={"direction": "in", "groups": groups.access.groups, "full_sign": "müller"}
    )
    pins = settings.pins.model_copy(update={"full_sign": OutputPin(pin=SIGN_PIN)})
    commands = settings.commands.model_copy(update={"socket": tmp_path / "c.sock"})
    return settings.model_copy(update={"access": access, "pins": pins, "commands": commands})


@pytest.fixture
def inline(site_settings: Settings) -> Iterator[ReloadedGate]:
    reloaded = ReloadedGate(site_settings)
    yield reloaded
    reloaded.site.gate.shut_down()
    reloaded.site.close()


def inside(gate: Any) -> int:
    return int(gate.site.places.groups()[0].inside)


def test_ok__who_drives_through_counts_and_who_turns_back_does_not(inline: ReloadedGate) -> None:
    inline.come(PLATES[0], 0.99)
    assert inside(inline) == 1, "counted before the arm moves"
    inline.leave()
    inline.wait(60.0)
    assert inline.journal.passages[-1].barrier == "opened, nobody drove through"
    assert inside(inline) == 0
    inline.clock.advance_to(inline.clock.monotonic() + 200.0)
    inline.come(PLATES[0], 0.99)
    inline.drive_through()
    assert inline.journal.passages[-1].barrier == "opened"
    assert inside(inline) == 1
    inline.clock.advance_to(inline.clock.monotonic() + 200.0)
    inline.come(PLATES[1], 0.99)
    inline.wait(10.0)
    assert inline.verdicts[-1] == "group_full"
    assert inline.edges.count(("open_relay", True)) == 2, "the arm stays down"


def test_ok__plate_that_left_is_in_no_file_after_the_hourly_tidying(
    inline: ReloadedGate, site_settings: Settings
) -> None:
    file = site_settings.access.visits_file
    inline.come(PLATES[0], 0.99)
    inline.leave()
    inline.wait(60.0)
    written = [
        each
        for each in file.parent.glob(f"{file.name}*")
        if PLATES[0].encode() in each.read_bytes()
    ]
    assert written, "the log of the database has it"
    inline.site.places.tidy(datetime.now(UTC), True)
    for each in file.parent.glob(f"{file.name}*"):
        assert PLATES[0].encode() not in each.read_bytes(), each


def test_ok__a_vehicle_let_in_by_hand_takes_a_place_of_the_site(inline: ReloadedGate) -> None:
    inline.site.board.put(InputName.PHOTOCELL, Level.INACTIVE)
    inline.site.gate.post(commanded(CommandName.OPEN.value))
    inline.wait(0.5)
    inline.drive_through()
    assert inline.journal.passages[-1].verdict.plate is None
    assert inside(inline) == 1


class Running(RunningGate):
    """A running gate with a sign and a command socket."""

    def __init__(self, settings: Settings) -> None:
        self.journal_made = FakeJournal()
        access = open_access(settings.access)
        site = build_site(
            settings,
            reader=no_pipeline(),
            access=access,
            journal=self.journal_made,
            load=load_scripted,
        )
        super().__init__(site, self.journal_made, access)
        self.server = serve_commands(
            settings.commands,
            settings.journal.dir,
            site.gate,
            site.components,
            site.places.services(),
        )

    @property
    def sign(self) -> bool:
        return bool(self.site.board.factory.pin(SIGN_PIN).state)

    def stop(self) -> None:
        assert self.server is not None
        self.server.close()
        super().stop()


@pytest.fixture
def running_site(site_settings: Settings) -> Iterator[Running]:
    users = {getpass.getuser(): ("occupancy",)}
    commands = site_settings.commands.model_copy(update={"users": users})
    made = Running(site_settings.model_copy(update={"commands": commands}))
    yield made
    made.stop()


def test_ok__the_sign_lights_when_its_group_is_full_and_after_a_correction_goes_out(
    running_site: Running, site_settings: Settings
) -> None:
    assert not running_site.sign
    running_site.come(PLATES[0])
    running_site.until(lambda: running_site.site.arm.position == "up")
    running_site.put(InputName.PHOTOCELL, Level.ACTIVE)
    running_site.put(InputName.BEAM, Level.INACTIVE)
    running_site.until(lambda: running_site.sign)
    running_site.put(InputName.PHOTOCELL, Level.INACTIVE)
    request = new_request(
        ServiceName.OCCUPANCY, why="counted", who="anna", via="test",
        data={"group": "Müller", "inside": 0},
    )  # fmt: skip
    answer = send_command(site_settings.commands.socket, request)
    assert answer.result is AnswerResult.ACCEPTED
    assert answer.reason == "group Müller: 0 vehicles inside, before 1"
    running_site.until(lambda: not running_site.sign)
    (event,) = [e for e in running_site.journal.events if e.what == "command"]
    detail = json.loads(event.detail)
    assert (detail["who"], detail["why"], detail["data"]["inside"]) == ("anna", "counted", 0)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"group": "Meier", "inside": 1}, "is none of access.groups"),
        ({"group": "Müller", "inside": -1}, "is not a number from 0"),
        ({"group": "Müller", "inside": True}, "is not a number from 0"),
        ({"group": "Müller"}, "data: must be"),
        (None, "data: must be"),
    ],
)
def test_fail__a_correction_that_is_none_is_refused(
    running_site: Running, site_settings: Settings, data: Any, said: str
) -> None:
    request = new_request(ServiceName.OCCUPANCY, why="w", who="x", via="test", data=data)
    answer = send_command(site_settings.commands.socket, request)
    assert answer.result is AnswerResult.REFUSED
    assert said in answer.reason


def test_ok__the_command_line_shows_and_corrects(
    running_site: Running, site_settings: Settings, tmp_path: Path
) -> None:
    config = tmp_path / "settings.toml"
    access = site_settings.access
    config.write_text(
        f'[access]\nvisits_file = "{access.visits_file}"\ndirection = "in"\nplaces = 3\n'
        '[[access.groups]]\nname = "Müller"\nplaces = 1\n'
        f'[commands]\nsocket = "{site_settings.commands.socket}"\n',
        encoding="utf-8",
    )
    run = _runner(config)
    assert run("occupancy").splitlines() == [
        "all vehicles: 0 of 3 places",
        "Müller: 0 of 1 places",
    ]
    said = run("occupancy", "set", "1", "--group", "müller", "--why", "morning round")
    assert said == "group müller: 1 vehicles inside, before 0\n"
    assert run("occupancy").splitlines()[1] == "Müller: 1 of 1 places, full"
    wrong = CliRunner().invoke(app, ["occupancy", "set", "-5", "--why", "x"])
    assert wrong.exit_code == 2
    assert "No such option" not in wrong.output
    assert json.loads(run("occupancy", "--json"))[0] == {
        "name": "", "inside": 1, "places": 3, "full": False,
    }  # fmt: skip


def _runner(config: Path) -> Callable[..., str]:
    def run(*words: str) -> str:
        done = CliRunner().invoke(app, [*words, "--config", str(config)])
        assert done.exit_code == 0, (done.output, done.exception)
        return str(done.stdout)

    return run
