# SPDX-License-Identifier: Apache-2.0
"""The units are valid, sandboxed, and request what the design promises.

Needs systemd-analyze, but no running systemd.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plategate.list_service.preview import WANTED_FILE
from plategate.settings.access import AccessSettings
from plategate.settings.sync import SyncSettings

from .sandbox import settings_of as unit_settings

SYSTEM = Path(__file__).resolve().parents[2] / "firmware" / "system"
SERVICES = sorted(SYSTEM.glob("*.service"))
UNITS = sorted(
    [*SERVICES, *SYSTEM.glob("*.timer"), *SYSTEM.glob("*.socket"), *SYSTEM.glob("*.path")]
)
EXPOSURE_LIMIT = 2.0

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def settings_of(unit: str) -> dict[str, list[str]]:
    """All assignments of a unit file, regardless of section."""
    return unit_settings(SYSTEM / unit)


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_ok__verify_prints_nothing(unit: Path, tmp_path: Path) -> None:
    # Any output is a failure: for an unknown key the exit status is still 0. /bin/true replaces
    # the program, which is not installed where tests run.
    for source in UNITS:
        text = source.read_text(encoding="utf-8")
        text = re.sub(r"/opt/plategate/current/\S+", "/bin/true", text)
        (tmp_path / source.name).write_text(text, encoding="utf-8")
    outcome = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (outcome.stdout + outcome.stderr, outcome.returncode) == ("", 0)


def test_ok__reload_signals_the_gate_and_then_checks_the_file() -> None:
    # In the other order an invalid file would stop at the check, and the gate could not report it.
    signal, check = settings_of("plategate-gate.service")["ExecReload"]
    assert signal == "/bin/kill -HUP $MAINPID"
    assert "check-config" in check


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_ok__exposure_is_low(unit: Path) -> None:
    outcome = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", outcome.stdout)
    assert exposure is not None, outcome.stdout + outcome.stderr
    assert float(exposure[1]) <= EXPOSURE_LIMIT


def test_ok__gate_has_gpio_and_no_network() -> None:
    gate = settings_of("plategate-gate.service")
    assert gate["PrivateNetwork"] == ["yes"]
    assert gate["RestrictAddressFamilies"] == ["AF_UNIX"]
    assert gate["DevicePolicy"] == ["closed"]
    assert "char-gpiochip rw" in gate["DeviceAllow"]
    assert "GPIOZERO_PIN_FACTORY=lgpio" in gate["Environment"]


def test_ok__sync_has_network_but_no_gpio_and_no_journal() -> None:
    sync = settings_of("plategate-sync.service")
    assert "PrivateNetwork" not in sync
    assert sync["PrivateDevices"] == ["yes"]
    assert "DeviceAllow" not in sync
    assert sync["SupplementaryGroups"] == ["plategate-settings"]
    assert "-/var/lib/plategate/gate" in sync["InaccessiblePaths"]
    gate = settings_of("plategate-gate.service")
    assert not {*sync["User"], *sync["Group"]} & {*gate["User"], *gate["Group"]}


def test_ok__outbound_has_network_but_no_gpio_and_no_lists() -> None:
    outbound = settings_of("plategate-outbound.service")
    assert "PrivateNetwork" not in outbound
    assert outbound["PrivateDevices"] == ["yes"]
    assert "DeviceAllow" not in outbound
    assert "/var/lib/plategate/lists" in outbound["InaccessiblePaths"][0]
    # The group plategate may read the journal and connect to the sockets, and write nothing.
    assert outbound["SupplementaryGroups"] == ["plategate plategate-settings"]
    assert int(outbound["MemoryMax"][0].removesuffix("M")) <= 128


def test_ok__console_has_network_and_no_devices_and_its_own_user() -> None:
    console = settings_of("plategate-console.service")
    assert console["PrivateDevices"] == ["yes"]
    assert "DeviceAllow" not in console
    assert console["User"] == console["Group"] == ["plategate-console"]


def test_ok__lists_has_no_network_no_gpio_and_no_journal() -> None:
    lists, sync = settings_of("plategate-lists.service"), settings_of("plategate-sync.service")
    assert lists["PrivateNetwork"] == ["yes"]
    assert lists["RestrictAddressFamilies"] == ["AF_UNIX"]
    assert lists["PrivateDevices"] == ["yes"]
    assert "DeviceAllow" not in lists
    assert "-/var/lib/plategate/gate" in lists["InaccessiblePaths"]
    assert lists["User"] == sync["User"]  # the owner of the lists
    assert lists["SupplementaryGroups"] == ["plategate-settings"]


@pytest.mark.parametrize("unit", ["plategate-gate.service", "plategate-lists.service"])
def test_ok__services_that_ask_who_is_connected_see_all_users(unit: str) -> None:
    """With PrivateUsers= the kernel tells them "nobody" for every user but root and their own."""
    assert "PrivateUsers" not in settings_of(unit)


def test_ok__the_list_socket_is_that_of_the_settings() -> None:
    unit = settings_of("plategate-lists.socket")
    assert unit["ListenStream"] == [str(AccessSettings().list_socket)]
    assert unit["SocketMode"] == ["0660"]
    assert unit["SocketGroup"] == ["plategate"]  # the console is a member


def test_ok__the_preview_watches_the_file_of_the_list_service_and_is_a_sync() -> None:
    wanted = str(SyncSettings().state_dir / WANTED_FILE)
    assert settings_of("plategate-sync-preview.path")["PathExists"] == [wanted]
    preview, sync = (settings_of(f"plategate-sync{name}.service") for name in ("-preview", ""))
    assert wanted in preview["ExecStartPre"][0]  # removed first, or it would start for ever
    different = {"Description", "Documentation", "ExecStart", "ExecStartPre"}
    assert {k: v for k, v in preview.items() if k not in different} == {
        k: v for k, v in sync.items() if k not in different
    }


BACKUP = SYSTEM / "plategate-backup.service"
CODE = SYSTEM / "plategate-console-code.service"


@pytest.mark.parametrize(
    "unit", [unit for unit in SERVICES if unit not in (BACKUP, CODE)], ids=lambda unit: unit.name
)
def test_ok__no_capabilities_and_no_write_access_to_the_system(unit: Path) -> None:
    service = settings_of(unit.name)
    assert service["CapabilityBoundingSet"] == [""]
    assert service["NoNewPrivileges"] == ["yes"]
    assert service["ProtectSystem"] == ["strict"]
    folders = {
        "plategate": "gate",
        "plategate-sync": "lists",
        "plategate-outbound": "outbound",
        "plategate-console": "console",
    }
    own = folders[service["User"][0]]
    assert service["ReadWritePaths"] == [f"/var/lib/plategate/{own}"]


def test_ok__backup_reads_the_state_of_all_users_and_nothing_more() -> None:
    """It is root without network and devices; SQLite gives the index that it makes its owner."""
    service = settings_of(BACKUP.name)
    assert service["CapabilityBoundingSet"] == ["CAP_DAC_OVERRIDE CAP_CHOWN"]
    assert service["NoNewPrivileges"] == service["PrivateNetwork"] == ["yes"]
    assert service["PrivateDevices"] == ["yes"]
    assert service["ProtectSystem"] == ["strict"]
    assert service["ReadWritePaths"] == ["/var/lib/plategate", "-/media", "-/mnt"]


def test_ok__the_one_time_code_is_shown_without_network_and_by_three_capabilities() -> None:
    """It is root to give the lamp's file to the gate, and to act as the console's user."""
    service = settings_of(CODE.name)
    assert service["CapabilityBoundingSet"] == ["CAP_CHOWN CAP_SETUID CAP_SETGID"]
    assert service["NoNewPrivileges"] == service["PrivateDevices"] == ["yes"]
    assert service["PrivateNetwork"] == ["yes"]
    assert service["ProtectSystem"] == ["strict"]
    assert service["ReadWritePaths"] == ["/var/lib/plategate/console", "/run/plategate-code"]


def test_ok__gate_has_a_watchdog_and_is_always_restarted() -> None:
    gate = settings_of("plategate-gate.service")
    assert gate["Type"] == ["notify"]
    assert 5 <= int(gate["WatchdogSec"][0]) <= 30
    assert gate["Restart"] == ["always"]
    assert int(gate["TimeoutStopSec"][0]) <= 5


def test_ok__no_limit_of_restarts_and_no_reboot_by_systemd() -> None:
    """A wrong configuration ends the gate at every start; that must never reboot the machine."""
    for unit in UNITS:
        settings = settings_of(unit.name)
        actions = [key for key in settings if key.endswith("Action")]
        assert not actions
    assert settings_of("plategate-gate.service")["StartLimitIntervalSec"] == ["0"]


def ends(folder: Path, result: str, uptimes_s: list[int]) -> int:
    """Let the gate end at these times with this result; returns the number of reboots."""
    uptime, reboots = folder / "uptime", 0
    for uptime_s in uptimes_s:
        uptime.write_text(f"{uptime_s}.25 17.00\n")
        outcome = subprocess.run(
            [SYSTEM / "reboot-if-stuck"],
            env={
                "PATH": "/usr/bin:/bin",
                "SERVICE_RESULT": result,
                "STUCK_FILE": str(folder / "stuck"),
                "UPTIME_FILE": str(uptime),
                "REBOOT": "true",
            },
            capture_output=True,
            text=True,
            check=True,
        )
        reboots += "rebooting" in outcome.stdout
    return reboots


@pytest.mark.parametrize("result", ["exit-code", "signal", "core-dump", "success", "resources", ""])
def test_ok__an_exit_of_the_program_never_reboots(tmp_path: Path, result: str) -> None:
    assert ends(tmp_path, result, list(range(0, 300, 2))) == 0


@pytest.mark.parametrize("result", ["watchdog", "timeout"])
def test_ok__a_gate_that_hangs_again_and_again_reboots(tmp_path: Path, result: str) -> None:
    assert ends(tmp_path, result, list(range(0, 480, 120))) == 0
    assert ends(tmp_path, result, [480]) == 1
    assert ends(tmp_path, result, list(range(600, 1080, 120))) == 0  # it counts from zero again


def test_ok__a_gate_that_hangs_now_and_then_does_not_reboot(tmp_path: Path) -> None:
    assert ends(tmp_path, "watchdog", list(range(0, 20_000, 500))) == 0


def test_ok__lgpio_can_write_in_its_working_directory() -> None:
    gate = settings_of("plategate-gate.service")
    assert gate["WorkingDirectory"] == ["/run/plategate"]
    assert gate["RuntimeDirectory"] == ["plategate"]


def test_ok__boot_does_not_wait_for_network_or_time() -> None:
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8")
        assert not re.search(r"^(After|Wants|Requires)=.*(network|time-sync)", text, re.MULTILINE)


def test_ok__timer_has_a_random_delay() -> None:
    assert settings_of("plategate-sync.timer")["RandomizedDelaySec"] == ["5min"]


ALLOCATE_AND_FREE = """
import numpy as np

def resident_kb():
    return int(open("/proc/self/status").read().split("VmRSS:")[1].split()[0])

np.ones(6_000_000, np.uint8)  # by default glibc keeps later allocations of this size in its heap
before = resident_kb()
stills = [np.ones(6_000_000, np.uint8) for _ in range(5)]
reading = [bytearray(60_000) for _ in range(20)]  # small objects that live longer than the pictures
del stills
print(resident_kb() - before)
"""


def test_ok__memory_of_pictures_is_returned_to_the_system() -> None:
    unit = dict(pair.split("=", 1) for pair in settings_of("plategate-gate.service")["Environment"])
    kept = {}
    for name, environment in (("unit", unit), ("bare", {})):
        outcome = subprocess.run(
            [sys.executable, "-c", ALLOCATE_AND_FREE],
            env={**environment, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        )
        kept[name] = int(outcome.stdout)
    assert kept["unit"] < 5_000
    assert kept["bare"] > 25_000, "the limit is no longer needed: remove it from the unit"
