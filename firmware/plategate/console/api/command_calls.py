# SPDX-License-Identifier: Apache-2.0
"""Commands to the gate, alarms and samples through the API, each followed once however often it is
sent.

The caller's Idempotency-Key is the id of the command at the gate.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.responses import Response

from plategate.console.api.bodies import LONGEST_PLATE, AcknowledgeBody, CommandBody, SampleBody
from plategate.console.api.call import ApiCall, json_answer
from plategate.console.api.inputs import visible_text
from plategate.console.api.keys import REPLAYED, key_memory, key_of
from plategate.console.api.problems import Problem, wrong_field
from plategate.console.guard import whole_number
from plategate.errors import CommandError, printable
from plategate.messages import CommandName
from plategate.remote.protocol import AnswerResult, CommandAnswer, ServiceName

_PROBLEM_OF = {
    AnswerResult.NOT_ALLOWED: "not_allowed",
    AnswerResult.MALFORMED: "invalid_input",
    AnswerResult.FAILED: "unavailable",
}


def give_command(call: ApiCall) -> Response:
    """Give a command to the gate and answer what it answers."""
    body: CommandBody = call.body
    if (body.command is CommandName.MODE) is (body.mode is None):
        raise wrong_field("body.mode", body.mode, "belongs to the command mode, and to no other")
    what = " ".join(filter(None, (body.command, body.mode)))
    return follow_once(
        call, body.command, body.reason(), what, mode=body.mode, expires_at=body.expires_at
    )


def acknowledge_alarm(call: ApiCall) -> Response:
    """Acknowledge an alarm; the gate keeps who and why as an event."""
    body: AcknowledgeBody = call.body
    number = whole_number(call.path("sequence"))
    if number is None:
        shown = printable(call.path("sequence"), 40)
        raise Problem("not_found", f"{shown!r} is not the number of an event")
    service = ServiceName.ACKNOWLEDGE
    data = {"sequence": number}
    return follow_once(call, service, body.reason(), f"{service} {number}", data=data)


def keep_sample(call: ApiCall) -> Response:
    """Keep the still of a passage that was read wrong, with what is on the plate, for training."""
    body: SampleBody = call.body
    passage, service = call.path("passage_id"), ServiceName.SAMPLE
    data = {"passage": passage, "text": visible_text("body.text", body.text, LONGEST_PLATE)}
    what = f"{service} {printable(passage, 60)}"
    return follow_once(call, service, "read wrong", what, data=data)


def follow_once(
    call: ApiCall,
    command: CommandName | ServiceName,
    why: str,
    what: str,
    *,
    mode: str | None = None,
    data: dict[str, Any] | None = None,
    expires_at: datetime | None = None,
) -> Response:
    """The gate's answer to a command; sent again with its key, the first answer again.

    `what` is what the audit log says. Raises Problem and CommandError.
    """
    key, memory = key_of(call), key_memory(call)
    if (known := memory.find(call)) is not None:
        return _answered(known, replayed=True)
    answer = gate_answer(
        call, command, why, what, identity=key, mode=mode, data=data, expires_at=expires_at
    )
    if answer.result is not AnswerResult.REPEATED:
        memory.keep(call, answer)
    return _answered(answer, replayed=False)


def gate_answer(
    call: ApiCall,
    command: CommandName | ServiceName,
    why: str,
    what: str,
    *,
    identity: str,
    mode: str | None = None,
    data: dict[str, Any] | None = None,
    expires_at: datetime | None = None,
) -> CommandAnswer:
    """The gate's answer, with a line in the audit log. Raises CommandError."""
    try:
        answer = call.lane.gate.command(
            command,
            identity=identity,
            why=why,
            who=call.who,
            source=call.address,
            mode=mode,
            data=data,
            via="api",
            expires_at=expires_at,
        )
    except CommandError:
        call.note("command_failed", f"{what}: {why}")
        raise
    call.note("command", f"{what}: {why}: {answer.result.value}")
    return answer


def checked(answer: CommandAnswer, headers: dict[str, str] | None = None) -> CommandAnswer:
    """An answer that the gate has followed. Raises Problem."""
    if answer.result is AnswerResult.ACCEPTED:
        return answer
    name = _PROBLEM_OF.get(answer.result, "not_followed")
    detail = f"{answer.result.value}: {answer.reason}"
    raise Problem(name, detail, headers=headers, answer=answer.document())


def _answered(answer: CommandAnswer, *, replayed: bool) -> Response:
    headers = REPLAYED if replayed else {}
    return json_answer(checked(answer, headers).document(), 200, **headers)
