# SPDX-License-Identifier: Apache-2.0
"""Settings read, changed and reset through the API by the gate that applies them, and stills."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from plategate.clock import SystemClock
from plategate.console.app import build_app
from plategate.console.lanes import SettingsSource
from plategate.console.tokens import Scope
from plategate.gate.owner_settings import OwnerSettings
from plategate.gate.preview import Preview
from plategate.rehearsal.camera import RehearsalCamera
from plategate.settings import load_file
from plategate.vision.images import load_still
from tests.console.bed import ConsoleBed

READERS = (f"reader-{n}" for n in itertools.count())
KEY = {"Idempotency-Key": "one"}
PICTURE = next((Path(__file__).parents[2] / "data" / "demo").glob("*.jpg"))


@pytest.fixture
def file(bed: ConsoleBed) -> Path:
    """The settings file of a console and of the gate that changes its settings."""
    made = bed.folder / "settings.toml"
    made.write_text(
        f'[commands]\nowner_settings_file = "{bed.folder}/owner.json"\n[lane]\nstills = 5\n'
        '[sync]\nsources = [{name = "a", kind = "allow", url = "https://me:secret@example.org"}]\n',
        encoding="utf-8",
    )
    source = SettingsSource(lambda: load_file(made), made)
    bed.app = build_app(bed.settings, now=lambda: bed.clock_s, source=source)
    bed.site = bed.app.state.site
    owner = OwnerSettings(source.load, str(made))
    bed.services = {**owner.services(lambda: datetime.now(UTC), lambda: None)}
    return made


def shown(bed: ConsoleBed, key: str) -> dict[str, Any]:
    answer = bed.program("look", name=next(READERS)).get("/settings")
    assert "secret" not in answer.text
    return next(item for item in answer.json()["items"] if item["key"] == key)


def test_ok__a_setting_is_changed_shown_with_its_origin_and_reset(
    bed: ConsoleBed, file: Path
) -> None:
    program = bed.program("manage")
    assert shown(bed, "access.strictness")["origin"] == "default"
    body = {"value": "lookalike", "why": "fog"}
    answer = program.put("/settings/access.strictness", json=body, headers=KEY)
    assert answer.status_code == 200, answer.text
    found = shown(bed, "access.strictness")
    assert (found["origin"], found["value"], found["can_change"]) == ("console", "lookalike", True)
    assert (found["changed"]["who"], found["changed"]["why"]) == ("token:program", "fog")
    reset = program.delete("/settings/access.strictness?why=sun", headers={"Idempotency-Key": "b"})
    assert reset.status_code == 200, reset.text
    assert shown(bed, "access.strictness")["origin"] == "default"
    assert [request.why for request in bed.commands] == ["fog", "sun"]


def test_ok__the_region_of_interest_is_a_setting(bed: ConsoleBed, file: Path) -> None:
    body = {"value": [0.1, 0.2, 0.5, 0.6], "why": "aimed"}
    answer = bed.program("manage").put("/settings/camera.roi", json=body, headers=KEY)
    assert answer.status_code == 200, answer.text
    assert shown(bed, "camera.roi")["value"] == [0.1, 0.2, 0.5, 0.6]


def test_ok__settings_of_the_installer_are_shown_with_their_line_alone(
    bed: ConsoleBed, file: Path
) -> None:
    found = shown(bed, "lane.stills")
    assert (found["origin"], found["line"], found["text"]) == ("file", 4, "5")
    assert shown(bed, "sync.sources")["value"] is None


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("access.strictness", "none", 409),
        ("access.strictness", [None], 409),
        ("access.strictness", "x" * 4000, 400),
        ("camera.roi", [0.5, 0.5, 0.9, 0.9], 409),
        ("commands.users", {}, 403),
        ("access.nothing", 1, 404),
        ("nothing", 1, 404),
    ],
)
def test_fail__other_keys_and_values_change_nothing(
    bed: ConsoleBed, file: Path, key: str, value: Any, status: int
) -> None:
    body = {"value": value, "why": "try"}
    answer = bed.program("manage").put(f"/settings/{key}", json=body, headers=KEY)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert not (bed.folder / "owner.json").exists()


def test_fail__a_value_that_is_no_number_of_json_is_refused(bed: ConsoleBed, file: Path) -> None:
    program = bed.program("manage")
    kind = {"content-type": "application/json"}
    for value in ("NaN", "Infinity", "1e999"):
        content = f'{{"value": {value}, "why": "try"}}'
        answer = program.put("/settings/access.min_confidence", content=content, headers=KEY | kind)
        assert answer.status_code == 400, answer.text
    assert bed.commands == []


@pytest.fixture
def camera(bed: ConsoleBed) -> Iterator[Preview]:
    """A gate that shows a picture."""
    clock = SystemClock()
    rehearsed = RehearsalCamera(clock, load_still)
    rehearsed.show(PICTURE)
    preview = Preview(rehearsed, clock)
    server = preview.serve(bed.settings.commands.preview_socket)
    assert server is not None
    bed.services = {**preview.services()}
    yield preview
    server.close()


@pytest.mark.parametrize("whole", [True, False])
def test_ok__a_still_is_a_jpeg_and_leaves_the_camera_free(
    bed: ConsoleBed, camera: Preview, whole: bool
) -> None:
    body = {"why": "new lens", "whole": whole}
    answer = bed.program("aim").post("/camera/still", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.content.startswith(b"\xff\xd8")
    assert [request.why for request in bed.commands] == ["new lens", "end of the view"]
    assert camera._viewer is None


def test_fail__a_person_who_looks_is_not_disturbed(bed: ConsoleBed, camera: Preview) -> None:
    program = bed.program("aim")
    assert program.post("/camera/still", json={"why": "lens"}).status_code == 200
    camera.begin(replace(bed.commands[0], who="owner:anna"))
    answer = program.post("/camera/still", json={"why": "lens"})
    assert (answer.status_code, "is using the camera view" in answer.json()["detail"]) == (
        409,
        True,
    )
    assert camera._viewer is not None


def test_fail__no_other_scope_sees_the_camera(bed: ConsoleBed, camera: Preview) -> None:
    others = [scope for scope in Scope if scope is not Scope.AIM]
    assert bed.program(*others).post("/camera/still", json={"why": "x"}).status_code == 403
    assert bed.commands == []
