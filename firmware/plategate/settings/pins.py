# SPDX-License-Identifier: Apache-2.0
"""The [pins] table: the BCM line of each input, relay, sensor and lamp, and its wiring.

A relay line is rejected if the board's own pull resistor would switch the relay on between power-on
and the start of the program, unless `held_by_resistor` says that the wiring prevents it.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from plategate.settings.base import SettingsModel

# Lines 0-8 of the 40-pin header are pulled up from power-on, 9-27 are pulled down (BCM2711, RP1).
LAST_PULLED_UP = 8
LAST_LINE = 27


class InputPin(SettingsModel):
    """A contact from a line to ground (pull = up) or to 3.3 V (pull = down)."""

    pin: int = Field(ge=0, le=LAST_LINE, description="BCM number of the line")
    normally_closed: bool = Field(
        description="the contact is closed at rest, so that a cut wire reads active"
    )
    pull: Literal["up", "down"] = Field("up", description="the board's pull resistor")
    on_ms: int = Field(30, ge=0, le=2000, description="steady this long, in ms, before active")
    off_ms: int = Field(100, ge=0, le=5000, description="steady this long, in ms, before inactive")

    @property
    def active_is_high(self) -> bool:
        """Whether a high line means that the input is active."""
        contact_open_is_high = self.pull == "up"
        return contact_open_is_high == self.normally_closed


class NormallyClosedPin(InputPin):
    """A safety input: reacts at once when it becomes active, with a delay when it is clear."""

    normally_closed: bool = Field(True, description="closed at rest; a cut wire reads active")
    on_ms: int = Field(5, ge=0, le=50, description="steady this long, in ms, before active")
    off_ms: int = Field(300, ge=0, le=5000, description="steady this long, in ms, before inactive")


class BeamPin(InputPin):
    """A break beam; `on_ms` filters out leaves, rain and insects."""

    normally_closed: bool = Field(
        True, description="closed at rest; a cut wire reads as a broken beam"
    )
    on_ms: int = Field(60, ge=0, le=2000, description="broken this long, in ms, before active")
    off_ms: int = Field(400, ge=0, le=5000, description="free this long, in ms, before inactive")


class ContactPin(InputPin):
    """A button, a loop detector's relay or a limit switch: open at rest."""

    normally_closed: bool = Field(False, description="the contact is closed at rest")


class OutputPin(SettingsModel):
    """A line that switches a load."""

    pin: int = Field(ge=0, le=LAST_LINE, description="BCM number of the line")
    active_high: bool = Field(True, description="the load is on while the line is high")


class RelayPin(OutputPin):
    """A line that drives a relay; its idle level is low if active_high, else high."""

    held_by_resistor: bool = Field(
        False, description="a resistor in the wiring holds the line at its idle level"
    )

    @model_validator(mode="after")
    def rest_at_power_on(self) -> Self:
        """Reject a line that would switch the relay on before the program runs."""
        pulled_up = self.pin <= LAST_PULLED_UP
        if pulled_up == self.active_high and not self.held_by_resistor:
            towards, better = ("up", "9 to 27") if pulled_up else ("down", "0 to 8")
            raise ValueError(
                f"GPIO {self.pin} is pulled {towards} at power-on, which switches this relay on; "
                f"use one of GPIO {better}, or fit a resistor and set held_by_resistor = true"
            )
        return self


class UltrasonicPins(SettingsModel):
    """The two lines of an HC-SR04; its echo needs a divider from 5 V to 3.3 V."""

    trigger: int = Field(23, ge=0, le=LAST_LINE, description="BCM number of the trigger line")
    echo: int = Field(24, ge=0, le=LAST_LINE, description="BCM number of the echo line")


class PinsSettings(SettingsModel):
    """The wiring of the board; an input or output that is not named here does not exist."""

    backend: Literal["lgpio", "mock"] = Field(
        "lgpio", description="lgpio: the lines of the board; mock: simulated lines, nothing moves"
    )
    chip: int | None = Field(
        None, ge=0, le=15, description="number of /dev/gpiochipN; empty: that of the 40-pin header"
    )
    resync_ms: int = Field(
        1000,
        ge=100,
        le=10_000,
        description="interval at which the actual levels are read again, in ms",
    )
    flutter_ms: int = Field(
        2000,
        ge=200,
        le=30_000,
        description="an input that flutters for this long is unknown, in ms",
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
    full_sign: OutputPin | None = None

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
        """Every line in use, by the name of its setting."""
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
        """Reject two uses of one line."""
        seen: dict[int, str] = {}
        for name, pin in self.used.items():
            if pin in seen:
                raise ValueError(f"GPIO {pin} is used by both {seen[pin]} and {name}")
            seen[pin] = name
        return self
