# SPDX-License-Identifier: Apache-2.0
"""The running gate: order of grant, relay and record; failing components; shutdown.

Real threads and real drivers on mock pins; needs no model and no board.
"""

from __future__ import annotations

from plategate.access.control import ListCondition
from plategate.messages import (
    CameraLost,
    CameraReturned,
    DriveFailed,
    InputName,
    Level,
    Mode,
    ModeChanged,
)
from plategate.values import PlateSighting
from tests.commanded import commanded


def test_ok__the_grant_is_written_before_the_relay_moves(running):
    running.come("AB12CDE")
    running.until(lambda: "open_relay off" in running.journal.order)
    running.put(InputName.PHOTOCELL, Level.ACTIVE)
    running.until(lambda: running.site.gate.status().openings == 1)
    running.put(InputName.PHOTOCELL, Level.INACTIVE)
    running.until(lambda: running.journal.passages)
    passage = running.journal.passages[0]
    order = [item for item in running.journal.order if item != "open_relay off"]
    assert order == [f"grant {passage.id}", "open_relay on", f"record {passage.id}"]


def test_ok__every_passage_has_its_timings(running):
    running.come("AB12CDE")
    running.until(lambda: running.site.arm.position == "up")
    running.put(InputName.PHOTOCELL, Level.ACTIVE)
    running.put(InputName.BEAM, Level.INACTIVE)
    running.until(lambda: running.site.gate.status().inputs)
    running.site.gate.post(commanded("trigger"))
    running.put(InputName.PHOTOCELL, Level.INACTIVE)
    running.until(lambda: [p for p in running.journal.passages if p.trigger == "beam"])
    (passage,) = [p for p in running.journal.passages if p.trigger == "beam"]
    spent = dict(passage.milliseconds)
    assert {"capture", "decide", "write", "relay", "total", "ours"} <= spent.keys()
    assert all(milliseconds >= 0 for milliseconds in spent.values())
    assert spent["ours"] <= spent["total"]


def test_fail__a_failing_journal_keeps_the_gate_closed(running):
    running.journal.fails = True
    running.come("AB12CDE")
    running.until(lambda: running.journal.passages)
    assert running.journal.passages[0].verdict.reason == "store_failed"
    assert "open_relay on" not in running.journal.order


def test_ok__the_button_works_while_journal_and_reader_fail(running, monkeypatch):
    running.journal.fails = True
    running.site.camera.dies_after = 0
    running.site.gate.post(commanded("open", "console"))
    running.until(lambda: "open_relay on" in running.journal.order)


def test_fail__a_reader_that_raises_is_recorded_and_the_gate_continues(running, monkeypatch):
    def broken(stills: object) -> PlateSighting:
        raise ZeroDivisionError

    monkeypatch.setattr(running.site.reader, "read_burst", broken)
    running.come("AB12CDE")
    running.until(lambda: running.journal.passages)
    assert running.journal.passages[0].verdict.reason == "pipeline_failed"


def test_fail__a_lost_camera_is_recorded_and_signalled(running):
    running.site.camera.dies_after = 0
    running.put(InputName.BEAM, Level.ACTIVE)
    running.until(lambda: running.journal.passages)
    assert running.journal.passages[0].verdict.reason == "camera_failed"
    running.put(InputName.BEAM, Level.INACTIVE)
    running.until(lambda: running.site.gate.status().signal == "no_camera")
    running.site.camera.dies_after = None
    running.until(lambda: running.site.gate.status().signal == "ready")


def test_ok__shutdown_switches_the_relay_off_first(settings, running):
    running.site.gate.post(commanded("open", "console"))
    running.until(lambda: "open_relay on" in running.journal.order)
    running.site.gate.stop()
    running.until(lambda: "journal closed" in running.journal.order)
    order = running.journal.order
    assert order.index("open_relay off") < order.index("journal closed")


def test_fail__a_component_that_fails_to_close_does_not_block_the_others(running, monkeypatch):
    def stuck() -> None:
        raise OSError("stuck")

    monkeypatch.setattr(running.site.camera, "close", stuck)
    running.site.gate.stop()
    running.until(lambda: "journal closed" in running.journal.order)


def test_ok__status_contains_no_plate(running):
    running.come("XX99XXX")
    running.until(lambda: running.journal.passages)
    document = running.site.gate.status().document()
    assert document["lane"] == "main"
    assert document["inputs"]["beam"] == "active"
    assert "XX99XXX" not in str(document)


def test_ok__a_list_that_is_too_old_is_signalled(running, monkeypatch):
    monkeypatch.setattr(
        type(running.access), "list_condition", lambda *_: ListCondition(too_old=True)
    )
    running.site.gate._due_s.pop("conditions")
    running.until(lambda: running.site.gate.status().signal == "list_too_old")


def test_fail__lists_that_cannot_be_read_are_a_named_failure(running):
    running.until(lambda: running.site.gate.allow_list()["entries"] == 1)
    running.access._file.write_bytes(b"no database" * 1000)
    running.access._connections.close()
    running.site.gate._due_s.pop("conditions")
    running.until(running.site.health.failures)
    (failure,) = running.site.health.failures()
    assert failure.name == "list"
    assert "file is not a database" in failure.sentence
    assert running.site.gate.allow_list()["entries"] is None


def test_ok__a_slow_disk_drops_pictures_but_no_passages(running):
    running.journal.hangs_in_record.clear()
    for number in range(1, 10):
        running.come("XX99XXX")
        running.until(lambda count=number: running.site.gate.status().passages == count)
        running.until(lambda: running.site.gate.status().reading is None)
        running.put(InputName.BEAM, Level.INACTIVE)
        running.until(lambda: running.site.gate.status().armed)
    running.journal.hangs_in_record.set()
    running.until(lambda: len(running.journal.passages) == 9)
    pictured = running.journal.pictured
    assert pictured[:6] == [True] * 6
    assert pictured[-1] is False


def test_ok__reports_become_events_of_the_journal(running):
    running.site.gate.post(CameraLost("no frame for 3 s"))
    running.site.gate.post(CameraReturned())
    running.site.gate.post(ModeChanged(Mode.LOCKED))
    running.until(lambda: len(running.journal.events) >= 3)
    lost, back, mode = running.journal.events[:3]
    assert (lost.what, lost.detail, lost.lane) == ("camera_lost", "no frame for 3 s", "main")
    assert (back.what, mode.what, mode.detail) == ("camera_back", "mode", "locked")
    assert len({event.id for event in running.journal.events}) == len(running.journal.events)


def test_ok__an_event_names_its_passage(running):
    running.come("XX99XXX")
    running.put(InputName.BEAM, Level.INACTIVE)
    running.site.gate.post(DriveFailed("GPIO 17 is busy"))
    running.until(lambda: [e for e in running.journal.events if e.what == "fault"])
    fault = next(e for e in running.journal.events if e.what == "fault")
    assert fault.detail == "drive_failed GPIO 17 is busy"


def test_fail__a_journal_that_cannot_store_an_event_ends_nothing(running):
    running.journal.fails = True
    running.site.gate.post(CameraLost("no frame"))
    running.until(lambda: running.journal.events)
    running.journal.fails = False
    running.come("AB12CDE")
    running.until(lambda: "open_relay on" in running.journal.order)
