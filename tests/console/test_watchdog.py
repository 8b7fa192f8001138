# SPDX-License-Identifier: Apache-2.0
"""systemd ends a console that hangs: the watchdog is fed only while requests are answered."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import anyio.to_thread
import pytest

from plategate.clock import SystemClock
from plategate.console import server as console_server
from plategate.console.server import MOST_THREADS, make_server
from plategate.health.monitor import Health

from .bed import ConsoleBed
from .serving import PATIENCE_S

UNIT = Path(__file__).parents[2] / "firmware" / "system" / "plategate-console.service"
FED = "WATCHDOG=1"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def wait_for(reached: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < ends, f"{what} did not come"
        time.sleep(0.02)


def test_ok__systemd_hears_that_the_console_serves_and_goes_on_serving(tmp_path: Path) -> None:
    unit = UNIT.read_text(encoding="utf-8").splitlines()
    assert {"Type=notify", "WatchdogSec=60"} <= set(unit)
    config = tmp_path / "settings.toml"
    config.write_text(
        f'[console]\naddress = "127.0.0.1"\nport = {free_port()}\n'
        f'state_dir = "{tmp_path}/console"\n'
    )
    command = [sys.executable, "-m", "plategate", "console", "--http", "--config", str(config)]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(PATIENCE_S)
        told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        process = subprocess.Popen(command, env=os.environ | told)
        try:
            assert [systemd.recv(100) for _ in range(3)] == [b"READY=1", FED.encode(), FED.encode()]
            process.send_signal(signal.SIGTERM)
            heard = FED.encode()
            while heard == FED.encode():
                heard = systemd.recv(100)
            assert heard == b"STOPPING=1"
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def test_fail__a_console_without_a_free_thread_stops_feeding(
    bed: ConsoleBed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console_server, "NO_THREAD_S", 0.5)
    monkeypatch.setattr(console_server, "ASK_FOR_THREAD_EVERY_S", 0.05)
    notified: list[str] = []
    health = Health(SystemClock(), notified.append, watchdog_s=0.4)
    console = bed.settings.console.model_copy(update={"address": "127.0.0.1"})
    settings = bed.settings.model_copy(update={"console": console})
    server = make_server(settings, secure=False, health=health)
    release = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        running.start()
        try:
            wait_for(lambda: FED in notified, "a feeding")
            loop = server.servers[0].get_loop()
            for _ in range(MOST_THREADS):
                asyncio.run_coroutine_threadsafe(anyio.to_thread.run_sync(release.wait), loop)
            wait_for(lambda: bool(health.failures()), "the failure")
            assert [failure.name for failure in health.failures()] == ["threads_hangs"]
            fed = notified.count(FED)
            time.sleep(1.5)  # the loop goes on, and does not feed
            assert notified.count(FED) == fed
            release.set()
            wait_for(lambda: notified.count(FED) > fed, "a feeding")
            assert health.failures() == ()
        finally:
            release.set()
            server.should_exit = True
            running.join(PATIENCE_S)
    assert notified[-1] == "STOPPING=1"
