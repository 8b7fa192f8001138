# SPDX-License-Identifier: Apache-2.0
"""Guards: a setting changed through the command socket is an event, is checked, and applies."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plategate.gate.owner_settings import OwnerSettings
from plategate.gate.reload import SettingsFile
from plategate.gate.remote_control import COMMAND, RemoteControl
from plategate.remote.client import new_request, send_command
from plategate.remote.protocol import AnswerResult, CommandAnswer, ServiceName
from plategate.remote.server import CommandServer
from plategate.settings import Settings
from plategate.settings.overlay import read_overlay

from .conftest import KNOWN, WEAK, FakeJournal, RunningGate, build_running

ME = pwd.getpwuid(os.getuid()).pw_name


class Changed:
    """A running gate whose owner may change settings."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.file = folder / "owner.json"
        # A rehearsal reads longer than the limit of the setting.
        lane = settings.lane.model_copy(update={"read_within_s": 60.0})
        commands = settings.commands.model_copy(update={"owner_settings_file": self.file})
        self.base = settings.model_copy(update={"lane": lane, "commands": commands})
        owner = OwnerSettings(lambda: self.base, "settings.toml")
        self.running: RunningGate = build_running(
            self.base, SettingsFile("settings.toml", owner.read, owner=owner)
        )
        gate, components = self.running.site.gate, self.running.site.components
        control = RemoteControl(
            lane="gate",
            prefix="p",
            clock=components.clock,
            clock_trusted=lambda: True,
            users={ME: tuple(ServiceName)},
            store=self.journal.add_event,
            post=gate.post,
            answers=gate.answers,
            services=owner.services(components.clock.wall, gate.reload),
        )
        self.socket = folder / "c.sock"
        self.server = CommandServer(self.socket, control.handle)

    @property
    def journal(self) -> FakeJournal:
        return self.running.journal

    def send(self, **data: Any) -> CommandAnswer:
        request = new_request(
            ServiceName.SETTING, why="more guests", who="owner:anna", via="console", data=data
        )
        return send_command(self.socket, request)

    def failures(self) -> list[str]:
        return [item.sentence for item in self.running.site.health.failures()]


@pytest.fixture
def gate(settings: Settings, tmp_path: Path) -> Iterator[Changed]:
    made = Changed(settings, tmp_path)
    yield made
    made.server.close()
    made.running.stop()


def test_ok__a_change_is_an_event_is_kept_and_applies_to_the_next_vehicle(gate: Changed) -> None:
    answer = gate.send(key="access.min_confidence", value=0.9)
    assert (answer.result, answer.reason) == (
        AnswerResult.ACCEPTED,
        "access.min_confidence applies from the next vehicle",
    )
    assert answer.data == {
        "key": "access.min_confidence", "value": 0.9, "before": 0.5, "restart": False
    }  # fmt: skip
    (event,) = [json.loads(e.detail) for e in gate.journal.events if e.what == COMMAND]
    assert (event["who"], event["why"], event["data"]) == (
        "owner:anna", "more guests", {"key": "access.min_confidence", "value": 0.9}
    )  # fmt: skip
    (kept,) = read_overlay(gate.file).values()
    assert (kept.value, kept.who, kept.why, kept.before) == (0.9, "owner:anna", "more guests", 0.5)
    gate.running.until(lambda: gate.running.site.gate.new_settings() is None)
    gate.running.until(lambda: gate.running.access._rules.settings.min_confidence == 0.9)
    gate.running.come(KNOWN, WEAK)
    gate.running.until(lambda: gate.journal.passages)
    assert gate.journal.passages[0].verdict.reason == "weak_reading"


def test_ok__a_reset_gives_the_value_of_the_file_back(gate: Changed) -> None:
    gate.send(key="journal.granted_days", value=2)
    answer = gate.send(key="journal.granted_days", reset=True)
    assert answer.data is not None
    assert (answer.data["before"], answer.data["value"]) == (2, 30)
    assert read_overlay(gate.file) == {}
    again = gate.send(key="journal.granted_days", reset=True)
    assert again.result is AnswerResult.REFUSED


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"key": "pins.open_relay", "value": {"pin": 3}}, "can be changed in settings.toml only"),
        ({"key": "commands.users", "value": {"mallory": ["open"]}}, "in settings.toml only"),
        ({"key": "access.strictness", "value": "any"}, "access.strictness = 'any': must be"),
        ({"key": "lane.schedule", "value": [{"hours": "x", "mode": "open"}]}, "lane.schedule"),
        ({"key": "access.holidays", "value": ["2026-13-01"]}, "2026-13-01"),
        ({"key": "access.strictnes", "value": 1}, "'access.strictnes' is not a setting"),
        ({"key": "", "value": 1}, "'' is not a setting"),
        ({"key": "model_fields.x", "value": 1}, "is not a setting"),
        ({"key": 5, "value": 1}, "data: key must name a setting"),
        ({"key": "access.strictness"}, "either value, or reset"),
        ({"key": "access.strictness", "value": 1, "reset": True}, "either value, or reset"),
        ({"value": 1, "more": 2}, "'more' is not a known key"),
    ],
)
def test_fail__what_the_schema_or_the_gate_refuses_changes_nothing(
    gate: Changed, data: dict[str, Any], said: str
) -> None:
    answer = gate.send(**data)
    assert answer.result is AnswerResult.REFUSED
    assert said in answer.reason
    assert not gate.file.exists()


def test_fail__root_can_forbid_changes(gate: Changed) -> None:
    commands = gate.base.commands.model_copy(update={"owner_settings": False})
    gate.base = gate.base.model_copy(update={"commands": commands})
    answer = gate.send(key="access.min_confidence", value=0.9)
    assert answer.result is AnswerResult.REFUSED
    assert answer.reason == "settings.toml: commands.owner_settings = false forbids it"


def test_fail__without_its_event_nothing_is_changed(gate: Changed) -> None:
    gate.journal.fails = True
    assert gate.send(key="access.min_confidence", value=0.9).result is AnswerResult.FAILED
    gate.journal.fails = False
    assert not gate.file.exists()


def test_fail__a_damaged_file_of_changes_is_a_failure_of_the_status(gate: Changed) -> None:
    gate.file.write_text("{")
    gate.running.site.gate.reload()
    gate.running.until(lambda: any("owner.json: is damaged" in item for item in gate.failures()))
    gate.file.unlink()
    gate.running.site.gate.reload()
    gate.running.until(lambda: not gate.failures())
