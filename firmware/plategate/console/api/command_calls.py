# SPDX-License-Identifier: Apache-2.0
"""Commands to the gate through the API, each followed once however often it is sent.

The caller's Idempotency-Key is the id of the command at the gate, which follows an id once, also
across restarts. The console remembers the first answers and gives them again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from starlette.responses import Response

from plategate.console.api.call import ApiCall, json_answer
from plategate.console.api.inputs import CommandBody, idempotency_key
from plategate.console.api.problems import Problem, wrong_field
from plategate.errors import CommandError
from plategate.messages import CommandName
from plategate.remote.protocol import AnswerResult, CommandAnswer

REMEMBERED = 1000
_PROBLEM_OF = {
    AnswerResult.NOT_ALLOWED: "not_allowed",
    AnswerResult.MALFORMED: "invalid_input",
    AnswerResult.FAILED: "unavailable",
}


class CommandMemory:
    """The newest REMEMBERED answers by caller and key, with the command that was answered."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[tuple[str, str], tuple[CommandBody, CommandAnswer]] = (
            OrderedDict()
        )

    def find(self, caller: str, key: str) -> tuple[CommandBody, CommandAnswer] | None:
        """Command and answer of a key that the caller has used before."""
        with self._lock:
            return self._answers.get((caller, key))

    def keep(self, caller: str, key: str, body: CommandBody, answer: CommandAnswer) -> None:
        """Remember an answer."""
        with self._lock:
            self._answers[caller, key] = (body, answer)
            while len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)


def give_command(call: ApiCall) -> Response:
    """Give a command to the gate and answer what it answers."""
    body: CommandBody = call.body
    key = idempotency_key(call.request.headers.get("idempotency-key"))
    if (body.command is CommandName.MODE) is (body.mode is None):
        raise wrong_field("body.mode", body.mode, "belongs to the command mode, and to no other")
    memory: CommandMemory = call.request.app.state.commands
    if (known := memory.find(call.token.name, key)) is not None:
        if known[0] != body:
            raise Problem("key_used", f"Idempotency-Key {key} was used for another command")
        return _answered(known[1], replayed=True)
    why = body.reason()
    detail = f"{body.command}{'' if body.mode is None else ' ' + body.mode}: {why}"
    try:
        answer = call.site.gate.command(
            body.command,
            identity=key,
            why=why,
            who=call.who,
            source=call.address,
            mode=body.mode,
            via="api",
            expires_at=body.expires_at,
        )
    except CommandError:
        call.note("command_failed", detail)
        raise
    call.note("command", f"{detail}: {answer.result.value}")
    if answer.result is not AnswerResult.REPEATED:
        memory.keep(call.token.name, key, body, answer)
    return _answered(answer, replayed=False)


def _answered(answer: CommandAnswer, *, replayed: bool) -> Response:
    document: dict[str, Any] = answer.document()
    headers = {"Idempotent-Replayed": "true"} if replayed else {}
    if answer.result is AnswerResult.ACCEPTED:
        return json_answer(document, 200, **headers)
    name = _PROBLEM_OF.get(answer.result, "not_followed")
    detail = f"{answer.result.value}: {answer.reason}"
    raise Problem(name, detail, headers=headers, answer=document)
