# SPDX-License-Identifier: Apache-2.0
"""/metrics: what it counts, who may read it, that it writes nothing, and what is built on it."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from plategate.access.store.lists import ListName
from plategate.console.metrics import MOST_EVENTS
from plategate.console.tokens import Scope
from plategate.health.socket import StatusSocket
from plategate.settings import Settings
from plategate.values import GateEvent, Reason, Result

from .bed import AT, STATUS, ConsoleBed, a_passage

SYSTEM = Path(__file__).parents[2] / "firmware" / "system"
RULES = SYSTEM / "monitoring" / "plategate.rules.yml"
RULE_TESTS = Path(__file__).parents[1] / "data" / "monitoring" / "plategate.rules.test.yml"
DASHBOARD = SYSTEM / "monitoring" / "grafana-dashboard.json"
LOCAL = "http://127.0.0.1:8443"
LANE = Settings().lane.name
OF_THE_SITE = ("list_", "temperature_")  # metrics without a lane

Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def local(bed: ConsoleBed, **headers: str) -> TestClient:
    """A program on the machine of the gate."""
    return TestClient(bed.app, base_url=LOCAL, headers=headers, client=("127.0.0.1", 50000))


def scrape(bed: ConsoleBed) -> Values:
    answer = local(bed).get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(values: Values, name: str, /, **labels: str) -> float:
    if not name.startswith(OF_THE_SITE):
        labels["lane"] = LANE
    return values[f"plategate_{name}", tuple(sorted(labels.items()))]


@pytest.fixture
def owned(bed: ConsoleBed) -> ConsoleBed:
    bed.make_owner()
    return bed


@pytest.fixture
def fuller(bed: ConsoleBed) -> Iterator[dict[str, Any]]:
    """The status of the gate; a test changes it."""
    status: dict[str, Any] = {**STATUS}
    file = bed.settings.health.socket
    file.unlink()
    socket = StatusSocket(file, lambda: status)
    yield status
    socket.close()


def test_ok__passages_are_counted_by_result_and_reason_and_other_events_by_name(
    owned: ConsoleBed,
) -> None:
    scrape(owned)
    for n in range(3):
        owned.add(a_passage(f"p{n}", "QQ1ZZ", Result.GRANTED if n else Result.REFUSED))
    owned.add_event("fault", "the arm did not move")
    found = scrape(owned)
    assert value(found, "passages_total", result="granted", reason="allowed") == 2
    assert value(found, "passages_total", result="refused", reason="not_listed") == 1
    assert value(found, "events_total", what="fault") == 1
    owned.add(a_passage("more", "QQ1ZZ"))
    assert value(scrape(owned), "passages_total", result="refused", reason="not_listed") == 2
    assert value(scrape(owned), "passages_total", result="refused", reason="not_listed") == 2


def test_ok__events_between_the_start_and_the_first_scrape_count_and_earlier_ones_do_not(
    tmp_path: Path,
) -> None:
    """Prometheus adds what a counter has after a restart, so old passages would count twice."""
    first = ConsoleBed(tmp_path)
    first.add(a_passage("before", "QQ1ZZ"))
    first.journal.close()
    second = ConsoleBed(tmp_path)
    second.make_owner()
    second.add(a_passage("after", "QQ1ZZ"))
    found = scrape(second)
    assert value(found, "passages_total", result="refused", reason="not_listed") == 1
    second.journal.close()


def test_ok__times_are_histograms_by_stage(owned: ConsoleBed) -> None:
    times = (("capture", 40.0), ("read", 120.0), ("total", 300.0))
    for n, result in enumerate((Result.GRANTED, Result.REFUSED)):
        owned.add(replace(a_passage(f"p{n}", "QQ1ZZ", result), milliseconds=times))
    found = scrape(owned)
    assert value(found, "stage_seconds_count", stage="read") == 2
    assert value(found, "stage_seconds_bucket", stage="read", le="0.1") == 0
    assert value(found, "stage_seconds_bucket", stage="read", le="0.25") == 2
    assert value(found, "stage_seconds_sum", stage="capture") == pytest.approx(0.08)
    assert value(found, "trigger_to_relay_seconds_count") == 1
    assert value(found, "trigger_to_relay_seconds_bucket", le="0.5") == 1


def test_ok__state_of_the_gate_and_of_the_lists_are_gauges(
    owned: ConsoleBed, fuller: dict[str, Any]
) -> None:
    owned.import_list(ListName.ALLOW, "plate\nQQ1ZZ\nQQ2ZZ\n")
    owned.clock_s = time.time() + 3600
    fuller["lane"] = STATUS["lane"] | {"camera": True, "fault": "did_not_move"}
    fuller["failures"] = [{"name": "disk", "sentence": "is full"}]
    fuller["clock"] = {"trusted": True, "why": "NTP"}
    fuller["camera"] = {"frame_age_s": 0.04}
    fuller["degraded"] = ["working without the detector: missing"]
    found = scrape(owned)
    for name, expected in (
        ("up", 1), ("ready", 1), ("running_seconds", 4000), ("degraded_parts", 1),
        ("clock_trusted", 1), ("camera_up", 1), ("camera_frame_age_seconds", 0.04),
        ("barrier_fault", 1), ("fire", 0), ("journal_up", 1), ("journal_events_behind", 0),
    ):  # fmt: skip
        assert value(found, name) == expected, name
    assert value(found, "failure", name="disk") == 1
    assert value(found, "list_entries", list="allow") == 2
    assert value(found, "list_age_seconds", list="allow") == pytest.approx(3600, abs=60)
    fuller["failures"] = []
    assert "plategate_failure" not in {name for name, _ in scrape(owned)}


def test_fail__without_a_gate_or_a_journal_the_metrics_say_so(owned: ConsoleBed) -> None:
    owned.settings.health.socket.unlink()
    owned.journal.close()
    owned.settings.journal.dir.rename(owned.folder / "gone")
    found = scrape(owned)
    assert (value(found, "up"), value(found, "journal_up")) == (0, 0)
    assert math.isnan(value(found, "camera_frame_age_seconds"))


def test_ok__after_a_long_silence_a_scrape_counts_a_part_and_the_next_ones_the_rest(
    owned: ConsoleBed,
) -> None:
    scrape(owned)
    events = MOST_EVENTS + 700
    database = owned.journal._store.database
    document = json.dumps({"kind": "event", "what": "many", "schema": 1})
    database.execute("BEGIN")
    database.executemany(
        "INSERT INTO passages (kind, document, content_hash, chain_hash)"
        " VALUES ('event', ?, x'', x'')",
        [(document,)] * events,
    )
    database.execute("COMMIT")
    found = scrape(owned)
    assert value(found, "events_total", what="many") == MOST_EVENTS
    assert value(found, "journal_events_behind") == 700
    found = scrape(owned)
    assert value(found, "events_total", what="many") == events
    assert value(found, "journal_events_behind") == 0


def test_ok__erased_events_do_not_count_as_behind(owned: ConsoleBed) -> None:
    scrape(owned)
    owned.add_event("fault", "x")
    owned.journal._store.database.execute("UPDATE passages SET document = NULL")
    assert value(scrape(owned), "journal_events_behind") == 0


def test_ok__a_replaced_journal_is_counted_from_its_beginning(owned: ConsoleBed) -> None:
    for n in range(3):
        owned.add(a_passage(f"p{n}", "QQ1ZZ"))
    assert value(scrape(owned), "passages_total", result="refused", reason="not_listed") == 3
    owned.journal._store.database.execute("PRAGMA application_id = 7")
    assert value(scrape(owned), "passages_total", result="refused", reason="not_listed") == 6


def test_ok__a_token_of_the_scope_reads_them_from_anywhere(owned: ConsoleBed) -> None:
    for scope in Scope:
        program = owned.program(scope, name=scope.value)
        program.base_url = "https://gate.test"
        assert program.get("/metrics").status_code == (200 if scope is Scope.METRICS else 403)


@pytest.mark.parametrize(
    ("client", "host", "headers"),
    [
        ("192.0.2.7", "127.0.0.1", {}),
        ("127.0.0.1", "gate.example", {}),  # a name that leads to 127.0.0.1, or a proxy
        ("127.0.0.1", "127.0.0.1.gate.example", {}),
        ("127.0.0.1", "127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}),
        ("127.0.0.1", "127.0.0.1", {"Forwarded": "for=192.0.2.7"}),
        ("127.0.0.1", "127.0.0.1", {"Authorization": "Bearer plategate_wrong"}),
        ("::ffff:192.0.2.7", "127.0.0.1", {}),
        ("unknown", "localhost", {}),
    ],
)
def test_fail__nobody_else_reads_them(
    owned: ConsoleBed, client: str, host: str, headers: dict[str, str]
) -> None:
    program = TestClient(
        owned.app, base_url=f"http://{host}", headers=headers, client=(client, 50000)
    )
    answer = program.get("/metrics")
    assert (answer.status_code, "plategate_up" in answer.text) == (401, False)


def test_fail__cookies_do_not_count_and_nothing_is_read_before_the_first_owner(
    bed: ConsoleBed,
) -> None:
    assert local(bed).get("/metrics").status_code == 403
    assert bed.make_owner().get("/metrics").status_code == 401


def test_ok__a_scrape_writes_nothing(owned: ConsoleBed) -> None:
    owned.add(a_passage("one", "QQ1ZZ"))
    scrape(owned)
    files = [path for path in owned.folder.rglob("*") if path.is_file() and "-shm" not in path.name]
    before = {path: path.read_bytes() for path in files}
    scrape(owned)
    assert {path: path.read_bytes() for path in files} == before


def test_ok__no_plate_and_no_name_is_in_the_metrics(owned: ConsoleBed) -> None:
    owned.add(a_passage("one", "QQ1234ZZ", holder="Ann Example"))
    owned.journal.add_event(GateEvent("e", "entrance", AT, "command", None, '{"who": "Ann"}'))
    text = local(owned).get("/metrics").text
    assert "QQ1234ZZ" not in text and "Ann" not in text


def names_of(owned: ConsoleBed) -> set[str]:
    """Every metric that there can be, with the endings of histograms and counters."""
    text = local(owned).get("/metrics").text
    found = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        endings = ("_bucket", "_count", "_sum") if kind == "histogram" else ("",)
        found.update(name + ending for ending in endings)
    return found


def test_ok__rules_and_dashboard_use_existing_metrics(owned: ConsoleBed) -> None:
    known = names_of(owned)
    reasons = set(re.findall(r"reason=~\"([\w|]+)\"", RULES.read_text(encoding="utf-8")))
    assert reasons and all(Reason(word) for each in reasons for word in each.split("|"))
    for file in (RULES, DASHBOARD):
        used = set(re.findall(r"\bplategate_\w+", file.read_text(encoding="utf-8")))
        assert len(used) > 8
        assert used <= known, file.name


def test_ok__the_dashboard_is_whole(owned: ConsoleBed) -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) >= 10
    for panel in panels:
        assert panel["title"] and all(target["expr"] for target in panel["targets"])
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize(
    "command", [["check", "rules", str(RULES)], ["test", "rules", str(RULE_TESTS)]]
)
def test_ok__promtool_accepts_the_rules_and_they_fire_when_they_should(command: list[str]) -> None:
    done = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_ok__promtool_accepts_the_metrics(owned: ConsoleBed) -> None:
    owned.add(replace(a_passage("p", "QQ1ZZ", Result.GRANTED), milliseconds=(("total", 9.0),)))
    text = local(owned).get("/metrics").text
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
