# SPDX-License-Identifier: Apache-2.0
"""People are notified by a real mail server and a real push server: one message for each cause."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.errors import DeliveryError
from plategate.journal import Journal
from plategate.outbound.notifications import ledger, target
from plategate.outbound.positions import read_positions
from plategate.settings import Settings

from .conftest import AT, PLATE, a_passage, an_event, running, settings_for, wait_for
from .receivers import PASSWORD, MailServer, PushServer

POSITION = "anna"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of hundredths of a second in place of minutes."""
    monkeypatch.setattr(target, "PAUSES_S", (0.05,))
    monkeypatch.setattr(target, "IDLE_S", 0.05)


def person(folder: Path, address: str, **options: Any) -> Settings:
    """Settings with one person, whose address is in a file."""
    file = folder / "address"
    file.write_text(f"# the address of Anna\n{address}\n")
    own = {"name": POSITION, "url_file": file} | options
    return settings_for(folder, notifications=[own])


def config_of(folder: Path, settings: Settings) -> Path:
    """The same settings as a file, in German."""
    config = folder / "settings.toml"
    config.write_text(
        f'[journal]\ndir = "{folder}/journal"\n[outbound]\nstate_dir = "{folder}/outbound"\n'
        f'[[outbound.notifications]]\nname = "{POSITION}"\nlanguage = "de"\n'
        f'url_file = "{settings.outbound.notifications[0].url_file}"\n'
    )
    return config


def wait_for_start(folder: Path) -> None:
    wait_for(lambda: read_positions(folder / "outbound"), "the first look at the journal")


def counted(folder: Path, sequence: int) -> None:
    """Wait until the events up to this one were counted."""
    wait_for(lambda: read_positions(folder / "outbound")[POSITION].sequence >= sequence)


def wanted(number: int, alarm: str = "certain") -> Any:
    passage = a_passage(number)
    return replace(passage, verdict=replace(passage.verdict, alarm=alarm))


def alarm(number: int, detail: str = "wanted: certain", at: datetime | None = None) -> Any:
    event = an_event("alarm", detail)
    at = at or datetime.now(UTC)
    return replace(event, id=f"e{number}", passage_id=f"p{number}", at=at)


def test_ok__mail_about_a_fault_and_its_end(
    tmp_path: Path, journal: Journal, mail: MailServer
) -> None:
    with running(person(tmp_path, mail.address, language="de")):
        wait_for_start(tmp_path)
        journal.add_event(an_event("fault", "did_not_open"))
        wait_for(lambda: len(mail.mails) == 1, "the mail about the fault")
        journal.add_event(an_event("reset"))
        wait_for(lambda: len(mail.mails) == 2, "the mail about its end")
    begin, end = mail.mails
    assert begin["subject"] == "gate: Störung"
    assert begin["to"] == "anna@example.org"
    assert "der Baum hob sich nicht" in begin.get_body().get_content()  # type: ignore[union-attr]
    assert end["subject"] == "gate: Störung: vorbei"
    assert mail.logins == [True, True]


def test_ok__ntfy(tmp_path: Path, journal: Journal, push: PushServer) -> None:
    with running(person(tmp_path, f"ntfy://tk_secret@127.0.0.1:{push.server_port}/gate-alerts")):
        wait_for_start(tmp_path)
        journal.add_event(an_event("camera_lost", "no frame for 10 s"))
        wait_for(lambda: push.received, "the message")
    _, headers, body = push.received[0]
    assert "gate: Camera down" in body.decode() + str(headers)
    assert "no frame for 10 s" in body.decode()
    assert headers["authorization"] == "Bearer tk_secret"


def test_ok__a_cause_that_comes_a_hundred_times_is_one_message(
    tmp_path: Path, journal: Journal, push: PushServer, quick: None
) -> None:
    with running(person(tmp_path, push.address)):
        wait_for_start(tmp_path)
        for _ in range(100):
            journal.add_event(an_event("camera_lost", "hangs"))
            journal.add_event(an_event("camera_back"))
        journal.add_event(an_event("disk_low", "199 MB are free"))
        counted(tmp_path, 201)
        wait_for(lambda: any("Disk" in each["title"] for each in push.json()), "the last cause")
    about_camera = [each for each in push.json() if "Camera" in each["title"]]
    assert 1 <= len(about_camera) <= 2  # it began, and it is over
    assert about_camera[-1]["title"].removeprefix("gate: Camera down") in (
        ": over",
        ", over by now",
    )


def test_ok__wanted_vehicle_with_plate_and_picture(
    tmp_path: Path, journal: Journal, push: PushServer
) -> None:
    picture = tmp_path / "journal" / "evidence" / "plate.jpg"
    picture.parent.mkdir()
    picture.write_bytes(b"\xff\xd8\xff\xe0 a picture")
    with running(person(tmp_path, push.address, plate="full", pictures=True)):
        wait_for_start(tmp_path)
        journal.add_event(alarm(1))
        # As the journal stores it with the passage, which has the next number.
        journal._store.database.execute(
            "INSERT INTO evidence VALUES (2, 'plate', 'evidence/plate.jpg', '', 9)"
        )
        journal.record(wanted(1))
        wait_for(lambda: push.received, "the message")
    (message,) = push.json()
    assert message["title"] == "gate: Wanted vehicle"
    assert f"Plate: {PLATE}." in message["message"]
    assert "Note: Secret note." in message["message"]
    assert len(message["attachments"]) == 1


def test_ok__message_without_its_picture_is_better_than_none(
    tmp_path: Path, journal: Journal, push: PushServer, quick: None, monkeypatch: Any
) -> None:
    """The service refuses the picture; for another vehicle it was deleted before it was sent."""
    picture = tmp_path / "journal" / "evidence" / "plate.jpg"
    picture.parent.mkdir()
    picture.write_bytes(b"\xff\xd8\xff\xe0 a picture")
    push.answers.append(413)
    monkeypatch.setattr(ledger, "WANTED_SPACING", ledger.WANTED_SPACING * 0)
    with running(person(tmp_path, push.address, plate="full", pictures=True)):
        wait_for_start(tmp_path)
        for sequence, file in ((2, "plate.jpg"), (4, "deleted.jpg")):
            journal._store.database.execute(
                "INSERT INTO evidence VALUES (?, 'plate', ?, '', 9)", (sequence, f"evidence/{file}")
            )
        journal.add_event(alarm(1))
        journal.record(wanted(1))
        wait_for(lambda: len(push.received) == 1, "the first message")
        journal.add_event(alarm(2))
        journal.record(wanted(2))
        wait_for(lambda: len(push.received) == 2, "the second message")
    assert [each["attachments"] for each in push.json()] == [[], []]


@pytest.mark.parametrize("plate", ["hmac", "none"])
def test_ok__no_personal_data_unless_asked_for(
    tmp_path: Path, journal: Journal, push: PushServer, plate: str
) -> None:
    with running(person(tmp_path, push.address, plate=plate)):
        wait_for_start(tmp_path)
        journal.add_event(alarm(1))
        journal.record(wanted(1))
        wait_for(lambda: push.received, "the message")
    (message,) = push.json()
    assert "SECRET" not in json.dumps(message).upper()
    assert ("Vehicle code: " in message["message"]) is (plate == "hmac")
    assert not message.get("attachments")


def test_ok__wanted_vehicle_that_stands_at_the_gate_is_reported_without_its_passage(
    tmp_path: Path, journal: Journal, push: PushServer
) -> None:
    with running(person(tmp_path, push.address, plate="full")):
        wait_for_start(tmp_path)
        journal.add_event(alarm(1, "wanted_possible: possible", at=AT))  # long ago
        wait_for(lambda: push.received, "the message")
    (message,) = push.json()
    assert "possibly on the wanted list" in message["message"]


def test_ok__only_alarms_of_the_wanted_list_are_about_wanted_vehicles(
    tmp_path: Path, journal: Journal, push: PushServer, quick: None
) -> None:
    with running(person(tmp_path, push.address)):
        wait_for_start(tmp_path)
        journal.add_event(alarm(1, "already_inside: already inside"))
        journal.record(wanted(1, "already inside"))
        journal.record(wanted(2))  # the same visit again: its alarm was suppressed
        journal.add_event(an_event("disk_low"))
        wait_for(lambda: push.received, "the message about the disk")
    assert [each["title"] for each in push.json()] == ["gate: Disk nearly full"]


def test_ok__many_wanted_vehicles_are_collected(
    tmp_path: Path, journal: Journal, push: PushServer, quick: None, monkeypatch: Any
) -> None:
    with running(person(tmp_path, push.address, plate="full")):
        wait_for_start(tmp_path)
        push.hold.clear()  # the service is slow while vehicles come
        journal.add_event(an_event("disk_low"))
        wait_for(lambda: push.asked, "the first message")
        for number in range(1, 31):
            journal.add_event(alarm(number))
            journal.record(wanted(number))
        monkeypatch.setattr(ledger, "WANTED_SPACING", ledger.WANTED_SPACING * 0)
        push.hold.set()
        wait_for(lambda: len(push.received) == 5, "all messages")
    vehicles = [each["message"] for each in push.json()[1:]]
    assert [each.count("Plate: ") for each in vehicles] == [5, 5, 5, 5]
    assert ["And 10 more." in each for each in vehicles] == [False, False, False, True]


def test_ok__service_that_is_down_gets_one_message_when_it_is_back(
    tmp_path: Path, journal: Journal, mail: MailServer, quick: None
) -> None:
    mail.refuse = True
    settings = person(tmp_path, mail.address)
    with running(settings):
        wait_for_start(tmp_path)
        journal.add_event(an_event("fault", "did_not_open"))
        problem = wait_for(lambda: read_positions(tmp_path / "outbound")[POSITION].problem)
    assert PASSWORD not in problem
    journal.add_event(an_event("reset"))
    journal.add_event(an_event("fault", "did_not_close"))
    journal.add_event(an_event("reset"))
    mail.refuse = False
    with running(settings):
        wait_for(lambda: mail.mails, "the mail")
        counted(tmp_path, 4)
    (found,) = mail.mails
    text = found.get_body().get_content()  # type: ignore[union-attr]
    assert found["subject"] == "gate: Fault, over by now"
    assert "It happened 2 times" in text


def test_ok__status_names_what_quiet_hours_hold_back(
    tmp_path: Path, journal: Journal, push: PushServer
) -> None:
    settings = person(tmp_path, push.address, quiet="daily")
    with running(settings):
        wait_for_start(tmp_path)
        journal.add_event(an_event("fault", "did_not_open"))
        journal.add_event(an_event("camera_lost"))
        counted(tmp_path, 2)
        config = config_of(tmp_path, settings)
        shown = CliRunner().invoke(app, ["outbound", "status", "--config", str(config)])
    assert shown.output == f"{POSITION}: 0 events wait; not notified yet: camera, fault\n"
    assert not push.received


def test_ok__nothing_is_notified_twice_after_a_restart(
    tmp_path: Path, journal: Journal, push: PushServer, quick: None
) -> None:
    settings = person(tmp_path, push.address)
    with running(settings):
        wait_for_start(tmp_path)
        journal.add_event(an_event("fault", "did_not_open"))
        wait_for(lambda: push.received, "the message")
    with running(settings):
        journal.add_event(an_event("disk_low"))
        wait_for(lambda: len(push.received) == 2, "the second message")
    assert [each["title"] for each in push.json()] == ["gate: Fault", "gate: Disk nearly full"]


def test_ok__test_message_and_status(tmp_path: Path, journal: Journal, push: PushServer) -> None:
    config = config_of(tmp_path, person(tmp_path, push.address))
    done = CliRunner().invoke(app, ["outbound", "test", POSITION, "--config", str(config)])
    assert done.exit_code == 0, done.output
    assert push.json()[0]["title"] == "gate: Test"
    push.answers.append(500)
    failed = CliRunner().invoke(app, ["outbound", "test", POSITION, "--config", str(config)])
    assert isinstance(failed.exception, DeliveryError)
    assert "500" in str(failed.exception)


@pytest.mark.parametrize(
    "wrong",
    [{"quiet": "nightly"}, {"causes": []}, {"causes": ["rain"]}, {"always": ["x"]}, {"name": "A"}],
)
def test_fail__settings_that_cannot_work(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"outbound\.notifications"):
        person(tmp_path, "", **wrong)
