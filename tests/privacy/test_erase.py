# SPDX-License-Identifier: Apache-2.0
"""`plategate privacy`: an erased plate is in no byte of the state folder; the rest is as before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plategate.access.store.database import open_for_reading
from plategate.access.store.lists import ListName, all_entries
from plategate.cli import app
from plategate.clock import SystemClock
from plategate.gate.privacy import PrivacyServices
from plategate.gate.remote_control import RemoteControl
from plategate.journal import Journal
from plategate.journal.reader import EventFilter, JournalReader
from plategate.plate_data.tombstones import ErasedPlates, Tombstones
from plategate.remote.server import CommandServer
from tests.conftest import FullDisk
from tests.privacy.conftest import OTHER, PLATE, Device, Fill

ERASE = ("erase", "m-ab 123", "--why", "request of M-AB 123", "--yes")


def run(device: Device, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["privacy", *words, "--config", str(device.config)])
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def gate(device: Device, fill: Fill) -> Iterator[Journal]:
    """A journal whose owner takes commands, as a running gate does."""
    import queue

    journal = fill()
    clock = SystemClock()
    control = RemoteControl(
        lane="lane",
        prefix="test",
        clock=clock,
        clock_trusted=lambda: True,
        users={"root": ("erase", "hold_passage", "end_hold")},
        store=journal.add_event,
        post=lambda _: None,
        answers=queue.SimpleQueue(),
        services=PrivacyServices(journal, clock, "lane").services(),
    )
    with closing(CommandServer(device.settings.commands.socket, control.handle)):
        yield journal


def plates_left(device: Device) -> None:
    """What belongs to the other plate is still there."""
    with closing(open_for_reading(device.settings.access.file)) as store:
        (entry,) = all_entries(store, ListName.ALLOW)
    assert (entry.plate, entry.holder, entry.note) == (OTHER, "Bernd", "Ersatz für (erased)")
    with closing(JournalReader(device.settings.journal.dir)) as reader:
        (passage,) = reader.newest(None, EventFilter())
    assert passage.passage.verdict.plate == OTHER
    (picture,) = [file for _, file in passage.evidence]
    assert (device.settings.journal.dir / picture).exists()


def test_ok__no_byte_of_the_plate_is_left_without_a_gate(device: Device, fill: Fill) -> None:
    fill().close()
    places = {Path(name).name for name in device.files_with_the_plate()}
    assert places >= {
        "lists.sqlite", "visits.sqlite", "list", "failed.sqlite", "console.sqlite",
        "journal.sqlite", "s1.json",
    }  # fmt: skip
    output = run(device, *ERASE)
    assert device.files_with_the_plate() == []
    assert "journal: 1 passages erased" in output
    assert "source town has the plate: ask its operator" in output
    assert PLATE in ErasedPlates(device.settings.privacy.dir)
    plates_left(device)
    assert "0 items are kept" in run(device, *ERASE)


def test_ok__no_byte_of_the_plate_is_left_beside_a_running_gate(
    device: Device, gate: Journal
) -> None:
    run(device, *ERASE)
    assert device.files_with_the_plate() == []
    plates_left(device)
    with closing(JournalReader(device.settings.journal.dir)) as reader:
        events = [event.event for event in reader.newest(None, EventFilter("event"))]
    assert [event.what for event in events] == ["command_answered", "erased", "command"]
    proof = json.loads(events[1].detail)
    (stone,) = Tombstones(device.settings.privacy.dir).all()
    assert proof["plate"] == stone.plate
    assert proof["why"] == "request of (erased)" == stone.why
    check = CliRunner().invoke(app, ["journal", "check", "--config", str(device.config)])
    assert "1 erasures" in check.output
    assert check.exit_code == 0, check.output


def test_fail__a_passing_vehicle_stops_the_erasure_of_the_journal_alone(
    device: Device, gate: Journal
) -> None:
    gate.begin_grant("now", PLATE, datetime.now(UTC))
    output = run(device, *ERASE, code=1)
    assert "journal: NOT erased" in output
    assert "is passing" in output
    assert "still has the plate" in output
    left = {Path(name).name.removesuffix("-wal") for name in device.files_with_the_plate()}
    assert left == {"journal.sqlite", "grants.reserve"}


def test_ok__a_held_passage_is_kept_until_it_is_meant(device: Device, gate: Journal) -> None:
    run(device, "hold", "of-M", "--why", "damage to the arm")
    assert "damage to the arm" in run(device, "held")
    assert "on hold have this plate: of-M" in run(device, *ERASE, code=1)
    run(device, *ERASE, "--held")
    assert "no passage is on hold" in run(device, "held")
    assert device.files_with_the_plate() == []


def test_ok__a_hold_ends(device: Device, gate: Journal) -> None:
    run(device, "hold", "of-M", "--why", "damage")
    run(device, "release", "of-M", "--why", "paid")
    assert "no passage is on hold" in run(device, "held")
    with closing(JournalReader(device.settings.journal.dir)) as reader:
        events = [event.event.what for event in reader.passage("of-M")[1:]]
    assert events == ["held", "hold_ended"]


def test_ok__a_passage_is_held_while_no_gate_runs(device: Device, fill: Fill) -> None:
    fill().close()
    run(device, "hold", "of-M", "--why", "damage")
    assert "of-M" in run(device, "held")
    run(device, "release", "of-M", "--why", "paid")
    assert "no passage is on hold" in run(device, "held")


def test_fail__an_unknown_passage_cannot_be_held(device: Device, gate: Journal) -> None:
    done = CliRunner().invoke(
        app, ["privacy", "hold", "nope", "--why", "x", "--config", str(device.config)]
    )
    assert done.exit_code == 1
    assert "the journal has no passage nope" in str(done.exception)


def test_ok__a_plate_is_readmitted(device: Device, fill: Fill) -> None:
    fill().close()
    run(device, *ERASE)
    assert "may come in again" in run(device, "readmit", "M-AB 123")
    assert PLATE not in ErasedPlates(device.settings.privacy.dir)
    assert "was not erased" in run(device, "readmit", "M-AB 123", code=1)


def test_fail__a_plate_that_is_none_is_refused(device: Device) -> None:
    for words in (("erase", "???", "--why", "x"), ("export", ""), ("readmit", "a b c; d")):
        run(device, *words, code=2)


def test_ok__nothing_is_erased_unless_it_is_confirmed(device: Device, fill: Fill) -> None:
    fill().close()
    before = device.files_with_the_plate()
    run(device, *ERASE[:-1], code=1)
    assert device.files_with_the_plate() == before
    assert PLATE not in ErasedPlates(device.settings.privacy.dir)


def test_ok__everything_about_a_plate_is_exported(
    device: Device, fill: Fill, tmp_path: Path
) -> None:
    fill().close()
    folder = tmp_path / "request"
    output = run(device, "export", "M-AB 123", str(folder))
    assert "items about MAB123" in output
    document = json.loads((folder / "about.json").read_text())
    stores = {item["store"] for item in document["found"]}
    assert stores == {
        "visits", "lists", "journal", "samples", "list sources", "outbound", "console",
    }  # fmt: skip
    text = (folder / "about.txt").read_text()
    assert "Anna Müller" in text
    assert "granted" in text
    pdf = (folder / "about.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page\n") == 1
    pictures = {file.name for file in (folder / "pictures").iterdir()}
    assert len(pictures) == 2  # the still of the passage, and the sample
    assert oct(folder.stat().st_mode)[-3:] == "700"
    assert "not empty" in str(
        CliRunner().invoke(
            app, ["privacy", "export", PLATE, str(folder), "--config", str(device.config)]
        ).exception
    )  # fmt: skip


def test_fail__an_export_to_a_full_disk_can_be_repeated(
    device: Device, fill: Fill, tmp_path: Path, full_disk: FullDisk
) -> None:
    fill().close()
    folder = tmp_path / "request"
    words = ["privacy", "export", PLATE, str(folder), "--config", str(device.config)]
    with full_disk(10_000):
        assert "File too large" in str(CliRunner().invoke(app, words).exception)
    assert not folder.exists()
    assert CliRunner().invoke(app, words).exit_code == 0


def test_ok__nothing_about_a_plate_is_said_so(device: Device) -> None:
    assert "Nothing is kept about this plate." in run(device, "export", "ZZ 999")
    assert json.loads(run(device, "export", "ZZ 999", "--json"))["found"] == []


def test_ok__the_report_says_what_is_kept_how_long_and_why(device: Device, fill: Fill) -> None:
    fill().close()
    text = run(device, "report")
    assert "profile: custom" in text
    assert "granted passages: plate, reading, list entry (2 now)" in text
    assert "30 days" in text
    device.config.write_text(
        device.config.read_text().replace("[privacy]", '[privacy]\nprofile = "de"')
    )
    text = run(device, "report")
    assert "profile: de (Germany)" in text
    assert "DSK Kurzpapier 15" in text
    assert "a keyed hash of the plate after 1 h" in text
    document = json.loads(run(device, "report", "--json"))
    assert document["profile"] == "de"
    assert {kind["store"] for kind in document["kept"]} >= {"journal", "lists", "console"}


@pytest.mark.parametrize("why", ["", "  ", "x" * 201, "a\nb", "MAB123 " * 28])
def test_fail__a_reason_that_a_gate_refuses_changes_nothing(
    device: Device, fill: Fill, why: str
) -> None:
    fill().close()
    before = device.files_with_the_plate()
    assert "why: " in run(device, "erase", PLATE, "--why", why, "--yes", code=2)
    assert device.files_with_the_plate() == before
    assert not Tombstones(device.settings.privacy.dir).all()


def test_fail__a_hold_needs_a_reason_also_without_a_gate(device: Device, fill: Fill) -> None:
    fill().close()
    assert "why: " in run(device, "hold", "of-M", "--why", "", code=2)
    assert "no passage is on hold" in run(device, "held")
