# SPDX-License-Identifier: Apache-2.0
"""Commands to the gate through the API, each followed once however often it is sent.

The caller's Idempotency-Key is the id of the command at the gate.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from plategate.console.api.call import ApiCall, json_answer
from plategate.console.api.inputs import CommandBody
from plategate.console.api.keys import REPLAYED, KeyMemory, key_of
from plategate.console.api.problems import Problem, wrong_field
from plategate.errors import CommandError
from plategate.messages import CommandName
from plategate.remote.protocol import AnswerResult, CommandAnswer

_PROBLEM_OF = {
    AnswerResult.NOT_ALLOWED: "not_allowed",
    AnswerResult.MALFORMED: "invalid_input",
    AnswerResult.FAILED: "unavailable",
}


def give_command(call: ApiCall) -> Response:
    """Give a command to the gate and answer what it answers."""
    body: CommandBody = call.body
    key = key_of(call)
    if (body.command is CommandName.MODE) is (body.mode is None):
        raise wrong_field("body.mode", body.mode, "belongs to the command mode, and to no other")
    memory: KeyMemory = call.request.app.state.keys
    if (known := memory.find(call)) is not None:
        return _answered(known, replayed=True)
    why = body.reason()
    detail = f"{body.command}{'' if body.mode is None else ' ' + body.mode}: {why}"
    try:
        answer = call.lane.gate.command(
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
        memory.keep(call, answer)
    return _answered(answer, replayed=False)


def _answered(answer: CommandAnswer, *, replayed: bool) -> Response:
    document: dict[str, Any] = answer.document()
    headers = REPLAYED if replayed else {}
    if answer.result is AnswerResult.ACCEPTED:
        return json_answer(document, 200, **headers)
    name = _PROBLEM_OF.get(answer.result, "not_followed")
    detail = f"{answer.result.value}: {answer.reason}"
    raise Problem(name, detail, headers=headers, answer=document)
