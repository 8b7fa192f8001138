# SPDX-License-Identifier: Apache-2.0
"""Ask the list service: change lists, undo, import, and read history, differences and files.

For processes that may not write the lists, such as the console. Answers are JSON types, described
in docs/integrator/list-service.md.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plategate.access.store.lists import ListName
from plategate.errors import (
    CommandError,
    ListError,
    ListServiceError,
    reason_of_own,
    storable,
)
from plategate.list_service.messages import (
    LONGEST_CONTENT_BYTES,
    LONGEST_WHO,
    LONGEST_WHY,
    ListAnswer,
    ListOperation,
    ListRequest,
    ListResult,
    encode_request,
    parse_answer,
    parse_request,
)
from plategate.local_socket import ask

# A change waits while a sync puts a large list in force.
ANSWER_WITHIN_S = 150.0

Document = dict[str, Any]


def new_id() -> str:
    """An id for one request; a request that is sent again keeps its id and is followed once."""
    return secrets.token_urlsafe(12)


@dataclass(frozen=True, slots=True)
class Requester:
    """Who makes a change and why, and the id of the request."""

    who: str
    why: str = ""
    id: str = field(default_factory=new_id)


class ListClient:
    """Sends requests to the list service; for any thread.

    Methods raise ListError where the service refuses a request, and ListServiceError where it
    cannot be reached, does not serve this user or cannot read or write the lists.
    """

    def __init__(self, socket: Path, within_s: float = ANSWER_WITHIN_S) -> None:
        """`socket` is access.list_socket."""
        self._socket = socket
        self._within_s = within_s

    def add(
        self, by: Requester, name: ListName, fields: Mapping[str, str], *, also: bool = False
    ) -> Document:
        """Add an entry; fields are texts as in a list file. Returns the change."""
        return self._change(by, ListOperation.ADD, list=name, fields=dict(fields), also=also)

    def edit(
        self, by: Requester, name: ListName, plate: str, fields: Mapping[str, str]
    ) -> Document:
        """Change fields of the only entry of a plate; an empty text clears a field."""
        return self._change(by, ListOperation.EDIT, list=name, plate=plate, fields=dict(fields))

    def remove(self, by: Requester, name: ListName, plate: str) -> Document:
        """Remove all entries of a plate; it stays removed if the source has it."""
        return self._change(by, ListOperation.REMOVE, list=name, plate=plate)

    def follow(self, by: Requester, name: ListName, plate: str) -> Document:
        """Withdraw what was changed by hand: the plate follows its source again."""
        return self._change(by, ListOperation.FOLLOW, list=name, plate=plate)

    def forget(self, by: Requester, name: ListName, plate: str, note: str) -> bool:
        """Delete what the history keeps of a plate that is on no list and had only such entries.

        `note` is that of all its entries. Its changes cannot be undone any more.
        """
        arguments = {"list": name, "plate": plate, "note": note}
        return bool(self._asked(by, ListOperation.FORGET, arguments).value["forgotten"])

    def undo(self, by: Requester, number: int) -> Document:
        """Undo the change with a number."""
        return self._change(by, ListOperation.UNDO, number=number)

    def import_file(
        self, by: Requester, file: str, content: bytes, *, dry_run: bool, **options: Any
    ) -> Document:
        """Replace a list by the entries of a file, or show what would change.

        `options` are list, force, allow_empty, drop_by_hand, dates, sheet, columns and limit.
        Returns change, differences, notes and dry_run.
        """
        arguments = {"file": file, "dry_run": dry_run, **options}
        return dict(self._asked(by, ListOperation.IMPORT, arguments, content).value)

    def check(self, name: ListName, plate: str) -> Document:
        """The canonical `plate`, and the `problems` that it would have on a list."""
        return self._read(ListOperation.CHECK, list=name, plate=plate)

    def history(
        self, name: ListName | None = None, *, before: int | None = None, limit: int = 50
    ) -> list[Document]:
        """The changes of a list, or of all, newest first; `before` the number of a change."""
        arguments = {"list": name, "before": before}
        given = {key: value for key, value in arguments.items() if value is not None}
        return list(self._read(ListOperation.HISTORY, limit=limit, **given)["changes"])

    def differences(self, number: int, limit: int = 200) -> Document:
        """A `change` and its `differences`: each plate with its entries before and after."""
        return self._read(ListOperation.DIFF, number=number, limit=limit)

    def export(self, name: ListName, form: str) -> bytes:
        """A list as the content of a csv, json or xlsx file."""
        arguments = {"list": name, "form": form}
        return self._asked(_READER, ListOperation.EXPORT, arguments).content

    def template(self) -> bytes:
        """An empty workbook to fill in, as the content of an xlsx file."""
        return self._asked(_READER, ListOperation.TEMPLATE, {}).content

    def sync_preview(self, *, start: bool = False) -> Document:
        """What the next sync would change: `preview`, or None; `start` asks for a new one.

        `sources` are the names of the list sources, `wanted` whether one is asked for.
        """
        return self._read(ListOperation.PREVIEW, start=start)

    def _change(self, by: Requester, operation: ListOperation, **arguments: Any) -> Document:
        return dict(self._asked(by, operation, arguments).value["change"])

    def _read(self, operation: ListOperation, **arguments: Any) -> Document:
        return dict(self._asked(_READER, operation, arguments).value)

    def _asked(
        self,
        by: Requester,
        operation: ListOperation,
        arguments: Mapping[str, Any],
        content: bytes = b"",
    ) -> ListAnswer:
        who, why = storable(by.who)[:LONGEST_WHO], storable(by.why)[:LONGEST_WHY]
        request = ListRequest(by.id, operation, who, why, arguments, content)
        data = encode_request(request)
        try:
            parse_request(data)  # the same checks as at the service, before anything is sent
        except CommandError as error:
            raise ListError(str(error)) from None
        try:
            answer = parse_answer(ask(self._socket, data, self._within_s, LONGEST_CONTENT_BYTES))
        except OSError as error:
            raise ListServiceError(
                f"no list service at {self._socket}: {reason_of_own(error)}"
            ) from error
        except CommandError as error:
            raise ListServiceError(f"{self._socket}: {error}") from error
        if answer.result is ListResult.REFUSED:
            raise ListError(answer.reason)
        if answer.result not in (ListResult.DONE, ListResult.REPEATED):
            raise ListServiceError(answer.reason)
        return answer


_READER = Requester("reader", id="read")
