# SPDX-License-Identifier: Apache-2.0
"""Give a command to the running gate and wait for its answer.

The gate stores who asks and why before anything moves. Who may give which command is a setting
(commands.users); the gate knows the user of this process from the kernel.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from plategate.errors import CameraError, CommandError, reason_of_own, storable
from plategate.local_socket import ask
from plategate.messages import CommandName
from plategate.remote.protocol import (
    LONGEST_ANSWER_BYTES,
    AnswerResult,
    CommandAnswer,
    CommandRequest,
    ServiceName,
    encode,
    parse_answer,
    parse_request,
)
from plategate.users import user_name

ANSWER_WITHIN_S = 10.0
VALID_FOR_S = 10.0
LONGEST_PICTURE_BYTES = 20_000_000
PICTURE_WITHIN_S = 5.0


def new_request(
    command: CommandName | ServiceName,
    *,
    why: str,
    who: str,
    via: str,
    source: str = "local",
    mode: str | None = None,
    data: dict[str, Any] | None = None,
    valid_for_s: float = VALID_FOR_S,
) -> CommandRequest:
    """A request with a new id that expires after `valid_for_s`."""
    expires_at = datetime.now(UTC) + timedelta(seconds=valid_for_s)
    identity = secrets.token_urlsafe(12)
    return CommandRequest(
        identity, command, storable(why), storable(who), via, source, expires_at, mode, data
    )


def send_command(
    file: Path, request: CommandRequest, within_s: float = ANSWER_WITHIN_S
) -> CommandAnswer:
    """The gate's answer. Raises CommandError if no gate answers at `file` within `within_s`."""
    try:
        answer = ask(file, encode(request), within_s, LONGEST_ANSWER_BYTES)
    except OSError as error:
        raise CommandError(f"no gate takes commands at {file}: {reason_of_own(error)}") from error
    if not answer:
        raise CommandError(f"the gate at {file} ended the connection without an answer")
    return parse_answer(answer)


def give_command(
    file: Path,
    command: CommandName | ServiceName,
    why: str,
    *,
    mode: str | None = None,
    data: dict[str, Any] | None = None,
    within_s: float = ANSWER_WITHIN_S,
) -> CommandAnswer:
    """Give a command for the person at the terminal.

    Raises CommandError where the gate does not follow it.
    """
    request = new_request(command, why=why, who=user_name(), via="cli", mode=mode, data=data)
    parse_request(encode(request))  # the same checks as at the gate, before anything is sent
    answer = send_command(file, request, within_s)
    if answer.result is not AnswerResult.ACCEPTED:
        raise CommandError(f"{command}: {answer.result.value.replace('_', ' ')}: {answer.reason}")
    return answer


@dataclass(frozen=True, slots=True)
class PreviewPicture:
    """A JPEG of what the camera sees, its size in pixels, and what is left of the view."""

    jpeg: bytes
    width: int
    height: int
    seconds: int


def ask_picture(file: Path, token: str, *, whole: bool) -> PreviewPicture:
    """One picture; `whole` is the size of a still.

    Raises CommandError where the view has ended or no gate answers, CameraError where there is no
    picture now.
    """
    request = json.dumps({"token": token, "whole": whole}).encode() + b"\n"
    try:
        answer = ask(file, request, PICTURE_WITHIN_S, LONGEST_PICTURE_BYTES)
    except OSError as error:
        raise CommandError(f"no gate shows its camera at {file}: {reason_of_own(error)}") from error
    line, _, jpeg = answer.partition(b"\n")
    try:
        found = json.loads(line)
        if found.get("error") == "camera":
            raise CameraError(str(found["reason"]))
        if "error" in found:
            raise CommandError("the view has ended")
        return PreviewPicture(
            jpeg, int(found["width"]), int(found["height"]), int(found["seconds"])
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CommandError(f"{file}: not a picture: {error}") from error
