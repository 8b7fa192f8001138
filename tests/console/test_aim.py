# SPDX-License-Identifier: Apache-2.0
"""Guards: the Aim page shows the camera to one session, rates real stills, and saves the region."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plategate.clock import SystemClock
from plategate.console.accounts import Role
from plategate.console.aim_pages import within
from plategate.gate.preview import Preview
from plategate.rehearsal.camera import RehearsalCamera
from plategate.vision.images import load_still

from .bed import ConsoleBed, form_values

PICTURE = next((Path(__file__).parents[1] / "data" / "demo").glob("*.jpg"))


@pytest.fixture
def shown(bed: ConsoleBed) -> Iterator[ConsoleBed]:
    """A console whose gate shows a picture."""
    clock = SystemClock()
    camera = RehearsalCamera(clock, load_still)
    camera.show(PICTURE)
    preview = Preview(camera, clock)
    server = preview.serve(bed.settings.commands.preview_socket)
    assert server is not None
    bed.services = {**preview.services()}
    yield bed
    bed.site.lanes.first.aim.end()
    server.close()


def session_of(bed: ConsoleBed, role: Role) -> str:
    return next(s.identity for s in bed.site.sessions.all() if s.account == f"a-{role}")


def test_ok__the_view_is_begun_rated_and_ended(shown: ConsoleBed) -> None:
    browser = shown.logged_in(Role.INSTALLER)
    form = form_values(browser, "/aim")
    assert browser.get("/aim/stream").status_code == 404
    assert browser.post("/aim/begin", data={**form, "why": "new lens"}).status_code == 303
    page = browser.get("/aim").text
    assert 'src="/aim/stream?lane=main"' in page
    assert "/aim/region" not in page  # the owner's
    report = browser.get("/aim/report").text
    assert re.search(r"Plate width: <b>\d+ px</b>", report)
    assert "<polygon" in report
    assert "no plate" not in report
    session = session_of(shown, Role.INSTALLER)
    frames = shown.site.lanes.first.aim.frames(session, lambda: True)
    head, _, jpeg = next(frames).partition(b"\r\n\r\n")
    assert b"Content-Type: image/jpeg" in head
    assert jpeg.startswith(b"\xff\xd8")
    browser.post("/aim/end", data=form_values(browser, "/aim"))
    assert list(frames) == []
    assert browser.get("/aim/report").headers["HX-Redirect"] == "/aim?lane=main"
    assert "new lens" in shown.site.sessions.audit(9)[1]["detail"]


def test_ok__the_stream_ends_when_the_console_stops(shown: ConsoleBed) -> None:
    browser = shown.logged_in(Role.INSTALLER)
    browser.post("/aim/begin", data=form_values(browser, "/aim"))
    shown.site.stop()
    answer = browser.get("/aim/stream")  # would go on for minutes
    assert (answer.status_code, answer.content) == (200, b"")


def test_fail__a_rating_process_that_dies_is_replaced(shown: ConsoleBed) -> None:
    browser = shown.logged_in(Role.OWNER)
    browser.post("/aim/begin", data=form_values(browser, "/aim"))
    assert "Plate width" in browser.get("/aim/report").text
    rating = shown.site.lanes.first.aim._rating
    assert rating is not None
    rating._process.kill()
    rating._process.wait()
    rating._rated_s = 0.0
    time.sleep(1.1)  # the gate gives a whole picture once a second
    assert "has ended" in browser.get("/aim/report").text
    time.sleep(1.1)
    assert "Plate width" in browser.get("/aim/report").text


def test_ok__a_stream_ends_with_its_session(shown: ConsoleBed) -> None:
    browser = shown.logged_in(Role.OWNER)
    browser.post("/aim/begin", data=form_values(browser, "/aim"))
    session = session_of(shown, Role.OWNER)
    ended = threading.Event()
    frames = shown.site.lanes.first.aim.frames(session, lambda: not ended.is_set())
    assert next(frames)
    ended.set()
    assert list(frames) == []


def test_fail__nobody_else_sees_the_picture(shown: ConsoleBed) -> None:
    owner, other = shown.logged_in(Role.OWNER), shown.logged_in(Role.INSTALLER)
    owner.post("/aim/begin", data=form_values(owner, "/aim"))
    assert other.get("/aim/stream").status_code == 404
    assert "HX-Redirect" in other.get("/aim/report").headers
    for role in (Role.GUARD, Role.VIEWER):
        assert shown.logged_in(role).get("/aim").status_code == 403


def test_ok__the_owner_saves_the_marked_part_as_region(bed: ConsoleBed) -> None:
    browser = bed.logged_in(Role.OWNER)
    part = {"left": "0.2", "top": "0.5", "width": "0.6", "height": "0.9"}
    form = {**form_values(browser, "/account"), "id": "a1", **part}
    assert browser.post("/aim/region", data=form).status_code == 303
    form = {**form, "id": "a2", "action": "whole", "why": "moved"}
    assert browser.post("/aim/region", data=form).status_code == 303
    assert [asked.data for asked in bed.commands] == [
        {"key": "camera.roi", "value": [0.2, 0.5, 0.6, 0.5]},
        {"key": "camera.roi", "value": [0.0, 0.0, 1.0, 1.0]},
    ]
    assert browser.post("/aim/region", data={**form, "left": "x"}).status_code == 400


def test_ok__a_part_of_a_region_is_a_region_of_the_whole_picture() -> None:
    assert within((0.5, 0.0, 0.5, 1.0), [0.5, 0.1, 0.5, 0.5]) == [0.75, 0.1, 0.25, 0.5]
    for part in ([0.0, 0.0, 1.0, 1.0], [0.333, 0.333, 0.667, 0.667], [-1.0, 2.0, 3.0, 4.0]):
        left, top, width, height = within((0.1234, 0.3217, 0.8766, 0.6783), part)
        assert left + width <= 1.0
        assert top + height <= 1.0
