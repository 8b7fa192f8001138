# SPDX-License-Identifier: Apache-2.0
"""Guards: "I am here" moves the arm of a rehearsing gate only for a vehicle at its lane."""

from __future__ import annotations

import time

import pytest
from starlette.testclient import TestClient

from plategate.console.visits import PRESS_EVERY_S, VisitState
from plategate.list_service.client import new_id
from plategate.messages import InputName, Level
from plategate.rehearsal.scenario_reader import scripted_plate

from .test_lanes import RehearsedLane, browser, lanes, until

__all__ = ["browser", "lanes"]  # fixtures


def test_ok__the_button_opens_the_lane_where_the_vehicle_stands_and_no_other(
    lanes: tuple[RehearsedLane, ...], browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = browser.app.state.site  # type: ignore[attr-defined]
    start = time.time()
    visit = site.visits.make(
        request="r", host="anna", holder="Vera", starts_at=start - 60, ends_at=start + 6000,
        entries=1, accepts=False,
    )  # fmt: skip
    visit = site.visits.change(visit, state=VisitState.ACCEPTED.value, plate="ZZ99ZZZ")
    address = f"/visit/{site.visits.token_of(visit)}"
    assert browser.get(address).text.count('name="lane"') == 2
    presses = 0

    def press(lane: str) -> str:
        nonlocal presses
        presses += 1
        monkeypatch.setattr(site, "now", lambda: start + presses * 2 * PRESS_EVERY_S)
        return str(browser.post(f"{address}/here", data={"id": new_id(), "lane": lane}).text)

    for name in ("entrance", "exit"):
        assert "no vehicle stands at it" in press(name)
    assert "Choose the lane" in press("") and "Choose the lane" in press("roof")
    lanes[1].site.camera.show(scripted_plate("XX00XXX", 0.99))  # not listed: it stays closed
    lanes[1].site.board.put(InputName.BEAM, Level.ACTIVE)
    until(lambda: lanes[1].site.log.passages)
    assert [lane.relay for lane in lanes] == [[], []]
    assert "no vehicle stands at it" in press("entrance")
    assert "The gate opens." in press("exit")
    until(lambda: lanes[1].relay)
    assert lanes[0].relay == []
    found = site.lanes.named("exit").gate.events(5)
    who = [str(item.document["detail"]) for item in found if item.document["what"] == "command"]
    assert f"visitor {visit.id} of anna" in who[0]
    assert "used up" in press("exit")  # one entry was all
