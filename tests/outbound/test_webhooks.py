# SPDX-License-Identifier: Apache-2.0
"""Webhooks reach a real web server, signed so that the reference library accepts them."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from typer.testing import CliRunner

from plategate.cli import app
from plategate.journal import Journal
from plategate.outbound import dead_letters, delivery, webhook
from plategate.outbound.dead_letters import DeadLetters
from plategate.outbound.message import Message
from plategate.outbound.positions import read_positions

from .conftest import PLATE, a_passage, an_event, running, settings_for, wait_for

SECRETS = ["whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2)]


class WebServer(ThreadingHTTPServer):
    """Answers with the next status or header set of `answers`, then always with 204."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int | tuple[int, dict[str, str]]] = []
        self.received: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?a=1"

    def taken(self) -> list[dict[str, Any]]:
        """The bodies in the order of their arrival."""
        return [json.loads(body) for _, body in list(self.received)]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, WebServer)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = server.answers.pop(0) if server.answers else 204
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        server.received.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[WebServer]:
    server = WebServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of hundredths of a second in place of minutes."""
    monkeypatch.setattr(webhook, "PAUSES_S", (0.01, 0.02, 0.03))
    monkeypatch.setattr(webhook, "IDLE_S", 0.1)
    monkeypatch.setattr(webhook, "ENDED_PAUSE_S", 0.1)


def hook(folder: Path, server: WebServer, **options: Any) -> dict[str, Any]:
    """The settings of one webhook, with both secrets."""
    files = []
    for number, secret in enumerate(SECRETS):
        files.append(folder / f"secret-{number}")
        files[-1].write_text(secret + "\n")
    own = {"name": "hook", "url": server.url, "allow_http": True, "secret_files": files[:1]}
    return {"webhooks": [own | options]}


def wait_for_start(folder: Path) -> None:
    wait_for(lambda: read_positions(folder / "outbound"), "the first look at the journal")


def test_ok__reference_library_accepts_the_signature(
    tmp_path: Path, journal: Journal, server: WebServer
) -> None:
    files = [tmp_path / "secret-0", tmp_path / "secret-1"]
    options = hook(tmp_path, server, plate="full", secret_files=files)
    with running(settings_for(tmp_path, **options)):
        wait_for_start(tmp_path)
        journal.record(a_passage(1))
        wait_for(lambda: server.received, "the webhook")
    headers, body = server.received[0]
    for secret in SECRETS:  # both, while the secret is changed
        found = Webhook(secret).verify(body, headers)
        assert found["type"] == "passage.granted"
        assert found["data"]["verdict"]["plate"] == PLATE
    assert headers["webhook-id"] == json.loads(body)["id"]
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRETS[0]).verify(body + b" ", headers)


def test_ok__no_personal_data_unless_asked_for(
    tmp_path: Path, journal: Journal, server: WebServer
) -> None:
    with running(settings_for(tmp_path, **hook(tmp_path, server))):
        wait_for_start(tmp_path)
        journal.record(a_passage(1))
        wait_for(lambda: server.received, "the webhook")
    assert b"SECRET" not in server.received[0][1].upper()


def test_ok__cloud_event(tmp_path: Path, journal: Journal, server: WebServer) -> None:
    with running(settings_for(tmp_path, **hook(tmp_path, server, format="cloudevents"))):
        wait_for_start(tmp_path)
        journal.add_event(an_event("fault", "left_open"))
        wait_for(lambda: server.received, "the webhook")
    headers, body = server.received[0]
    event = json.loads(body)
    assert headers["content-type"] == "application/cloudevents+json"
    assert (event["specversion"], event["type"]) == ("1.0", "plategate.gate.fault")
    assert (event["id"], event["source"]) == (headers["webhook-id"], "/plategate/gate")
    assert event["data"]["data"]["detail"] == "left_open"
    Webhook(SECRETS[0]).verify(body, headers)


def test_ok__server_that_fails_gets_everything_in_order_with_the_same_ids(
    tmp_path: Path, journal: Journal, server: WebServer, quick: None
) -> None:
    server.answers += [500, 204, 503, 429, 302, 204, 408, 502, 504]
    with running(settings_for(tmp_path, **hook(tmp_path, server))):
        wait_for_start(tmp_path)
        for number in range(1, 31):
            journal.record(a_passage(number))
        wait_for(lambda: len({each["id"] for each in server.taken()}) == 30, "30 events")
        wait_for(lambda: read_positions(tmp_path / "outbound")["hook"].sequence == 30, "the end")
    arrived = list(dict.fromkeys(each["sequence"] for each in server.taken()))
    assert arrived == list(range(1, 31))
    assert len(server.received) == 37  # 7 refusals
    timestamps = [headers["webhook-timestamp"] for headers, _ in server.received]
    assert timestamps == sorted(timestamps)


def test_ok__refused_message_becomes_a_dead_letter_and_can_be_sent_again(
    tmp_path: Path, journal: Journal, server: WebServer, quick: None
) -> None:
    server.answers += [400, 400, 400, 204, 422]
    config = config_of(tmp_path, server)
    with running(settings_for(tmp_path, **hook(tmp_path, server))):
        wait_for_start(tmp_path)
        journal.record(a_passage(1))
        journal.record(a_passage(2))
        wait_for(lambda: read_positions(tmp_path / "outbound")["hook"].sequence == 2, "the end")
        assert [each["sequence"] for each in server.taken()] == [1, 1, 1, 2]
        listed = outbound("failed", config)
        assert "hook gate-" in listed
        assert "passage.granted" in listed
        assert "status 400" in listed
        letter = listed.split()[1]
        assert "1 refused messages" in outbound("retry", config, "hook", letter)
        wait_for(lambda: "status 422" in outbound("failed", config), "the second refusal")
        outbound("retry", config, "hook")
        wait_for(lambda: outbound("failed", config) == "", "the delivery")
    assert [each["sequence"] for each in server.taken()] == [1, 1, 1, 2, 1, 1]
    assert server.taken()[-1]["id"] == letter


def test_ok__server_that_is_gone_gets_nothing_until_it_is_asked_for(
    tmp_path: Path, journal: Journal, server: WebServer, quick: None
) -> None:
    server.answers += [204, 410]
    config = config_of(tmp_path, server)
    with running(settings_for(tmp_path, **hook(tmp_path, server))):
        wait_for_start(tmp_path)
        for number in (1, 2, 3):
            journal.record(a_passage(number))
        problem = wait_for(lambda: read_positions(tmp_path / "outbound")["hook"].problem, "the end")
        assert "gone" in problem
        assert read_positions(tmp_path / "outbound")["hook"].sequence == 1
    with running(settings_for(tmp_path, **hook(tmp_path, server))):  # also after a restart
        wait_for(lambda: "gone" in str(read_positions(tmp_path / "outbound")["hook"].problem))
        assert len(server.received) == 2
        outbound("retry", config, "hook")
        wait_for(lambda: read_positions(tmp_path / "outbound")["hook"].sequence == 3, "the rest")
    assert [each["sequence"] for each in server.taken()] == [1, 2, 2, 3]


def test_ok__server_decides_when_it_is_asked_again(
    tmp_path: Path, journal: Journal, server: WebServer, quick: None
) -> None:
    server.answers += [(503, {"Retry-After": "3600"})]
    with running(settings_for(tmp_path, **hook(tmp_path, server))):
        wait_for_start(tmp_path)
        journal.record(a_passage(1))
        wait_for(lambda: read_positions(tmp_path / "outbound")["hook"].problem, "the refusal")
        wait_for(lambda: len(server.received) == 1)
        threading.Event().wait(0.3)  # thirty of the usual pauses
        assert len(server.received) == 1


def test_ok__retry_ends_a_pause(
    tmp_path: Path, journal: Journal, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "RETRY_ASKED_EVERY_S", 0.02)
    server.answers += [(503, {"Retry-After": "86400"})] * 2
    config = config_of(tmp_path, server)
    outbound("retry", config, "hook")  # before the failure: ends no pause
    with running(settings_for(tmp_path, **hook(tmp_path, server))):
        wait_for_start(tmp_path)
        journal.record(a_passage(1))
        wait_for(lambda: len(server.received) == 1, "the first attempt")
        # Asked again, because the pause may begin after the first request to end it.
        wait_for(lambda: outbound("retry", config, "hook") and len(server.received) == 3, "the end")
        wait_for(lambda: read_positions(tmp_path / "outbound")["hook"].sequence == 1, "the end")
    assert len(server.received) == 3


def test_fail__retry_of_an_unknown_target_names_the_known(
    tmp_path: Path, server: WebServer
) -> None:
    words = ["outbound", "retry", "hok", "--config", str(config_of(tmp_path, server))]
    done = CliRunner().invoke(app, words)
    assert "hok: no target of this name in [outbound]; known: hook" in str(done.exception)


def test_ok__test_message(tmp_path: Path, server: WebServer) -> None:
    config = config_of(tmp_path, server)
    assert "hook: took message gate-test-" in outbound("test", config, "hook")
    assert server.taken()[0]["type"] == "outbound.test"


def outbound(word: str, config: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["outbound", word, *words, "--config", str(config)])
    assert done.exit_code == 0, done.output
    return done.output


def config_of(folder: Path, server: WebServer) -> Path:
    options = hook(folder, server)["webhooks"][0]
    config = folder / "settings.toml"
    config.write_text(
        f'[journal]\ndir = "{folder}/journal"\n[outbound]\nstate_dir = "{folder}/outbound"\n'
        f'[[outbound.webhooks]]\nname = "hook"\nurl = "{options["url"]}"\nallow_http = true\n'
        f'secret_files = ["{options["secret_files"][0]}"]\n'
    )
    return config


def test_ok__what_a_server_that_is_down_misses_for_days_becomes_a_dead_letter(
    tmp_path: Path,
    journal: Journal,
    server: WebServer,
    quick: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.answers += [500] * 5
    monkeypatch.setattr(webhook, "GIVE_UP_AFTER", timedelta(seconds=-1))
    with running(settings_for(tmp_path, **hook(tmp_path, server))):
        wait_for_start(tmp_path)
        journal.record(a_passage(1))
        wait_for(lambda: read_positions(tmp_path / "outbound")["hook"].sequence == 1, "the end")
    with closing(DeadLetters(tmp_path / "outbound")) as letters:
        (letter,) = letters.all()
    assert (letter.sequence, "status 500" in letter.reason) == (1, True)
    assert PLATE.encode() not in (tmp_path / "outbound" / "failed.sqlite").read_bytes()


def test_ok__oldest_dead_letters_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "LETTERS_MAX", 3)
    with closing(DeadLetters(tmp_path)) as letters:
        for number in range(5):
            at = f"2026-03-01T08:00:0{number}+00:00"
            message = Message(f"m{number}", "gate.fault", at, "gate", "gate", 1, number, {})
            letters.add("hook", message, "status 400")
            letters.add("other", message, "status 400")
        assert [letter.id for letter in letters.all("hook")] == ["m2", "m3", "m4"]
        assert len(letters.all()) == 6
        assert letters.retry("hook", ["m2", "unknown"]) == 1
        assert [letter.id for letter in letters.to_retry("hook")] == ["m2"]
