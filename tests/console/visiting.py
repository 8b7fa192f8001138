# SPDX-License-Identifier: Apache-2.0
"""What hosts and visitors do, for the tests of visits."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from plategate.access.store.lists import ListName
from plategate.console.visits import Visit
from plategate.list_service.client import new_id
from plategate.values import ListEntry

from .bed import ConsoleBed, form_values

PLATE = "BAB1234"


def link(bed: ConsoleBed, visit: Visit) -> str:
    return f"/visit/{bed.site.visits.token_of(visit)}"


def entries(bed: ConsoleBed) -> list[ListEntry]:
    return list(bed.site.gate.entries(ListName.ALLOW, "", 0, 99))


def give(bed: ConsoleBed, visit: Visit, plate: str = PLATE, browser: Any = None) -> Any:
    return (browser or bed.browser()).post(f"{link(bed, visit)}/plate", data={"plate": plate})


def here(bed: ConsoleBed, visit: Visit) -> str:
    bed.clock_s += 60
    return str(bed.browser().post(f"{link(bed, visit)}/here", data={"id": new_id()}).text)


def state(bed: ConsoleBed, visit: Visit) -> str:
    found = bed.site.visits.get(visit.id)
    return found.state.value if found else "deleted"


def answer(browser: TestClient, visit: Visit, what: str, plate: str = "") -> Any:
    form = form_values(browser, "/visits") | {"visit": str(visit.id), "answer": what}
    return browser.post("/visits/answer", data=form | {"plate": plate})
