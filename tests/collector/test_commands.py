# SPDX-License-Identifier: Apache-2.0
"""`plategate collector` as an owner types it, against a real PostgreSQL and Mosquitto."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from plategate.collector.received import ArrivedEvent, Rejected
from plategate.collector.writer import Writer
from plategate.plate_data.hashing import plate_hash
from tests.outbound.conftest import Broker, wait_for

from .conftest import AT, JOURNAL, message, rows, settings_for
from .postgres import Postgres
from .test_collecting import Gate


def settings_file(folder: Path, port: int, database: Postgres) -> Path:
    file = folder / "collector.toml"
    file.write_text(
        f'name = "one"\n[broker]\nhost = "127.0.0.1"\nport = {port}\ntls = false\n'
        f'[database]\nhost = "127.0.0.1"\nport = {database.port}\ntls = "off"\n'
        'user = "collector"\n'
    )
    return file


def plategate(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "plategate", *words],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_ok__migrate_run_status(tmp_path: Path, broker: Broker, empty: Postgres) -> None:
    config = ("--config", str(settings_file(tmp_path, broker.port, empty)))
    done = plategate("collector", "migrate", *config, "--user", "postgres")
    assert (done.returncode, done.stderr) == (0, "")
    assert "applied 0001 events" in done.stdout
    again = plategate("collector", "migrate", *config, "--user", "postgres")
    assert (again.returncode, again.stdout) == (0, "nothing to do\n")
    empty.sql("CREATE ROLE collector LOGIN IN ROLE plategate_writer")
    command = [sys.executable, "-m", "plategate", "collector", "run", *config]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stderr=log)
    gate = Gate(broker.port)
    gate.publish(b"online", "plategate/north/availability", retain=True)
    # A first start in order: events before the first subscription are not for this collector.
    wait_for(lambda: rows(empty, "SELECT * FROM plategate.gates"), "the first state")
    gate.events(1, 2, 4)
    wait_for(lambda: rows(empty, "SELECT count(*) FROM plategate.events") == [(3,)])
    gate.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()
    status = plategate("collector", "status", *config)
    assert (status.returncode, status.stderr) == (1, "")
    assert status.stdout.splitlines() == [
        "1 gates, 3 events collected in 2 unbroken sequences of numbers",
        f"north {JOURNAL}: missing: 3 to 3 (1 events), asked 0 times",
    ]


def test_fail__settings_name_file_and_key(tmp_path: Path, empty: Postgres) -> None:
    file = settings_file(tmp_path, 1, empty)
    with file.open("a") as stream:
        stream.write("[retention]\nmonths = 0\n[gaps]\nsize = 1\n")
    done = plategate("collector", "run", "--config", str(file))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"plategate: {file}: retention.months = 0: must be at least 1",
        f"{file}: gaps.size: unknown key",
    ]


def test_fail__settings_that_are_missing_are_named() -> None:
    done = plategate("collector", "run")
    assert done.returncode == 1
    assert "/etc/plategate/collector.toml: cannot be read: No such file" in done.stderr


def test_fail__without_psycopg_the_group_is_named(tmp_path: Path, empty: Postgres) -> None:
    (tmp_path / "psycopg.py").write_text("raise ImportError('none')\n")
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "plategate", "collector", "migrate", "--config",
         str(settings_file(tmp_path, 1, empty))],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "psycopg is missing; install plategate with its group collector" in done.stderr


def test_ok__erase_a_plate_and_its_hash(tmp_path: Path, database: Postgres) -> None:
    key = b"k" * 64
    (tmp_path / "key").write_bytes(key + b"\n")
    hashed = message(2)["data"] | {"reading": {"text": plate_hash("AB12CDE", key)}, "verdict": {}}
    other = message(3)["data"] | {"reading": {"text": "XAB12CDE"}, "verdict": {"plate": "XAB12CDE"}}
    report = {"what": "wanted", "detail": "AB12CDE seen", "id": "e4"}
    kinds = ["passage.granted", "passage.granted", "passage.granted", "gate.wanted"]
    documents = [message(1)["data"], hashed, other, report]
    arrived = [
        ArrivedEvent("north", JOURNAL, n, AT, "gate", kind, json.dumps(data))
        for n, (kind, data) in enumerate(zip(kinds, documents, strict=True), 1)
    ]
    broken = Rejected("plategate/north/events", "is not JSON", b"{AB12CDE")
    with closing(Writer(settings_for(database).database)) as writer:
        writer.write([*arrived, broken])
    config = ("--config", str(settings_file(tmp_path, 1, database)), "--user", "postgres")
    words = ("collector", "erase", "ab 12-cde", *config, "--key-file", str(tmp_path / "key"))
    dry = plategate(*words, "--dry-run")
    assert (dry.returncode, dry.stdout, dry.stderr) == (0, "3 events have the plate\n", "")
    assert plategate(*words).stdout == "3 events had the plate\n"
    assert plategate(*words).stdout == "0 events had the plate\n"
    kept = rows(database, "SELECT sequence, plate FROM plategate.passages ORDER BY 1")
    assert kept == [(1, None), (2, None), (3, "XAB12CDE")]
    assert rows(database, "SELECT detail FROM plategate.reports") == [(None,)]
    assert rows(database, "SELECT * FROM plategate.rejected") == []
    refused = plategate("collector", "erase", "AB*12", *config)
    assert refused.returncode == 1
    assert refused.stderr.startswith("plategate: AB*12: ")
    assert "Traceback" not in refused.stderr
