# SPDX-License-Identifier: Apache-2.0
"""No sequence of list commands loses an entry that undo cannot bring back."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plategate.access.store.lists import ListName
from plategate.errors import ListError
from plategate.list_service.messages import ListOperation, ListRequest
from plategate.list_service.operations import ListOperations
from plategate.settings import parse_settings

PLATES = st.sampled_from(["AB12CDE", "XY34ZZT", "BC1234"])
LISTS = st.sampled_from([ListName.ALLOW, ListName.BLOCK])
FIELDS = st.fixed_dictionaries(
    {"holder": st.sampled_from(["", "Anna", "Ben"]), "note": st.sampled_from(["", "gate 2"])}
)
ROWS = st.lists(st.tuples(PLATES, st.sampled_from(["", "Cem"])), min_size=1, max_size=4)
COMMANDS = st.one_of(
    st.tuples(st.just(ListOperation.ADD), LISTS, PLATES, FIELDS, st.booleans()),
    st.tuples(st.just(ListOperation.EDIT), LISTS, PLATES, FIELDS),
    st.tuples(st.just(ListOperation.REMOVE), LISTS, PLATES),
    st.tuples(st.just(ListOperation.FOLLOW), LISTS, PLATES),
    st.tuples(st.just(ListOperation.IMPORT), LISTS, ROWS, st.booleans()),
    st.tuples(st.just(ListOperation.UNDO), st.just(None)),
)


class Lists:
    """The list service without its socket; counts the ids of its requests."""

    def __init__(self, folder: Path) -> None:
        values = {"access": {"file": str(folder / "lists.sqlite"), "zone": "UTC"}}
        self._operations = ListOperations(parse_settings(values, "test"))
        self._requests = 0

    def ask(self, operation: ListOperation, content: bytes = b"", **arguments: Any) -> Any:
        self._requests += 1
        request = ListRequest(f"r{self._requests}", operation, "anna", "", arguments, content)
        return self._operations.follow(request)

    def entries(self) -> dict[str, list[str]]:
        """The entries in force, in any order, as the gate would read them."""
        found = {}
        for name in (ListName.ALLOW, ListName.BLOCK):
            content = self.ask(ListOperation.EXPORT, list=name, form="json").content
            entries = json.loads(content)["entries"]
            found[name.value] = sorted(json.dumps(entry, sort_keys=True) for entry in entries)
        return found

    def follow(self, command: tuple[Any, ...]) -> int:
        """Follow a command; returns the number of its change."""
        operation, name, *rest = command
        match operation:
            case ListOperation.ADD:
                plate, fields, also = rest
                arguments = {"fields": {**fields, "plate": plate}, "also": also}
            case ListOperation.EDIT:
                arguments = {"plate": rest[0], "fields": rest[1]}
            case ListOperation.IMPORT:
                rows, drop = rest
                content = "plate,holder\n" + "".join(f"{p},{h}\n" for p, h in rows)
                answer = self.ask(
                    operation, content.encode(), list=name, file="a.csv", force=True,
                    drop_by_hand=drop,
                )  # fmt: skip
                return int(answer.value["change"]["number"])
            case _:
                arguments = {"plate": rest[0]}
        return int(self.ask(operation, list=name, **arguments).value["change"]["number"])


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(st.lists(COMMANDS, min_size=2, max_size=9))
def test_ok__undoing_step_by_step_passes_through_every_earlier_state(
    commands: list[tuple[Any, ...]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lists = Lists(Path(folder))
        for name in (ListName.ALLOW, ListName.BLOCK):
            lists.ask(ListOperation.ADD, list=name, fields={"plate": "ZZ99"})
        made: list[tuple[int, dict[str, list[str]]]] = []  # changes in force, and what was before

        def undo() -> None:
            number, before = made.pop()
            lists.ask(ListOperation.UNDO, number=number)
            assert lists.entries() == before

        for command in commands:
            before = lists.entries()
            if command[0] is ListOperation.UNDO:
                if made:
                    undo()
                continue
            with suppress(ListError):
                number = lists.follow(command)
                if lists.ask(ListOperation.DIFF, number=number).value["change"]["can_undo"]:
                    made.append((number, before))
                else:  # an import of what was there already
                    assert lists.entries() == before
                continue
            assert lists.entries() == before  # what is refused changes nothing
        while made:
            undo()
