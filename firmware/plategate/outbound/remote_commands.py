# SPDX-License-Identifier: Apache-2.0
"""Hand a command that came over the network to the gate's command socket.

The gate decides: it checks the user of this process, the expiry and whether the id was used before.
Checked here: that the settings allow the command, and that the broker did not store it (a retained
message would be delivered again at each connection).
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from plategate.clock import Clock, SystemClock
from plategate.errors import CommandError
from plategate.remote.client import send_command
from plategate.remote.protocol import AnswerResult, CommandAnswer, CommandRequest, parse_request

log = logging.getLogger(__name__)

LONGEST_VALIDITY = timedelta(seconds=60)
VIA = "mqtt"  # how a command arrived


@dataclass(frozen=True, slots=True)
class CommandRelay:
    """Gives the commands of one target; `source` is the address of the broker."""

    socket: Path
    allowed: tuple[str, ...]
    source: str
    clock: Clock = field(default_factory=SystemClock)

    def give(self, payload: bytes, retained: bool) -> dict[str, Any]:
        """The answer to a command as JSON types; nothing moves unless it is `accepted`."""
        try:
            answer = self._answer(payload, retained)
        except CommandError as error:
            answer = CommandAnswer("", AnswerResult.MALFORMED, str(error))
        if answer.result is not AnswerResult.ACCEPTED:
            log.warning("command over %s: %s: %s", VIA, answer.result.value, answer.reason)
        return answer.document()

    def _answer(self, payload: bytes, retained: bool) -> CommandAnswer:
        request = self._request(payload)
        if retained:
            raise CommandError("a retained message is no command; publish it without retain")
        if request.command not in self.allowed:
            reason = f"the settings of this target do not allow {request.command.value!r}"
            return CommandAnswer(request.id, AnswerResult.NOT_ALLOWED, reason)
        if request.expires_at > self.clock.wall() + LONGEST_VALIDITY:
            longest = f"{LONGEST_VALIDITY.seconds} s"
            raise CommandError(f"expires_at: is more than {longest} ahead; check the clocks")
        try:
            return send_command(self.socket, request)
        except CommandError as error:
            return CommandAnswer(request.id, AnswerResult.FAILED, str(error))

    def _request(self, payload: bytes) -> CommandRequest:
        """The request in a payload: that of commands.md without `via` and `from`."""
        try:
            document = json.loads(payload.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise CommandError("the message is not JSON in UTF-8") from error
        if not isinstance(document, dict):
            raise CommandError("the message is not a JSON object")
        if own := sorted({"via", "from"} & document.keys()):
            raise CommandError(f"{own[0]!r} is set by the gate and must not be sent")
        defaults = {"who": VIA, "why": f"command over {VIA}"}
        origin = {"via": VIA, "from": self.source}
        return parse_request(json.dumps(defaults | document | origin).encode())
