# SPDX-License-Identifier: Apache-2.0
"""The questions about lines: relays, contacts, distance sensor, lamps; each is tried at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plategate.configure.checks import HardwareChecks
from plategate.configure.dialog import Dialog, parse_line_number
from plategate.configure.draft import Draft
from plategate.errors import GateError, SettingsError

# The lines of the layout in docs/installer/wiring.md.
SUGGESTED = {
    "open_relay": 17,
    "close_relay": 27,
    "beam": 5,
    "inner_beam": 19,
    "photocell": 6,
    "safety": 26,
    "loop": 13,
    "arm_up": 12,
    "arm_down": 16,
    "manual": 20,
    "free_exit": 21,
    "fire": 25,
    "reset": 8,
    "red": 9,
    "green": 10,
    "blue": 11,
    "buzzer": 18,
    "ir_lamp": 22,
    "full_sign": 15,
}


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact to ask for: its key in [pins], what it is, and how the installer tries it."""

    name: str
    what: str
    trial: str


MAIN_CONTACTS = (
    Contact("beam", "break beam before the arm", "interrupt the beam, then free it"),
    Contact("loop", "loop detector or another dry contact", "drive or hold metal over the loop"),
    Contact("photocell", "photocell under the arm", "cover the photocell, then free it"),
)
MORE_CONTACTS = (
    Contact("inner_beam", "break beam behind the arm", "interrupt the beam, then free it"),
    Contact("safety", "further safety input", "trip it, then free it"),
    Contact("arm_up", "limit switch, arm up", "press the switch, then release it"),
    Contact("arm_down", "limit switch, arm down", "press the switch, then release it"),
    Contact("manual", "button that opens", "press the button, then release it"),
    Contact("free_exit", "free exit (button or loop)", "trip it, then free it"),
    Contact("fire", "fire input", "open the fire contact, then close it"),
    Contact("reset", "key switch that resets faults", "turn the key and back"),
)
LAMPS = {
    "red": "red lamp",
    "green": "green lamp",
    "blue": "blue lamp",
    "buzzer": "buzzer",
    "ir_lamp": "infrared lamp",
    "full_sign": 'sign "full"',
}
TRIGGERS = ("beam", "loop", "distance")


class Wiring:
    """Asks for the lines of one lane; `try_lines` is False where nothing is tried."""

    def __init__(
        self, draft: Draft, dialog: Dialog, checks: HardwareChecks, try_lines: bool
    ) -> None:
        self._draft = draft
        self._dialog = dialog
        self._checks = checks
        self._try = try_lines

    def ask(self) -> None:
        """Ask for everything; raises typer.Abort."""
        dialog = self._dialog
        dialog.say("\nWiring. Numbers are BCM numbers (GPIO). Layout: docs/installer/wiring.md.")
        self._relay("open_relay", "relay at the barrier's OPEN input")
        if self._draft.settings.barrier.style == "open_and_close":
            self._relay("close_relay", "relay at the barrier's CLOSE input")
        for contact in MAIN_CONTACTS:
            self._contact(contact)
        self._distance()
        used = self._draft.settings.pins.used
        wired = any(contact.name in used for contact in MORE_CONTACTS) or bool(LAMPS & used.keys())
        if dialog.confirm("Limit switches, buttons, fire input, lamps?", wired):
            for contact in MORE_CONTACTS:
                self._contact(contact)
            for name, what in LAMPS.items():
                self._output(name, what)
        self._triggers()

    def _relay(self, name: str, what: str) -> None:
        """A relay: its line, its level, and a pulse if the installer agrees."""
        while True:
            if self._line(name, what) is None:
                return
            high = getattr(self._draft.settings.pins, name).active_high
            chosen = self._dialog.confirm("  Is the relay on while its line is high?", high)
            if not self._change({f"pins.{name}.active_high": chosen} if chosen != high else {}):
                continue
            if not self._tried(lambda: self._checks.claim(self._draft.settings, name)):
                continue
            if not self._try or not self._dialog.confirm(
                "  Pulse it now? The arm may move: keep it in sight, and the lane clear", False
            ):
                return
            try:
                self._checks.pulse(self._draft.settings, name)
            except GateError as error:
                self._dialog.say(f"  {error}")
                continue
            if self._dialog.confirm("  Did the barrier react?", True):
                return
            self._dialog.say(
                "  Check GPIO number, the module's supply, and the wires to the barrier's input."
            )

    def _contact(self, contact: Contact) -> None:
        """A contact: its line, its level at rest, and a change that the installer causes."""
        while True:
            if self._line(contact.name, contact.what) is None or not self._try:
                return
            try:
                with self._checks.contact(self._draft.settings, contact.name) as watched:
                    level = watched.at_start.value
                    self._dialog.say(f"  It reads {level}. Now {contact.trial} ...")
                    changed = watched.changes()
            except GateError as error:
                self._dialog.say(f"  {error}")
                continue
            if changed:
                self._dialog.say("  It changed and came back.")
                return
            self._dialog.say(
                "  Nothing changed. Check number, wire to ground, and supply. A normally"
                " closed contact that is not connected reads active."
            )
            if self._dialog.confirm("  Keep this line?", False):
                return

    def _output(self, name: str, what: str) -> None:
        while self._line(name, what) is not None:
            if self._tried(lambda: self._checks.claim(self._draft.settings, name)):
                return

    def _distance(self) -> None:
        present = self._draft.settings.pins.distance
        while True:
            if not self._dialog.confirm("Ultrasonic distance sensor?", present is not None):
                self._change({"pins.distance": None})
                return
            trigger = self._dialog.ask(
                "  GPIO of TRIG", str(present.trigger if present else 23), _number
            )
            echo = self._dialog.ask("  GPIO of ECHO", str(present.echo if present else 24), _number)
            keys = {"pins.distance.trigger": trigger, "pins.distance.echo": echo}
            if self._change(keys) and self._tried(
                lambda: self._checks.distance(self._draft.settings)
            ):
                return

    def _line(self, name: str, what: str) -> int | None:
        """Ask for the line of a device until it is valid; None where there is no such device."""
        while True:
            present = getattr(self._draft.settings.pins, name)
            default = str(present.pin) if present else "none"
            if present is None and name == "open_relay":
                default = str(SUGGESTED[name])
            hint = f" (layout: {SUGGESTED[name]})" if default == "none" else ""
            number = self._dialog.ask(
                f'GPIO of the {what}{hint}, or "none"', default, parse_line_number
            )
            if number is None:
                if name == "open_relay" and not self._dialog.confirm(
                    "  Without it nothing can open. Is there really none?", False
                ):
                    continue
                if self._change({f"pins.{name}": None}):
                    return None
            elif self._change({} if _same(present, number) else {f"pins.{name}.pin": number}):
                return number

    def _triggers(self) -> None:
        """Which of the wired inputs detects a vehicle."""
        wired = [name for name in TRIGGERS if getattr(self._draft.settings.pins, name)]
        present = [name for name in self._draft.settings.lane.triggers if name in wired]
        if not wired:
            self._dialog.say("No beam, loop or distance sensor: nothing detects a vehicle.")
            if self._dialog.confirm("Detect vehicles by motion in the picture instead?", True):
                self._change({"triggers.motion.enabled": True, "lane.triggers": ["motion"]})
            return

        def parse(answer: str) -> list[str]:
            names = [name.strip().lower() for name in answer.split(",") if name.strip()]
            if not names or set(names) - set(wired):
                raise ValueError(f"{answer!r}: must be one or more of {', '.join(wired)}")
            return names

        default = ", ".join(present or wired)
        chosen = self._dialog.ask("Which input detects a vehicle that arrives", default, parse)
        if chosen != list(self._draft.settings.lane.triggers):
            self._change({"lane.triggers": chosen})

    def _tried(self, attempt: Any) -> bool:
        """Whether a trial succeeded, or the installer keeps the answer; says what it found."""
        if not self._try:
            return True
        try:
            self._dialog.say(f"  {attempt()}")
        except GateError as error:
            self._dialog.say(f"  {error}")
            return self._dialog.confirm("  Keep this answer?", False)
        return True

    def _change(self, changes: dict[str, Any]) -> bool:
        try:
            self._draft.change(changes)
        except SettingsError as error:
            self._dialog.say(f"  {error}")
            return False
        return True


def _same(present: Any, number: int) -> bool:
    return present is not None and present.pin == number


def _number(answer: str) -> int:
    number = parse_line_number(answer)
    if number is None:
        raise ValueError("must be a BCM number from 0 to 27")
    return number
