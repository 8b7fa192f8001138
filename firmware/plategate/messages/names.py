# SPDX-License-Identifier: Apache-2.0
"""Enumerations used by events and commands: inputs, levels, modes, signals, faults."""

from __future__ import annotations

from enum import StrEnum


class InputName(StrEnum):
    """An input of the lane, named after the device on the site."""

    BEAM = "beam"  # break-beam before the arm
    INNER_BEAM = "inner_beam"  # break-beam behind the arm: direction, and counts vehicles
    LOOP = "loop"  # induction loop or any other dry contact
    DISTANCE = "distance"  # an object is closer than the ultrasonic threshold
    MOTION = "motion"  # motion in the camera's picture
    PHOTOCELL = "photocell"  # safety input under the arm
    SAFETY = "safety"  # a further safety input: edge, second photocell, loop under the arm
    ARM_UP = "arm_up"  # limit switch at the top
    ARM_DOWN = "arm_down"  # limit switch at the bottom
    FREE_EXIT = "free_exit"
    MANUAL = "manual"
    FIRE = "fire"
    RESET = "reset"


class Level(StrEnum):
    """The logical level of an input.

    ACTIVE: beam broken, vehicle near, button pressed, fire. Polarity, normally-closed wiring and
    debouncing are already applied. UNKNOWN: not read yet, or the device is faulty.
    """

    ACTIVE = "active"
    INACTIVE = "inactive"
    UNKNOWN = "unknown"


class Mode(StrEnum):
    """Who may pass."""

    AUTOMATIC = "automatic"  # by the lists
    LOCKED = "locked"  # nobody by plate
    OPEN = "open"  # everybody; the arm is held up


class Signal(StrEnum):
    """What lamps and buzzer show at the barrier."""

    STARTING = "starting"
    READY = "ready"
    READING = "reading"
    GRANTED = "granted"
    REFUSED = "refused"  # also for a wanted vehicle
    UNSURE = "unsure"
    LOCKED = "locked"
    HELD_OPEN = "held_open"
    NO_CAMERA = "no_camera"
    LIST_TOO_OLD = "list_too_old"
    FIRE = "fire"
    FAULT = "fault"  # with a blink count


class FaultCode(StrEnum):
    """The reason of a latched fault, which stops all pulses until it is reset by hand."""

    DID_NOT_OPEN = "did_not_open"
    DID_NOT_CLOSE = "did_not_close"
    LEFT_OPEN = "left_open"
    FORCED_OPEN = "forced_open"
    LIMITS_CONTRADICT = "limits_contradict"
    DRIVE_FAILED = "drive_failed"

    @property
    def blinks(self) -> int:
        """The number of blinks before the pause."""
        return list(FaultCode).index(self) + 2


class CommandName(StrEnum):
    """What a person or program may ask of the gate."""

    OPEN = "open"  # let one vehicle through
    CLOSE = "close"  # lower the arm now, if that is safe
    HOLD = "hold"  # keep the arm up until RELEASE
    RELEASE = "release"
    RESET = "reset"  # clear the latched fault or fire
    TRIGGER = "trigger"  # read whatever is in the lane
    MODE = "mode"


class Refusal(StrEnum):
    """Why the lane does not follow a command."""

    EXPIRED = "expired"
    FAULT = "fault"
    LOCKED = "locked"
    BLOCKED = "blocked"  # a safety input is active or unknown, or a vehicle is being let through
    HELD = "held"
    NOT_HELD = "not_held"
    DOWN = "down"
    CLOSES_ITSELF = "closes_itself"
    BUSY = "busy"
    NO_FAULT = "no_fault"
    NO_VEHICLE = "no_vehicle"  # asked for only while a vehicle stands at the gate
