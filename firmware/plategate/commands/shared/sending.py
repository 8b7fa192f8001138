# SPDX-License-Identifier: Apache-2.0
"""Send a command to the running gate in the name of the person at the terminal."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Any

from plategate.errors import CommandError
from plategate.messages import CommandName
from plategate.remote.client import new_request, send_command
from plategate.remote.protocol import (
    AnswerResult,
    CommandAnswer,
    ServiceName,
    encode,
    parse_request,
)
from plategate.settings import load_settings


def send(
    command: CommandName | ServiceName,
    why: str,
    config: Path | None,
    *,
    mode: str | None = None,
    data: dict[str, Any] | None = None,
) -> CommandAnswer:
    """The answer of the gate. Raises CommandError where it does not follow."""
    settings = load_settings(config)
    request = new_request(command, why=why, who=_person(), via="cli", mode=mode, data=data)
    parse_request(encode(request))  # the same checks as at the gate, before anything is sent
    answer = send_command(settings.commands.socket, request)
    if answer.result is not AnswerResult.ACCEPTED:
        raise CommandError(f"{command}: {answer.result.value.replace('_', ' ')}: {answer.reason}")
    return answer


def _person() -> str:
    """The person behind sudo, else the user of the process."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
