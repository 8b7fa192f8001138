# SPDX-License-Identifier: Apache-2.0
"""A web server as a target, after Standard Webhooks; see docs/integrator/webhooks.md.

What holds up a message holds up those after it, so that the order stays. A server that does not
answer is asked again in growing intervals; a message that it refuses becomes a dead letter.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from plategate.errors import DeliveryError
from plategate.outbound.dead_letters import DeadLetter, DeadLetters
from plategate.outbound.message import Message
from plategate.outbound.webhook_request import (
    Refusal,
    body_of,
    now_s,
    post,
    read_secrets,
    signature_headers,
)
from plategate.settings.outbound import WebhookSettings

# The schedule of Standard Webhooks up to half an hour; from then on every half hour, because the
# messages after the first one wait too.
PAUSES_S = (5.0, 300.0, 1800.0)
JITTER = 0.2
# Sum of the pauses that Standard Webhooks suggests.
GIVE_UP_AFTER = timedelta(hours=75.6)
# Statuses of an overloaded or absent server. Other 4xx refuse the message.
TEMPORARY = frozenset({408, 425, 429})
REFUSALS_MAX = 3
GONE = 410
IDLE_S = 10.0
AGAIN_AT_ONCE = 5
ENDED_PAUSE_S = 60.0


class WebhookTarget:
    """One web server. `again` makes the message of a dead letter, None where it is deleted."""

    def __init__(
        self,
        settings: WebhookSettings,
        letters: DeadLetters,
        again: Callable[[DeadLetter], Message | None],
        picture: Callable[[Message], bytes | None],
    ) -> None:
        self._settings = settings
        self._letters = letters
        self._again = again
        self._picture = picture
        self._failures = 0  # of the first message, in a row
        self._failing_since: datetime | None = None

    @property
    def name(self) -> str:
        """The name in the settings."""
        return self._settings.name

    def open(self) -> None:
        """Nothing is connected before the first message."""
        ended = self._letters.why_ended(self.name)
        if ended is not None:
            raise DeliveryError(ended, pause_s=ENDED_PAUSE_S)

    def send(self, messages: Sequence[Message]) -> None:
        """Post messages one after the other."""
        for number, message in enumerate(messages):
            refusal = self.post(message)
            if refusal is not None and not self._gives_up(message, refusal, number):
                raise DeliveryError(refusal.sentence, number, self._pause_s(refusal))
            if refusal is not None:
                self._letters.add(self.name, message, refusal.sentence)
            self._failures = 0
            # While the server is down, the time of its failure counts for later messages as well.
            if refusal is None:
                self._failing_since = None

    def idle(self, caught_up: bool) -> float:
        """Send dead letters again that were asked for."""
        del caught_up
        asked = self._letters.to_retry(self.name)
        for letter in asked[:AGAIN_AT_ONCE]:
            message = self._again(letter)
            if message is None:
                self._letters.refused_again(letter, "its event was deleted from the journal")
                continue
            refusal = self.post(message)
            if refusal is None:
                self._letters.remove(letter)
            else:
                self._letters.refused_again(letter, refusal.sentence)
        return IDLE_S if len(asked) <= AGAIN_AT_ONCE else 0.0

    def close(self) -> None:
        """Nothing is open between two messages."""

    def post(self, message: Message) -> Refusal | None:
        """Post one message, once."""
        secrets = read_secrets(self._settings.secret_files)
        body, content_type = body_of(message, self._settings.format, self._picture(message))
        headers = signature_headers(message.id, body, secrets, now_s())
        return post(self._settings, body, headers | {"Content-Type": content_type})

    def _gives_up(self, message: Message, refusal: Refusal, delivered: int) -> bool:
        """Count a refusal; whether the message becomes a dead letter."""
        if refusal.status == GONE:
            again = f"plategate outbound retry {self.name} begins again"
            sentence = f"{refusal.sentence} (gone); {again}"
            self._letters.end(self.name, sentence)
            raise DeliveryError(sentence, delivered, ENDED_PAUSE_S)
        self._failures += 1
        status = refusal.status or 0
        if 400 <= status <= 499 and status not in TEMPORARY:
            return self._failures >= REFUSALS_MAX
        now = datetime.now(UTC)
        self._failing_since = self._failing_since or now
        waiting_since = max(self._failing_since, datetime.fromisoformat(message.at))
        return now - waiting_since > GIVE_UP_AFTER

    def _pause_s(self, refusal: Refusal) -> float:
        pause_s = PAUSES_S[min(self._failures, len(PAUSES_S)) - 1]
        pause_s *= random.uniform(1 - JITTER, 1 + JITTER)
        return max(pause_s, refusal.retry_after_s or 0.0)
