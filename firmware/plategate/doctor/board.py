# SPDX-License-Identifier: Apache-2.0
"""Checks of the board: pins, wiring, camera, temperature, supply, clock, hardware watchdog."""

from __future__ import annotations

import grp
import importlib.util
import os
import pwd
from collections.abc import Iterator

from plategate.doctor.results import (
    CheckResult,
    Machine,
    RunningGate,
    amber,
    green,
    red,
    run_checks,
)
from plategate.settings import Settings

SERVICE_USER = "plategate"
WARM_C, HOT_C = 70.0, 80.0
# Bits of the firmware's status word: the present state, and the state at any time since power-on.
UNDER_VOLTAGE_NOW, UNDER_VOLTAGE_SINCE = 0x1, 0x10000
THROTTLED_NOW = 0x4
THROTTLED_FILE = "/sys/devices/platform/soc/soc:firmware/get_throttled"


def board(settings: Settings, machine: Machine, gate: RunningGate) -> Iterator[CheckResult]:
    """Run all checks of this file."""
    return run_checks(
        {
            "pins": lambda: _pins(settings, machine, gate),
            "wiring": lambda: _wiring(settings),
            "camera": lambda: _camera(settings, machine),
            "temperature": lambda: _temperature(machine),
            "supply": lambda: _supply(machine),
            "clock": lambda: _clock(settings, gate),
            "watchdog": lambda: _watchdog(machine),
        }
    )


def _pins(settings: Settings, machine: Machine, gate: RunningGate) -> CheckResult:
    if settings.pins.backend == "mock":
        return amber("pins", "mock pins: no real line is driven", 'pins.backend = "lgpio"')
    chips = machine.any("/dev", "gpiochip*")
    if not chips:
        return red("pins", "there is no /dev/gpiochip*", "use a Raspberry Pi with its own kernel")
    if gate.part("lane") is not None:
        return green("pins", f"{', '.join(chips)}; the running gate has claimed its lines")
    group = machine.command(["stat", "-c", "%G", f"{machine.root}/dev/{chips[0]}"]) or "gpio"
    if not _service_user_in(group):
        return red(
            "pins",
            f"{chips[0]} belongs to the group {group}; the user {SERVICE_USER} is not a member",
            "sudo ./setup.sh install",
        )
    return green("pins", f"{', '.join(chips)}; the user {SERVICE_USER} has access")


def _wiring(settings: Settings) -> CheckResult:
    used = settings.pins.used
    if "open_relay" not in used:
        return red(
            "wiring",
            "no pin for the OPEN relay: the barrier cannot be opened",
            "set [pins.open_relay] pin",
        )
    if not {"beam", "loop", "distance.trigger"} & used.keys():
        return amber(
            "wiring",
            "no beam, loop or distance sensor",
            "wire one and name it in [pins], or use triggers.motion",
        )
    if "photocell" not in used and "safety" not in used:
        return amber(
            "wiring", "no photocell: Plategate never closes the arm", "set [pins.photocell] pin"
        )
    return green("wiring", ", ".join(f"{name} {line}" for name, line in used.items()))


def _service_user_in(group: str) -> bool:
    """Whether the service's user is in a group; without that user, whether the current one is."""
    try:
        user = pwd.getpwnam(SERVICE_USER)
    except KeyError:
        user = pwd.getpwuid(os.getuid())
    try:
        wanted = grp.getgrnam(group)
    except KeyError:
        return False
    return user.pw_uid == 0 or user.pw_name in wanted.gr_mem or user.pw_gid == wanted.gr_gid


def _camera(settings: Settings, machine: Machine) -> CheckResult:
    camera = settings.camera
    match camera.kind:
        case "picamera2":
            return _ribbon_camera(machine)
        case "v4l2":
            if machine.exists(camera.device):
                return green("camera", f"USB camera at {camera.device}")
            remedy = "plug it in; v4l2-ctl --list-devices"
            return red("camera", f"{camera.device} is missing", remedy)
        case "video" | "folder":
            if camera.path is not None and os.path.exists(camera.path):  # noqa: PTH110 -- never raises
                remedy = "this is for trials; set camera.kind to use a camera"
                return amber("camera", f"pictures from {camera.path}", remedy)
            return red("camera", f"{camera.path} is missing", "set camera.path")


def _ribbon_camera(machine: Machine) -> CheckResult:
    if importlib.util.find_spec("picamera2") is None:
        return red("camera", "picamera2 is missing", "sudo apt-get install python3-picamera2")
    sensors = [
        name.strip()
        for number in machine.any("/sys/class/video4linux", "v4l-subdev*")
        if (name := machine.read(f"/sys/class/video4linux/{number}/name"))
    ]
    if not sensors:
        return red(
            "camera",
            "no camera sensor responds",
            "power off, check the ribbon cable; then rpicam-hello --list",
        )
    return green("camera", f"ribbon camera: {', '.join(sensors)}")


def _temperature(machine: Machine) -> CheckResult:
    text = machine.read("/sys/class/thermal/thermal_zone0/temp")
    if text is None or not text.strip().lstrip("-").isdigit():
        return amber(
            "temperature",
            "not available on this machine",
            "nothing to do unless this is a Raspberry Pi",
        )
    celsius = int(text) / 1000
    if celsius >= HOT_C:
        return red(
            "temperature",
            f"{celsius:.0f} °C: the processor is throttled",
            "add shade or a heat sink",
        )
    if celsius >= WARM_C:
        return amber("temperature", f"{celsius:.0f} °C: warm", "add shade or a heat sink")
    return green("temperature", f"{celsius:.0f} °C")


def _supply(machine: Machine) -> CheckResult:
    text = machine.read(THROTTLED_FILE)
    if text is None:
        answer = machine.command(["vcgencmd", "get_throttled"]) or ""
        text = answer.partition("=")[2]
    try:
        flags = int(text.strip(), 16)
    except ValueError:
        return amber(
            "supply", "not available on this machine", "nothing to do unless this is a Raspberry Pi"
        )
    remedy = "use the official power supply and a short, thick cable"
    if flags & UNDER_VOLTAGE_NOW:
        return red("supply", "under-voltage now", remedy)
    if flags & THROTTLED_NOW:
        return amber("supply", "the processor is throttled now", remedy)
    if flags & UNDER_VOLTAGE_SINCE:
        return amber("supply", "under-voltage since power-on", remedy)
    return green("supply", "no under-voltage since power-on")


def _clock(settings: Settings, gate: RunningGate) -> CheckResult:
    """The gate's own judgement if it runs: its sandbox may see less than this shell."""
    if (found := gate.part("clock")) is not None:
        trusted, why, seen_by = found["trusted"], found["why"], "by the running gate"
    else:
        from plategate.schedule.clock_trust import ClockTrust

        trust = ClockTrust(settings.access.clock_stamp, update_stamp=False)
        trusted, seen_by = trust.trusted(), "by this command; the gate was not asked"
        why = trust.why
    if trusted:
        return green("clock", f"{why} (checked {seen_by})")
    return amber(
        "clock",
        f"not trusted: {why} (checked {seen_by}); entries with hours or dates do not open",
        "check timedatectl timesync-status; without a network fit a real-time clock",
    )


def _watchdog(machine: Machine) -> CheckResult:
    if not machine.exists("/dev/watchdog"):
        return amber(
            "watchdog", "no hardware watchdog", "dtparam=watchdog=on in config.txt, then reboot"
        )
    text = machine.command(["systemctl", "show", "--property", "RuntimeWatchdogUSec", "--value"])
    if text in (None, "", "0", "infinity"):
        return amber(
            "watchdog",
            "systemd does not feed the hardware watchdog",
            "sudo ./setup.sh install, then reboot",
        )
    return green("watchdog", f"resets the board if the system hangs for {text}")
