# SPDX-License-Identifier: Apache-2.0
"""The libcamera controls that keep exposure, gain, focus and frame rate where the settings say.

Pure: a dict out of settings, with libcamera's own names and numbers.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from plategate.settings.camera import CameraSettings, ExposureProfile

MANUAL_FOCUS = 0  # libcamera: AfModeManual


def exposure_controls(profile: ExposureProfile) -> dict[str, Any]:
    """What differs between day and night. Under the IR lamp colours mean nothing and would hunt."""
    return {
        "AeEnable": False,
        "ExposureTime": profile.exposure_us,
        "AnalogueGain": profile.gain,
        "AwbEnable": not profile.ir_lamp,
    }


def fixed_controls(settings: CameraSettings, profile: ExposureProfile) -> dict[str, Any]:
    """Everything that is said to the camera when it starts."""
    frame_us = round(1e6 / settings.frames_per_s)
    controls = exposure_controls(profile) | {"FrameDurationLimits": (frame_us, frame_us)}
    if settings.focus_m is not None:
        # Continuous focus hunts on headlights; the lens is told a distance in dioptres and stays.
        controls |= {"AfMode": MANUAL_FOCUS, "LensPosition": 1 / settings.focus_m}
    return controls


def supported(controls: dict[str, Any], known: Container[str]) -> dict[str, Any]:
    """Those controls that this camera has; picamera2 fails on any other."""
    return {name: value for name, value in controls.items() if name in known}


def missing(controls: dict[str, Any], known: Container[str]) -> str:
    """The names of those that it does not have."""
    return ", ".join(sorted(name for name in controls if name not in known))
