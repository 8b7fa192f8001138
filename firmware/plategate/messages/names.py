# SPDX-License-Identifier: Apache-2.0
"""The words that events and commands are made of: inputs, levels, modes, signals, faults."""

from __future__ import annotations

from enum import StrEnum


class InputName(StrEnum):
    """An input of the lane, named after the thing on the site."""

    BEAM = "beam"  # break-beam before the arm
    INNER_BEAM = "inner_beam"  # break-beam behind the arm: direction, and who really drove through
    LOOP = "loop"  # induction loop or any other dry contact
    DISTANCE = "distance"  # something is nearer than the ultrasonic threshold
    MOTION = "motion"  # something moves in the camera's picture
    PHOTOCELL = "photocell"  # safety input under the arm
    SAFETY = "safety"  # a further safety input: edge, second photocell, loop under the arm
    ARM_UP = "arm_up"  # limit switch at the top
    ARM_DOWN = "arm_down"  # limit switch at the bottom
    FREE_EXIT = "free_exit"
    MANUAL = "manual"
    FIRE = "fire"
    RESET = "reset"


class Level(StrEnum):
    """ACTIVE: what the input's name says is so (beam broken, vehicle near, button pressed, fire).

    Polarity, normally-closed wiring and bounce are settled before a level gets here. UNKNOWN: not
    read yet, or the device behind the input cannot be believed.
    """

    ACTIVE = "active"
    INACTIVE = "inactive"
    UNKNOWN = "unknown"


class Mode(StrEnum):
    """Who may pass at the moment."""

    AUTOMATIC = "automatic"  # whom the lists let in
    LOCKED = "locked"  # nobody by plate
    OPEN = "open"  # everybody; the arm is held up


class Signal(StrEnum):
    """What the lamps and the buzzer say to a person at the barrier."""

    STARTING = "starting"
    READY = "ready"
    READING = "reading"
    GRANTED = "granted"
    REFUSED = "refused"  # a wanted vehicle is shown this as well
    UNSURE = "unsure"
    LOCKED = "locked"
    HELD_OPEN = "held_open"
    NO_CAMERA = "no_camera"
    LIST_TOO_OLD = "list_too_old"
    FIRE = "fire"
    FAULT = "fault"  # with a blink count


class FaultCode(StrEnum):
    """Why the lane stopped pulsing; latched with its first reason until it is reset by hand."""

    DID_NOT_OPEN = "did_not_open"
    DID_NOT_CLOSE = "did_not_close"
    LEFT_OPEN = "left_open"
    FORCED_OPEN = "forced_open"
    LIMITS_CONTRADICT = "limits_contradict"
    DRIVE_FAILED = "drive_failed"

    @property
    def blinks(self) -> int:
        """How often the lamp blinks before it pauses."""
        return list(FaultCode).index(self) + 2
