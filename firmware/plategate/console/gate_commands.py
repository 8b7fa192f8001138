# SPDX-License-Identifier: Apache-2.0
"""Give a command to the gate in the name of the person logged in, and note it in the audit log."""

from __future__ import annotations

from typing import Any

from plategate.console.site import PageRequest
from plategate.errors import CommandError
from plategate.messages import CommandName
from plategate.remote.protocol import CommandAnswer, ServiceName


def give(
    asked: PageRequest,
    command: CommandName | ServiceName,
    *,
    why: str,
    mode: str | None = None,
    data: dict[str, Any] | None = None,
    detail: str = "",
) -> CommandAnswer:
    """The gate's answer to a command of a form, which carries the id that makes it move once.

    `detail` is what the audit log says besides. Raises CommandError where no gate answers.
    """
    person, sessions = asked.person(), asked.site.sessions
    what = " ".join(part for part in (str(command), (mode or "")[:20], detail) if part)
    try:
        answer = asked.site.gate.command(
            command,
            identity=asked.form.get("id", ""),
            why=why,
            who=f"{person.role}:{person.account}",
            source=asked.address,
            mode=mode,
            data=data,
        )
    except CommandError:
        sessions.note(person.account, asked.address, "command_failed", f"{what}: {why}")
        raise
    sessions.note(person.account, asked.address, "command", f"{what}: {why}: {answer.result.value}")
    return answer
