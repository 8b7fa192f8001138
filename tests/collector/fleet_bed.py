# SPDX-License-Identifier: Apache-2.0
"""Broker, database and collectors around a simulated fleet, and what breaks them at random."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from plategate.collector.migrate import migrate
from tests.outbound.conftest import Broker
from tests.outbound.cutting_proxy import CuttingProxy

from .conftest import rows, settings_for
from .postgres import Postgres

WRITTEN = """
SELECT gate, journal, sequence,
    extract(epoch FROM pg_xact_commit_timestamp(xmin))::double precision
FROM plategate.events
"""
SIZE = """
SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits
WHERE inhparent = 'plategate.events'::regclass
"""

LONGEST_UNCUT = 800  # bytes: within the messages of two events


class FleetBed:
    """A broker that saves every two seconds, a database, and processes `plategate collector run`.

    Collectors reach both through proxies that can cut the connection in the middle of a message.
    """

    def __init__(self, folder: Path, collectors: int) -> None:
        self._folder = folder
        self.broker = Broker(
            folder, "allow_anonymous true", "autosave_interval 2", "max_inflight_messages 1000"
        )
        self.database = Postgres("track_commit_timestamp = on")
        self.to_broker = CuttingProxy(self.broker.port)
        self.to_database = CuttingProxy(self.database.port)
        self._collectors: list[subprocess.Popen[bytes] | None] = [None] * collectors

    def __enter__(self) -> FleetBed:
        self.broker.start()
        self.database.start()
        self.to_broker.__enter__()
        self.to_database.__enter__()
        self.database.sql("CREATE DATABASE plategate")
        migrate(settings_for(self.database), user="postgres")
        self.database.sql("CREATE ROLE collector LOGIN IN ROLE plategate_writer")
        for number in range(len(self._collectors)):
            self.start_collector(number)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._collectors:
            if process is not None:
                process.terminate()
        for process in self._collectors:
            if process is not None:
                process.wait(60)
        self.to_broker.__exit__(None, None, None)
        self.to_database.__exit__(None, None, None)
        self.broker.stop()
        self.database.remove()

    def start_collector(self, number: int) -> None:
        """Start one as a process."""
        file = self._folder / f"collector-{number}.toml"
        file.write_text(
            f'name = "collector-{number}"\n[broker]\nhost = "127.0.0.1"\n'
            f"port = {self.to_broker.port}\ntls = false\nstates = {str(number == 0).lower()}\n"
            f'[database]\nhost = "127.0.0.1"\nport = {self.to_database.port}\ntls = "off"\n'
            'user = "collector"\n'
            "[gaps]\nask_after_s = 2\nask_again_s = 5\ngates_at_once = 1000\n"
        )
        command = [sys.executable, "-m", "plategate", "collector", "run", "--config", str(file)]
        with (self._folder / f"collector-{number}.log").open("ab") as log:
            self._collectors[number] = subprocess.Popen(command, stderr=log)

    def kill_collector(self, number: int) -> None:
        """SIGKILL."""
        process = self._collectors[number]
        if process is not None:
            process.kill()
            process.wait()

    def wait_for_collectors(self, gates: int) -> None:
        """Until the broker keeps events for each of them, and the database knows all gates."""
        logs = [self._folder / f"collector-{n}.log" for n in range(len(self._collectors))]
        while not all("subscribed" in log.read_text() for log in logs):
            time.sleep(0.1)
        while rows(self.database, "SELECT count(*) FROM plategate.streams") != [(gates,)]:
            time.sleep(0.1)

    def written(self) -> dict[tuple[str, str, int], list[float]]:
        """Times of the commit of each event; a second time means that it is there twice."""
        found: dict[tuple[str, str, int], list[float]] = {}
        for gate, journal, sequence, at in rows(self.database, WRITTEN):
            found.setdefault((gate, journal, sequence), []).append(at)
        return found

    def is_written(self, made: dict[Any, Any], within_s: float) -> bool:
        """Whether as many events as were made are there in time."""
        deadline_s = time.monotonic() + within_s
        while time.monotonic() < deadline_s:
            try:
                if rows(self.database, "SELECT count(*) FROM plategate.events") == [(len(made),)]:
                    return True
            except psycopg.Error:
                pass  # it is being started
            time.sleep(1)
        return False

    def resident_mb(self) -> dict[str, float]:
        """Memory of the broker and of each collector."""
        pids = {"broker": self.broker.pid}
        pids |= {f"collector {n}": p and p.pid for n, p in enumerate(self._collectors)}
        return {name: _resident_mb(pid) for name, pid in pids.items() if pid}

    def numbers(self, gate: str) -> tuple[object, ...]:
        """What the collectors know of the numbers of a gate."""
        columns = "base, newest, missing, watched, asked, lost, asks, asked_at, online, online_at"
        (row,) = rows(
            self.database,
            f"SELECT {columns} FROM plategate.streams JOIN plategate.gates USING (gate)"
            f" WHERE gate = '{gate}'",
        ) or [()]
        return row

    def bytes_an_event(self) -> float:
        """Size of the tables and indexes of the events, divided by their number."""
        ((size,),) = rows(self.database, SIZE)
        ((count,),) = rows(self.database, "SELECT count(*) FROM plategate.events")
        return float(size) / max(1, count)


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1000


class Breaker:
    """Breaks one part after the other at random; counts what it did."""

    def __init__(self, bed: FleetBed, seed: int, collectors: int) -> None:
        self.counts: Counter[str] = Counter()
        self._bed = bed
        self._collectors = collectors
        self._chance = random.Random(seed)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._ways: dict[str, Callable[[], None]] = {
            "broker killed": self._kill_broker,
            "broker cut off": self._cut_broker,
            "database killed": self._kill_database,
            "database cut off": self._cut_database,
            "collector killed": self._kill_collector,
        }

    @property
    def has_broken_all(self) -> bool:
        """Whether each part was broken at least once."""
        return self.counts.keys() == self._ways.keys()

    def start(self, pause_s: float) -> None:
        """Break something about every `pause_s` seconds, each part equally often, in a thread."""

        def run() -> None:
            left: list[str] = []
            while not self._ended.wait(self._chance.uniform(0.5, 1.5) * pause_s):
                if not left:
                    left = list(self._ways)
                    self._chance.shuffle(left)
                self.once(left.pop())

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def once(self, way: str) -> None:
        """Break one part, and start it again."""
        self._ways[way]()
        self.counts[way] += 1

    def stop(self) -> None:
        """End; everything runs, and nothing is cut any more."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self._bed.to_broker.cut_after(2**60)
        self._bed.to_database.cut_after(2**60)

    def _kill_broker(self) -> None:
        self._bed.broker.kill()
        self._ended.wait(self._chance.uniform(0, 1))
        self._bed.broker.start()

    def _cut_broker(self) -> None:
        self._bed.to_broker.cut_after(self._chance.randrange(LONGEST_UNCUT))

    def _kill_database(self) -> None:
        self._bed.database.kill()
        self._ended.wait(self._chance.uniform(0, 1))
        self._bed.database.start()

    def _cut_database(self) -> None:
        self._bed.to_database.cut_after(self._chance.randrange(LONGEST_UNCUT))

    def _kill_collector(self) -> None:
        number = self._chance.randrange(self._collectors)
        self._bed.kill_collector(number)
        self._ended.wait(self._chance.uniform(0, 1))
        self._bed.start_collector(number)
