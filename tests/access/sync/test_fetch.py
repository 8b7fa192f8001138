# SPDX-License-Identifier: Apache-2.0
"""A download is bounded in size, time, redirects and attempts, whatever the server does."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest

from plategate.access.sync.fetch import Fetched, Fetcher
from plategate.access.sync.source_state import Validators
from plategate.errors import SyncError
from plategate.settings.sync import SyncSettings, SyncSource
from scripts.testbed.web_server import (
    Answer,
    Server,
    endless,
    gzip_bomb,
    plain,
    serving,
    silent,
    truncated,
)

BODY = b"plate\nAB12CDE\n"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


class Site:
    """A fetcher with short limits that records its delays instead of sleeping."""

    def __init__(self, folder: Path, **source: object) -> None:
        self.settings = SyncSettings(
            state_dir=folder, retries=2, retry_base_s=1.0, read_timeout_s=0.1, max_redirects=2
        )
        fields = {"name": "s", "kind": "allow", "url": "x", "max_bytes": 100_000, **source}
        self.source = SyncSource.model_validate(fields)
        self.waits: list[float] = []
        self.into = folder / "list"

    def fetch(self, url: str, known: Validators | None = None) -> Fetched | None:
        with Fetcher(self.settings, self.source, sleep=self.waits.append) as fetcher:
            return fetcher.fetch(url, self.into, known=known)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_ok__download_has_content_and_validators(server: Server, site: Site) -> None:
    server.serve("/list.csv", BODY, etag='"v1"')
    fetched = site.fetch(server.url("/list.csv"))
    assert fetched == Fetched(len(BODY), Validators('"v1"'))
    assert site.into.read_bytes() == BODY


def test_ok__unchanged_file_is_not_sent_again(server: Server, site: Site) -> None:
    server.serve("/list.csv", BODY, etag='"v1"')
    assert site.fetch(server.url("/list.csv"), Validators('"v1"')) is None
    assert server.asked[0][1]["if-none-match"] == '"v1"'


def test_ok__gzip_is_decompressed(server: Server, site: Site) -> None:
    server.answers["/l"] = plain(200, gzip.compress(BODY), Content_Encoding="gzip")
    site.fetch(server.url("/l"))
    assert site.into.read_bytes() == BODY


def test_ok__file_url_and_path_are_sources(site: Site, tmp_path: Path) -> None:
    stick = tmp_path / "my list.csv"
    stick.write_bytes(BODY)
    for url in (str(stick), stick.as_uri()):
        assert site.fetch(url) == Fetched(len(BODY))
        assert site.into.read_bytes() == BODY


def test_ok__bearer_token_is_read_from_a_file(server: Server, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    server.serve("/l", BODY)
    Site(tmp_path, token_file=token, url=server.url("/l")).fetch(server.url("/l"))
    assert server.asked[0][1]["authorization"] == "Bearer s3cret"


def test_ok__token_is_not_sent_to_another_host(server: Server, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret")
    with serving() as other:
        other.serve("/l", BODY)
        server.answers["/l"] = plain(302, Location=other.url("/l"))
        Site(tmp_path, token_file=token, url=server.url("/l")).fetch(server.url("/l"))
        assert "authorization" not in other.asked[0][1]


def test_ok__retry_after_of_a_busy_server_is_kept(server: Server, site: Site) -> None:
    def first_time(request: BaseHTTPRequestHandler) -> None:
        server.serve("/l", BODY)
        plain(503, Retry_After="7")(request)

    server.answers["/l"] = first_time
    assert site.fetch(server.url("/l"))
    assert site.waits == [7.0]


def test_fail__retries_back_off_with_jitter_and_end(server: Server, site: Site) -> None:
    server.answers["/l"] = plain(500)
    with pytest.raises(SyncError, match=r"500.*\(3 tries\)"):
        site.fetch(server.url("/l"))
    assert len(server.asked) == 3
    first, second = site.waits
    assert 0.5 <= first <= 1.5 and 1.0 <= second <= 3.0


def test_fail__missing_file_is_not_retried(server: Server, site: Site) -> None:
    with pytest.raises(SyncError, match="404"):
        site.fetch(server.url("/l"))
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (truncated(BODY, 5000), "3 tries"),
        (endless, "more than 100000 bytes"),
        (gzip_bomb(50), "more than 100000 bytes"),
        (plain(200, b"x" * 100_001), "100001 bytes announced, 100000 allowed"),
        (plain(200, gzip.compress(BODY)[:-6], Content_Encoding="gzip"), "ended early"),
        (plain(200, b"not gzip", Content_Encoding="gzip"), "damaged gzip"),
        (plain(200, BODY, Content_Encoding="br"), "unknown content encoding 'br'"),
        (plain(302, Location="/l"), "more than 2 redirects"),
        (plain(302, Location="gopher://127.0.0.1/"), "unsupported protocol"),
        (plain(401), "401 Unauthorized"),
    ],
)
def test_fail__bad_answer_is_named(server: Server, site: Site, bad: object, sentence: str) -> None:
    server.answers["/l"] = bad  # type: ignore[assignment]
    with pytest.raises(SyncError, match=rf"(?i){sentence.replace('(', '.')}"):
        site.fetch(server.url("/l"))


def test_fail__silent_server_times_out(server: Server, site: Site) -> None:
    released = threading.Event()
    server.answers["/l"] = silent(released)
    try:
        with pytest.raises(SyncError, match=r"no answer in time .*3 tries"):
            site.fetch(server.url("/l"))
    finally:
        released.set()


def test_fail__body_is_given_up_at_the_deadline_whatever_its_chunks(
    server: Server, tmp_path: Path
) -> None:
    server.answers["/l"] = plain(200, b"x" * 90_000)
    site = Site(tmp_path)
    times = iter(range(0, 10**9, 700))  # each reading of the clock is minutes later
    with (
        Fetcher(site.settings, site.source, monotonic=lambda: next(times)) as fetcher,
        pytest.raises(SyncError, match="took over 600 s"),
    ):
        fetcher.fetch(server.url("/l"), site.into)


def test_fail__nobody_listens(site: Site) -> None:
    with pytest.raises(SyncError, match="3 tries"):
        site.fetch("http://127.0.0.1:1/l")


@pytest.mark.parametrize("url", ["https://", "http://[::1", "/no/such/file", "ftp://127.0.0.1/l"])
def test_fail__invalid_or_unreachable_address(site: Site, url: str) -> None:
    with pytest.raises(SyncError):
        site.fetch(url)


def test_fail__settings_refuse_a_token_over_http() -> None:
    with pytest.raises(ValueError, match="would send the token unencrypted"):
        SyncSource(name="s", kind="allow", url="http://lists.example/l", token_file=Path("t"))


@pytest.mark.parametrize(
    ("hops", "sentence"),
    [
        (
            ["http://lists.example/l", "https://lists.example/l"],
            "without TLS: http://lists.example/l",
        ),
        (["ftp://lists.example/l"], "unsupported protocol"),
        (["https://other.example/l", "http://lists.example/l"], "without TLS"),
    ],
)
def test_fail__every_hop_is_checked_before_it_is_asked(
    site: Site, hops: list[str], sentence: str
) -> None:
    """https -> http -> https must not be followed, although it ends with https."""
    asked: list[str] = []
    targets = iter(hops)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.scheme)
        target = next(targets, None)
        headers = {"Location": target} if target else {}
        return httpx.Response(302 if target else 200, headers=headers)

    with Fetcher(site.settings, site.source) as fetcher:
        fetcher._client = httpx.Client(transport=httpx.MockTransport(answer))
        with pytest.raises(SyncError, match=sentence):
            fetcher.fetch("https://lists.example/l", site.into)
    assert set(asked) == {"https"}


def test_fail__not_modified_without_a_condition(server: Server, site: Site) -> None:
    server.answers["/l"] = plain(304)
    with pytest.raises(SyncError, match="304 Not Modified to a first request"):
        site.fetch(server.url("/l"))


def test_fail__unsigned_list_over_http(tmp_path: Path) -> None:
    url = "http://192.0.2.1/allow.csv"
    with pytest.raises(SyncError, match="allow_unsigned_http"):
        Site(tmp_path, url=url).fetch(url)


@pytest.mark.parametrize(
    "source",
    [{"allow_unsigned_http": True}, {"public_keys": ["A" * 56]}],
    ids=["allowed", "signed"],
)
def test_ok__http_is_asked_where_allowed_by_name_or_signed(
    tmp_path: Path, source: dict[str, object]
) -> None:
    site = Site(tmp_path, url="http://lists.example/l", **source)
    with Fetcher(site.settings, site.source) as fetcher:
        transport = httpx.MockTransport(
            lambda _: httpx.Response(200, stream=httpx.ByteStream(BODY))
        )
        fetcher._client = httpx.Client(transport=transport)
        assert fetcher.fetch("http://lists.example/l", site.into) is not None


@pytest.mark.parametrize("kind", ["fifo", "folder", "device"])
def test_fail__path_is_no_regular_file(site: Site, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "list.csv"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path = Path("/dev/zero")
    with pytest.raises(SyncError, match="is not a regular file"):
        site.fetch(str(path))


def test_fail__download_does_not_follow_a_link(site: Site, tmp_path: Path, server: Server) -> None:
    """Somebody who can write to the folder must not make the sync overwrite another file."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"untouched")
    site.into.symlink_to(victim)
    server.serve("/l", BODY)
    site.fetch(server.url("/l"))
    assert victim.read_bytes() == b"untouched"
    assert not site.into.is_symlink() and site.into.read_bytes() == BODY


@pytest.mark.parametrize(
    "answer",
    [
        plain(404),
        plain(302, Location="http://owner:geheim@127.0.0.1:1/?token=geheim"),
        plain(200, b"x" * 100_001),
    ],
)
def test_fail__messages_have_no_password(server: Server, site: Site, answer: Answer) -> None:
    server.answers["/l?token=geheim"] = answer
    url = server.url("/l?token=geheim").replace("//", "//owner:geheim@")
    with pytest.raises(SyncError) as raised:
        site.fetch(url)
    assert "geheim" not in str(raised.value)
