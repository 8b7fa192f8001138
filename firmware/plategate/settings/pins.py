# SPDX-License-Identifier: Apache-2.0
"""The [pins] table: which BCM line carries which input, relay, sensor or lamp, and how it is wired.

A relay line is refused here when the board's own pull resistor would switch the relay on between
power-on and the start of the program, unless the wiring is said to hold it with a resistor.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from plategate.settings.base import SettingsModel

# Lines 0-8 of the 40-pin header are pulled up from power-on, 9-27 are pulled down (BCM2711, RP1).
LAST_PULLED_UP = 8
LAST_LINE = 27


class InputPin(SettingsModel):
    """A contact between a line and ground (pull = up) or 3.3 V (pull = down)."""

    pin: int = Field(ge=0, le=LAST_LINE, description="BCM number of the line")
    normally_closed: bool = Field(
        description="the contact is closed while nothing happens, so that a cut wire reads active"
    )
    pull: Literal["up", "down"] = Field("up", description="the board's pull resistor")
    on_ms: int = Field(30, ge=0, le=2000, description="steady this long, in ms, before active")
    off_ms: int = Field(100, ge=0, le=5000, description="steady this long, in ms, before inactive")

    @property
    def active_is_high(self) -> bool:
        """Whether the line is high when the thing that the input is named after is so."""
        contact_open_is_high = self.pull == "up"
        return contact_open_is_high == self.normally_closed


class NormallyClosedPin(InputPin):
    """A safety input: believed at once when it becomes active, late when it is clear again."""

    normally_closed: bool = Field(True, description="a cut wire reads active")
    on_ms: int = Field(5, ge=0, le=50, description="steady this long, in ms, before active")
    off_ms: int = Field(300, ge=0, le=5000, description="steady this long, in ms, before inactive")


class BeamPin(InputPin):
    """A break beam; shorter breaks than `on_ms` are leaves, rain and insects."""

    normally_closed: bool = Field(True, description="a cut wire reads as a broken beam")
    on_ms: int = Field(60, ge=0, le=2000, description="broken this long, in ms, before active")
    off_ms: int = Field(400, ge=0, le=5000, description="free this long, in ms, before inactive")


class ContactPin(InputPin):
    """A button, a loop detector's relay, a limit switch: open while nothing happens."""

    normally_closed: bool = Field(False, description="the contact is closed while nothing happens")


class OutputPin(SettingsModel):
    """A line that switches something on."""

    pin: int = Field(ge=0, le=LAST_LINE, description="BCM number of the line")
    active_high: bool = Field(True, description="the thing is on while the line is high")


class RelayPin(OutputPin):
    """A line that drives a relay; resting level is low when active_high, else high."""

    held_by_resistor: bool = Field(
        False, description="a resistor in the wiring holds the line at rest while nobody drives it"
    )

    @model_validator(mode="after")
    def rest_at_power_on(self) -> Self:
        """Refuse a line that would switch the relay on before the program runs."""
        pulled_up = self.pin <= LAST_PULLED_UP
        if pulled_up == self.active_high and not self.held_by_resistor:
            towards, better = ("up", "9 to 27") if pulled_up else ("down", "0 to 8")
            raise ValueError(
                f"GPIO {self.pin} is pulled {towards} at power-on, which switches this relay on; "
                f"use one of GPIO {better}, or fit a resistor and say held_by_resistor = true"
            )
        return self


class UltrasonicPins(SettingsModel):
    """The two lines of an HC-SR04; its echo needs a divider from 5 V to 3.3 V."""

    trigger: int = Field(23, ge=0, le=LAST_LINE, description="BCM number of the trigger line")
    echo: int = Field(24, ge=0, le=LAST_LINE, description="BCM number of the echo line")


class PinsSettings(SettingsModel):
    """How the board is wired; what is not named here is not there."""

    backend: Literal["lgpio", "mock"] = Field(
        "lgpio", description="lgpio: the lines of the board; mock: lines in memory, moves nothing"
    )
    chip: int | None = Field(
        None, ge=0, le=15, description="number of /dev/gpiochipN; empty: the header's"
    )
    resync_ms: int = Field(
        1000, ge=100, le=10_000, description="real levels are read again this often, in ms"
    )
    flutter_ms: int = Field(
        2000, ge=200, le=30_000, description="an input that is not steady this long is unknown"
    )
    open_relay: RelayPin | None = None
    close_relay: RelayPin | None = None
    beam: BeamPin | None = None
    inner_beam: BeamPin | None = None
    loop: ContactPin | None = None
    photocell: NormallyClosedPin | None = None
    safety: NormallyClosedPin | None = None
    arm_up: ContactPin | None = None
    arm_down: ContactPin | None = None
    free_exit: ContactPin | None = None
    manual: ContactPin | None = None
    fire: NormallyClosedPin | None = None
    reset: ContactPin | None = None
    distance: UltrasonicPins | None = None
    lamp: OutputPin | None = None
    red: OutputPin | None = None
    green: OutputPin | None = None
    blue: OutputPin | None = None
    buzzer: OutputPin | None = None
    ir_lamp: OutputPin | None = None

    @property
    def inputs(self) -> dict[str, InputPin]:
        """The wired contacts by name."""
        return {
            name: v
            for name in type(self).model_fields
            if isinstance(v := getattr(self, name), InputPin)
        }

    @property
    def used(self) -> dict[str, int]:
        """Every line in use, by the full name of its setting."""
        found: dict[str, int] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, InputPin | OutputPin):
                found[name] = value.pin
            elif isinstance(value, UltrasonicPins):
                found[f"{name}.trigger"], found[f"{name}.echo"] = value.trigger, value.echo
        return found

    @model_validator(mode="after")
    def one_use_of_a_line(self) -> Self:
        """Refuse two uses of one line."""
        seen: dict[int, str] = {}
        for name, pin in self.used.items():
            if pin in seen:
                raise ValueError(f"GPIO {pin} is given to both {seen[pin]} and {name}")
            seen[pin] = name
        return self
