# SPDX-License-Identifier: Apache-2.0
"""Guards clock trust: a clock that starts in 1970, jumps or goes back is not trusted."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from plategate.schedule.clock_trust import SETTLED_S, ClockTrust, ntp_synchronised, rtc_time


class HandClock:
    def __init__(self, wall: datetime) -> None:
        self.at, self.now_s = wall, 100.0

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> datetime:
        return self.at

    def run(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.now_s += seconds


class Site:
    def __init__(self, tmp_path, wall):
        self.file = tmp_path / "state" / "stamp"
        self.clock = HandClock(wall)
        self.ntp, self.rtc = False, None
        self.boot()

    def boot(self):
        self.trust = ClockTrust(self.file, self.clock, ntp=lambda: self.ntp, rtc=lambda: self.rtc)

    def trusted(self):
        return self.trust.trusted()


NOW = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path, NOW)


def test_fail__an_unconfirmed_clock(site):
    assert not site.trusted()
    assert "time server" in site.trust.why


def test_ok__confirmed_by_a_time_server(site):
    site.ntp = True
    assert site.trusted()


def test_ok__confirmed_by_a_real_time_clock_while_it_agrees(site):
    site.rtc = NOW + timedelta(seconds=30)
    assert site.trusted()
    site.rtc = NOW + timedelta(hours=1)
    assert not site.trusted()


def test_fail__a_clock_in_1970_even_if_confirmed(tmp_path):
    site = Site(tmp_path, datetime(1970, 1, 1, 0, 1, tzinfo=UTC))
    site.ntp, site.rtc = True, site.clock.at
    assert not site.trusted()


def test_ok__from_1970_to_the_time_of_a_time_server(tmp_path):
    site = Site(tmp_path, datetime(1970, 1, 1, 0, 1, tzinfo=UTC))
    assert not site.trusted()
    site.clock.run(20)
    site.clock.at, site.ntp = NOW, True
    assert site.trusted()


def test_fail__a_dead_battery_after_a_power_cut(site):
    site.ntp = True
    assert site.trusted()
    site.clock.at, site.ntp = NOW - timedelta(days=90), False
    site.rtc = site.clock.at
    site.boot()
    assert not site.trusted()
    assert "last trusted time" in site.trust.why


def test_fail__a_jump_of_a_year_until_it_has_settled(site):
    site.ntp = True
    assert site.trusted()
    site.clock.run(60)
    assert site.trusted()
    site.clock.at += timedelta(days=365)
    assert not site.trusted()
    assert "jumped" in site.trust.why
    site.clock.run(SETTLED_S - 1)
    assert not site.trusted()
    site.clock.run(2)
    assert site.trusted()


def test_ok__a_time_server_outranks_a_stamp_in_the_future(tmp_path):
    site = Site(tmp_path, datetime(2099, 1, 1, tzinfo=UTC))
    site.rtc = site.clock.at
    assert site.trusted()
    assert site.file.read_text().startswith("2099")
    site.clock.run(60)
    site.clock.at, site.ntp = NOW, True  # the correction by the time server
    assert site.trusted()
    assert site.file.read_text().startswith("2026-05-04")
    site.boot()
    assert site.trusted()


def test_ok__a_time_server_outranks_the_stamp_after_a_restart(site):
    site.file.parent.mkdir()
    site.file.write_text("2099-01-01T00:00:00+00:00")
    site.boot()
    site.rtc = NOW
    assert not site.trusted()
    site.ntp = True
    assert site.trusted()
    site.ntp = False
    assert site.trusted()  # the stamp has been corrected


def test_ok__a_check_without_update_writes_nothing(site):
    trust = ClockTrust(site.file, site.clock, ntp=lambda: True, update_stamp=False)
    assert trust.trusted()
    assert not site.file.parent.exists()


def test_ok__the_stamp_moves_back_only_with_a_time_server(site):
    site.rtc = NOW
    assert site.trusted()
    site.clock.run(7200)
    site.rtc = site.clock.at
    assert site.trusted()
    written = site.file.read_text()
    assert written.startswith("2026-05-04T10:00:00")
    site.clock.at -= timedelta(hours=1)
    site.rtc = site.clock.at
    site.clock.run(2 * SETTLED_S)
    site.rtc = site.clock.at
    assert not site.trusted()
    assert site.file.read_text() == written


@pytest.mark.parametrize("content", [b"", b"soon", b"2026-05-04T10:00:00", b"\xff\xfe"])
def test_ok__a_damaged_stamp_is_ignored(site, content):
    site.file.parent.mkdir()
    site.file.write_bytes(content)
    site.ntp = True
    site.boot()
    assert site.trusted()


def test_ok__without_a_writable_disk_only_the_stamp_is_missing(site):
    site.file.parent.write_text("a file where the folder should be")
    site.ntp = True
    assert site.trusted()


def test_fail__a_forbidden_adjtimex_is_logged():
    program = """
import ctypes, struct, logging
from pathlib import Path
from plategate.schedule import clock_trust
logging.basicConfig()
clock_trust.TIMESYNC_MARK = Path("/nonexistent")
names = {"x86_64": (159, 305), "aarch64": (171, 266)}
numbers = names[__import__("platform").machine()]
step = lambda code, jt, jf, k: struct.pack("HBBI", code, jt, jf, k)
calls = [step(0x15, 0, 1, n) + step(0x06, 0, 0, 0x00050001) for n in numbers]
code = b"".join([step(0x20, 0, 0, 0), *calls, step(0x06, 0, 0, 0x7FFF0000)])
buffer = ctypes.create_string_buffer(code)
filter = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.c_char_p(filter), 0, 0) == 0
print(clock_trust.ntp_synchronised(), clock_trust.ntp_synchronised())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["False", "False"], done.stderr
    assert done.stderr.count("adjtimex: Operation not permitted") == 1


def test_ok__the_real_time_sources_can_be_read():
    assert ntp_synchronised() in (True, False)
    assert rtc_time() is None or rtc_time().tzinfo is UTC
