# SPDX-License-Identifier: Apache-2.0
"""Guards: two rehearsing gates are shown as two, and each command moves the arm that it names."""

from __future__ import annotations

import getpass
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from plategate.access.store.importing import import_list_file
from plategate.access.store.lists import ListName
from plategate.console.app import build_app
from plategate.console.lanes import Lanes, SettingsSource
from plategate.console.one_time_code import OneTimeCode
from plategate.errors import ConsoleError, StoreError
from plategate.gate.remote_control import serve_commands
from plategate.health.socket import StatusSocket
from plategate.messages import InputName, Level
from plategate.rehearsal.pictures import rehearsal_settings
from plategate.rehearsal.scenario_reader import ScenarioReader, load_scripted, scripted_plate
from plategate.rehearsal.site import build_site
from plategate.settings import Settings, parse_settings
from plategate.settings.commands import EVERY
from plategate.values import GateEvent

from .bed import ORIGIN, form_values, setup_form

PATIENCE_S = 60.0
NAMES = ("entrance", "exit")


def settings_of(folder: Path, name: str, lanes: tuple[Path, ...] = ()) -> Settings:
    state = folder / name
    base = parse_settings(
        {
            "access": {"file": str(folder / "lists.sqlite")},
            "lane": {"name": name},
            "health": {"socket": str(state / "status.sock")},
            "commands": {
                "socket": str(state / "c.sock"), "users": {getpass.getuser(): list(EVERY)},
                "preview_socket": str(state / "p.sock"),
                "owner_settings_file": str(state / "owner.json"),
            },
            "console": {"state_dir": str(folder / "console"), "lanes": [str(f) for f in lanes]},
        },
        name,
    )  # fmt: skip
    return rehearsal_settings(base, state, folder / "lists.sqlite")


class RehearsedLane:
    """A gate on a simulated site, with its sockets, in threads of its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.journal.dir.mkdir()
        self.site = build_site(
            settings, reader=ScenarioReader(self._no_pictures), load=load_scripted
        )
        site = self.site
        site.health.add_source("lane", lambda: site.gate.status().document())
        self.relay: list[bool] = []
        site.board.factory.listeners.append(self._edge)
        self.disk_is_full = False
        self._add_event = site.components.journal.add_event
        site.components.journal.add_event = self._add  # type: ignore[method-assign]
        self._status = StatusSocket(settings.health.socket, site.health.status)
        self._commands = serve_commands(
            settings.commands, settings.journal.dir, site.gate, site.components
        )
        self._thread = threading.Thread(target=site.gate.run)
        self._thread.start()
        until(lambda: site.gate.status().inputs and site.gate.status().signal == "ready")

    def _add(self, event: GateEvent) -> None:
        if self.disk_is_full:
            raise StoreError("the disk is full")
        self._add_event(event)

    def _no_pictures(self) -> ScenarioReader:
        raise AssertionError("no picture is read here")

    def _edge(self, edge: object) -> None:
        relay = self.site.board.relay_of(edge)
        if relay is not None:
            self.relay.append(relay[1])

    def come(self, plate: str) -> None:
        before = len(self.site.log.passages)
        self.site.camera.show(scripted_plate(plate, 0.99))
        self.site.board.put(InputName.BEAM, Level.ACTIVE)
        until(lambda: len(self.site.log.passages) > before)
        self.site.board.put(InputName.BEAM, Level.INACTIVE)
        until(lambda: self.site.gate.status().armed)

    def stop(self) -> None:
        self.site.gate.stop()
        self._thread.join(PATIENCE_S)
        self._status.close()
        if self._commands is not None:
            self._commands.close()
        self.site.close()


def until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, "the condition did not occur"
        time.sleep(0.01)


@pytest.fixture
def lanes(tmp_path: Path) -> Iterator[tuple[RehearsedLane, ...]]:
    settings = [settings_of(tmp_path, name) for name in NAMES]
    file = tmp_path / "allow.csv"
    file.write_text("plate\nAB12CDE\n", encoding="utf-8")
    import_list_file(settings[0].access, file, name=ListName.ALLOW, who="test")
    made = tuple(RehearsedLane(each) for each in settings)
    yield made
    for lane in made:
        lane.stop()


@pytest.fixture
def browser(lanes: tuple[RehearsedLane, ...], tmp_path: Path) -> TestClient:
    """The owner's browser at a console of both lanes."""
    second = tmp_path / "exit.toml"
    exit_ = lanes[1].settings
    second.write_text(
        f'[lane]\nname = "exit"\n[access]\nfile = "{exit_.access.file}"\n'
        f'[journal]\ndir = "{exit_.journal.dir}"\n[health]\nsocket = "{exit_.health.socket}"\n'
        f'[commands]\nsocket = "{exit_.commands.socket}"\n'
        f'owner_settings_file = "{exit_.commands.owner_settings_file}"\n',
        encoding="utf-8",
    )
    first = lanes[0].settings
    console = first.console.model_copy(update={"lanes": (second,)})
    app = build_app(first.model_copy(update={"console": console}))
    client = TestClient(
        app,
        base_url=ORIGIN,
        headers={"origin": ORIGIN, "sec-fetch-site": "same-origin"},
        follow_redirects=False,
    )
    client.post("/setup", data=setup_form(OneTimeCode(first.console).offer()))
    return client


def test_ok__two_lanes_are_shown_as_two_and_commanded_each(
    lanes: tuple[RehearsedLane, ...], browser: TestClient
) -> None:
    page = browser.get("/").text
    assert re.findall(r'id="live-(\S+?)"', page) == ["state-0", "state-1", "vehicles"]
    for number, name in enumerate(NAMES):
        assert name in browser.get(f"/live/state-{number}").text
    form = {**form_values(browser), "command": "open", "why": "parcel"}
    assert browser.post("/command", data=form).status_code == 400  # no lane, no command
    assert browser.post("/command", data={**form, "lane": "roof"}).status_code == 400
    assert [lane.relay for lane in lanes] == [[], []]
    answer = browser.post("/command", data={**form, "lane": "exit"})
    assert answer.status_code == 200, answer.text
    until(lambda: lanes[1].relay)
    assert lanes[0].relay == []
    assert "exit open: parcel: accepted" in browser.get("/audit").text


def test_ok__passages_of_both_lanes_are_one_list(
    lanes: tuple[RehearsedLane, ...], browser: TestClient
) -> None:
    for number, plate in enumerate(("AA11AAA", "BB22BBB", "CC33CCC", "DD44DDD")):
        lanes[number % 2].come(plate)
    until(lambda: sum(browser.get("/passages").text.count(p) for p in ("AA11AAA", "DD44DDD")) == 2)
    page = browser.get("/passages").text
    plates = re.findall(r'<strong class="plate">(\w+)</strong>', page)
    assert plates == ["DD44DDD", "CC33CCC", "BB22BBB", "AA11AAA"]
    assert "· exit" in page
    for passage in re.findall(r'href="(/passages/[^"]+)"', page):
        assert browser.get(passage).status_code == 200
    site = browser.app.state.site  # type: ignore[attr-defined]
    shown: list[str] = []
    before: str | None = ""
    while before is not None:
        found = site.lanes.passages(1, before=before)
        shown += [item.document["verdict"]["plate"] for _, item in found.items]
        before = found.more
    assert shown == plates


def test_fail__a_lane_that_is_gone_leaves_the_other(
    lanes: tuple[RehearsedLane, ...], browser: TestClient
) -> None:
    lanes[1]._status.close()
    assert "The gate does not answer" in browser.get("/live/state-1").text
    assert "does not answer" not in browser.get("/live/state-0").text
    assert browser.get("/health?lane=entrance").status_code == 200
    assert browser.get("/health?lane=roof").status_code == 503
    assert browser.get("/passages?before=1").status_code == 400  # a place in one journal only


def test_fail__two_lanes_with_one_name_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('[lane]\nname = "main"\n', encoding="utf-8")
    settings = parse_settings({"console": {"lanes": [str(file)]}}, "test")
    with pytest.raises(ConsoleError, match=r"two lanes have one lane\.name"):
        Lanes(settings, SettingsSource(lambda: settings))
