# SPDX-License-Identifier: Apache-2.0
"""The questions about the site: lane, barrier, countries, camera, list source, privacy."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from plategate.configure.checks import HardwareChecks
from plategate.configure.dialog import NONE_WORDS, Dialog
from plategate.configure.draft import Draft
from plategate.errors import GateError, SettingsError
from plategate.plates.formats import check_countries
from plategate.schedule.zone import site_zone
from plategate.settings.privacy import CUSTOM, profiles

STYLES = (
    ("pulse", "a pulse opens, the barrier closes by itself (most barriers)"),
    ("hold", "it stays open while the relay is on"),
    ("open_and_close", "one pulse opens, another on a second relay closes; needs a photocell"),
)
CAMERAS = (
    ("picamera2", "ribbon camera of the Raspberry Pi"),
    ("v4l2", "USB camera"),
    ("folder", "pictures from a folder, for trials"),
)
DIRECTIONS = (("in", "entrance"), ("out", "exit"), ("both", "both, or unknown"))
SOURCE_NAME = "main"


class SiteQuestions:
    """Asks about everything but lines."""

    def __init__(self, draft: Draft, dialog: Dialog, checks: HardwareChecks) -> None:
        self._draft = draft
        self._dialog = dialog
        self._checks = checks

    def lane(self) -> None:
        """Name, direction, barrier and countries."""
        settings = self._draft.settings
        self._ask("Name of the lane, as it stands in the journal", "lane.name", settings.lane.name)
        direction = self._dialog.choose(
            "Direction of the lane", DIRECTIONS, settings.access.direction or "both"
        )
        self._set("access.direction", "" if direction == "both" else direction)
        self._set(
            "barrier.style",
            self._dialog.choose("How does the barrier move?", STYLES, settings.barrier.style),
        )
        self._countries()
        zone = settings.access.zone or "system"

        def parse_zone(answer: str) -> str:
            name = "" if answer == "system" else answer
            try:
                site_zone(name)
            except SettingsError as error:
                raise ValueError(str(error)) from None
            return name

        self._set(
            "access.zone",
            self._dialog.ask(
                'Time zone such as Europe/Berlin, or "system" for that of this machine',
                zone,
                parse_zone,
            ),
        )

    def camera(self, try_it: bool) -> None:
        """The camera; a still is taken if `try_it`."""
        dialog = self._dialog
        while True:
            camera = self._draft.settings.camera
            kind = dialog.choose("\nWhich camera?", CAMERAS, camera.kind)
            changes: dict[str, Any] = {"camera.kind": kind}
            if kind == "v4l2":
                changes["camera.device"] = dialog.ask("  Device", camera.device, str)
            elif kind == "folder":
                folder = dialog.ask("  Folder of the pictures", str(camera.path or ""), str)
                changes["camera.path"] = folder
            if not self._change(changes if kind != camera.kind or len(changes) > 1 else {}):
                continue
            if not try_it:
                return
            try:
                dialog.say(f"  {self._checks.camera(self._draft.settings)}")
                dialog.say("  Aim it with `plategate aim` once everything is mounted.")
                return
            except (GateError, ImportError, OSError) as error:
                dialog.say(f"  The camera cannot be used: {error}")
                if dialog.confirm("  Keep this answer?", False):
                    return

    def source(self) -> None:
        """Where the allow list comes from; the source is read once without changing anything."""
        others = [s for s in self._draft.settings.sync.sources if s.name != SOURCE_NAME]
        if others:
            names = ", ".join(each.name for each in others)
            self._dialog.say(f"\nList sources {names} stay as they are ([[sync.sources]]).")
        while True:
            sources = self._draft.settings.sync.sources
            present = next((each for each in sources if each.name == SOURCE_NAME), None)
            url = self._dialog.ask(
                "\nAddress of the allow list (https://..., or a path such as a USB stick), or"
                ' "none" if you enter it by hand',
                present.url if present else "none",
                str,
            )
            if url.lower() in NONE_WORDS:
                if present is None or self._change({"sync.sources": _plain(others) or None}):
                    return
                continue
            if present is not None and present.url == url:
                source = present.model_dump(mode="json", exclude_unset=True)
            else:
                source = {"name": SOURCE_NAME, "kind": "allow", "url": url}
                if urlsplit(url).scheme == "http":
                    self._dialog.say(
                        "  Anybody on the way can change http://; use https:// if you can."
                    )
            if not self._change({"sync.sources": [*_plain(others), source]}):
                continue
            good, lines = self._checks.source(self._draft.settings)
            for line in lines:
                self._dialog.say(f"  {line}")
            if good or self._dialog.confirm("  Keep this answer?", False):
                return

    def privacy(self) -> None:
        """The profile that limits what is kept and for how long."""
        choices = [(code, profile.name) for code, profile in profiles().items()]
        choices.append((CUSTOM, "as [journal] says, without a profile"))
        self._dialog.say(
            "\nPrivacy: how long plates and pictures are kept; see docs/owner/privacy.md."
        )
        present = self._draft.settings.privacy.profile
        chosen = self._dialog.choose("Profile", choices, present)
        if not self._change({"privacy.profile": chosen} if chosen != present else {}):
            self._dialog.say("  The profile stays as it was; change the keys that it names first.")

    def _countries(self) -> None:
        present = self._draft.settings.plates.countries

        def parse(answer: str) -> list[str]:
            codes = [code.strip().lower() for code in answer.replace(",", " ").split()]
            if codes == ["any"]:
                return []
            try:
                check_countries(codes, "plates.countries")
            except SettingsError as error:
                raise ValueError(str(error)) from None
            return codes

        chosen = self._dialog.ask(
            'Countries whose plates come (such as "de at"), or "any"',
            " ".join(present) or "any",
            parse,
        )
        if chosen != list(present):
            self._change({"plates.countries": chosen})

    def _ask(self, text: str, key: str, default: str) -> None:
        """Ask for a text until the settings accept it."""
        while not self._set(key, self._dialog.ask(text, default, str)):
            pass

    def _set(self, key: str, value: Any) -> bool:
        """Change one key where it differs."""
        present: Any = self._draft.settings
        for name in key.split("."):
            present = getattr(present, name)
        return self._change({} if str(present) == str(value) else {key: value})

    def _change(self, changes: dict[str, Any]) -> bool:
        try:
            self._draft.change(changes)
        except SettingsError as error:
            self._dialog.say(f"  {error}")
            return False
        return True


def _plain(sources: Any) -> list[dict[str, Any]]:
    return [source.model_dump(mode="json", exclude_unset=True) for source in sources]
