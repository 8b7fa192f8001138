# SPDX-License-Identifier: Apache-2.0
"""Guards: every setting is shown with its origin, and only the owner changes his own."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from plategate.catalogue import _described, described, texts_of
from plategate.console.accounts import Role
from plategate.console.app import build_app
from plategate.console.lanes import SettingsSource
from plategate.console.setting_forms import form_of
from plategate.console.settings_pages import as_text
from plategate.remote.protocol import AnswerResult, ServiceName
from plategate.settings import Settings, load_file
from plategate.settings.describe import choices_of
from plategate.settings.overlay import OwnerValue, owner_fields, tables_of, write_overlay

from .bed import ConsoleBed, form_values


@pytest.fixture
def file(bed: ConsoleBed) -> Path:
    """The bed's console, reading this settings file for its settings page."""
    made = bed.folder / "settings.toml"
    made.write_text(
        f'[commands]\nowner_settings_file = "{bed.folder}/owner.json"\n'
        "[lane]\nstills = 5\n#[journal]\n#min_free_mb = 200\n[sync]\n"
        'sources = [{name = "a", kind = "allow", url = "https://me:secret@example.org/a?key=sesame"}]\n',
        encoding="utf-8",
    )
    source = SettingsSource(lambda: load_file(made), made)
    bed.app = build_app(bed.settings, now=lambda: bed.clock_s, source=source)
    bed.site = bed.app.state.site
    return made


def change(bed: ConsoleBed, role: Role, key: str, **form: str) -> tuple[int, str]:
    browser = bed.logged_in(role)
    given = {**form_values(browser), "why": "more guests", "action": "change", **form}
    answer = browser.post(f"/settings/{key}", data=given)
    return answer.status_code, html.unescape(answer.text)


def test_ok__every_setting_is_shown_with_value_and_place(bed: ConsoleBed, file: Path) -> None:
    changed = OwnerValue("likely", "owner:anna", "guests", "2026-05-01T10:00:00+00:00", "exact")
    write_overlay(bed.folder / "owner.json", {"access.strictness": changed})
    page = html.unescape(bed.logged_in(Role.VIEWER).get("/settings").text)
    for table, model in tables_of(Settings):
        for key in model.model_fields:
            assert f"{table}.{key}" in page, key
    assert "owner:anna, 2026-05-01 12:00:00: guests" in page
    assert re.search(r"lane\.stills</code></dt>\s*<dd><b>5</b>.*?line 4<", page, re.DOTALL)
    assert re.search(r"journal\.min_free_mb</code></dt>.*?line 6<", page, re.DOTALL)
    assert "add it below [barrier]" in page
    assert "secret" not in page
    assert "sesame" not in page
    assert "/settings/access.strictness" not in page  # a viewer changes nothing


@pytest.mark.parametrize(
    ("key", "entered", "value"),
    [
        ("access.strictness", "lookalike", "lookalike"),
        ("journal.granted_days", "14", 14),
        ("access.min_confidence", "0,7", 0.7),
        ("access.holidays", "12-25\r\n\r\neaster+1\r\n", ["12-25", "easter+1"]),
        (
            "lane.schedule",
            "locked mon-fri 22:00-06:00; hol closed\nopen sat 08:00-12:00",
            [
                {"hours": "mon-fri 22:00-06:00; hol closed", "mode": "locked"},
                {"hours": "sat 08:00-12:00", "mode": "open"},
            ],
        ),
        ("camera.roi", "0.1 0.2 0.5 0.5", [0.1, 0.2, 0.5, 0.5]),
    ],
)
def test_ok__the_owner_changes_a_setting_through_the_gate(
    bed: ConsoleBed, file: Path, key: str, entered: str, value: object
) -> None:
    assert change(bed, Role.OWNER, key, value=entered)[0] == 303
    (asked,) = bed.commands
    assert (asked.command, asked.data) == (ServiceName.SETTING, {"key": key, "value": value})
    assert (asked.who, asked.why, asked.via) == ("owner:a-owner", "more guests", "console")
    assert f"setting {key}" in bed.site.sessions.audit()[0]["detail"]


def test_ok__undo_gives_the_value_before_and_reset_that_of_the_file(
    bed: ConsoleBed, file: Path
) -> None:
    items = {
        "journal.granted_days": OwnerValue(3, "owner:anna", "x", "2026-05-01T10:00:00+00:00", 9),
        "lane.attempts": OwnerValue(3, "owner:anna", "x", "2026-05-01T10:00:00+00:00", 4),
    }
    write_overlay(bed.folder / "owner.json", items)
    for key, action in (
        ("journal.granted_days", "undo"),
        ("lane.attempts", "undo"),
        ("journal.granted_days", "reset"),
    ):
        assert change(bed, Role.OWNER, key, action=action)[0] == 303
    assert [asked.data for asked in bed.commands] == [
        {"key": "journal.granted_days", "value": 9},
        {"key": "lane.attempts", "reset": True},
        {"key": "journal.granted_days", "reset": True},
    ]


@pytest.mark.parametrize("role", [Role.GUARD, Role.INSTALLER, Role.VIEWER])
def test_fail__nobody_else_changes_a_setting(bed: ConsoleBed, file: Path, role: Role) -> None:
    assert change(bed, role, "journal.granted_days", value="3")[0] == 403
    assert bed.commands == []


@pytest.mark.parametrize(
    ("key", "form", "status"),
    [
        ("pins.open_relay", {"value": "3"}, 404),
        ("commands.users", {"value": "x"}, 404),
        ("journal.granted_days", {"value": "many"}, 400),
        ("journal.granted_days", {"value": "3", "why": " "}, 400),
        ("journal.granted_days", {"value": "3", "csrf": "x"}, 403),
        ("lane.schedule", {"value": "locked"}, 400),
        ("access.holidays", {"value": "12-25\n" * 600}, 400),
        ("lane.mode", {"action": "undo"}, 404),
    ],
)
def test_fail__a_wrong_form_sends_nothing(
    bed: ConsoleBed, file: Path, key: str, form: dict[str, str], status: int
) -> None:
    assert change(bed, Role.OWNER, key, **form)[0] == status
    assert bed.commands == []


def test_fail__what_the_gate_refuses_is_shown_with_its_reason(bed: ConsoleBed, file: Path) -> None:
    bed.answer = AnswerResult.REFUSED
    status, page = change(bed, Role.OWNER, "journal.granted_days", value="3")
    assert status == 409
    assert "a safety input is not clear" in page


def test_fail__a_script_in_a_changed_value_stays_text(bed: ConsoleBed, file: Path) -> None:
    evil = "<script>alert(1)</script>"
    changed = OwnerValue([evil], evil, evil, "2026-05-01T10:00:00+00:00", [evil])
    write_overlay(bed.folder / "owner.json", {"access.holidays": changed})
    browser = bed.logged_in(Role.OWNER)
    for path in ("/settings", "/settings/access.holidays", f"/settings?changed={evil}"):
        page = browser.get(path).text
        assert evil not in page
        assert "&lt;script&gt;" in page


def test_ok__every_setting_of_the_owner_has_a_form_and_german_words() -> None:
    defaults = Settings()
    for key, field in owner_fields(Settings).items():
        table, _, name = key.partition(".")
        value = getattr(defaults, table).model_dump(mode="json")[name]
        assert form_of(field, value).kind != "text" or field.annotation is str, key
        assert described("de", key, "")[0], key
        for choice in choices_of(field.annotation):
            assert f"choice.{key}.{choice}" in texts_of("de")
    known = {f"{table}.{key}" for table, model in tables_of(Settings) for key in model.model_fields}
    assert set(_described("de")) - known == set()


def test_ok__values_are_shown_as_text() -> None:
    assert as_text(["a", "b"]) == "a, b"
    assert as_text([{"hours": "mon 07:00-08:00", "mode": "open"}]) == "open mon 07:00-08:00"
    assert as_text(None) == ""
    assert as_text("x" * 500).endswith("x…")


def test_ok__the_page_after_a_change_names_it(bed: ConsoleBed, file: Path) -> None:
    page = bed.logged_in(Role.OWNER).get("/settings?changed=access.strictness").text
    assert "access.strictness is changed." in page
    assert "is changed" not in bed.logged_in(Role.OWNER).get("/settings?changed=x").text
