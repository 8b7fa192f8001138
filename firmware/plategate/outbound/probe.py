# SPDX-License-Identifier: Apache-2.0
"""Send one test message to a target, without disturbing the running process."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

from plategate.errors import DeliveryError, SettingsError
from plategate.outbound.dead_letters import DeadLetters
from plategate.outbound.message import Message
from plategate.outbound.mqtt import MqttTarget
from plategate.outbound.run import make_folder, mqtt_site, notification_target, webhook_target
from plategate.replay import TEST
from plategate.settings import Settings
from plategate.settings.outbound import MqttSettings, NotificationSettings, WebhookSettings


def send_probe(settings: Settings, name: str) -> str:
    """The id of a test message that the target has taken; raises DeliveryError, SettingsError."""
    outbound = settings.outbound
    found = {target.name: target for target in outbound.targets}
    target = found.get(name)
    at = datetime.now(UTC)
    message = Message(
        id=f"{outbound.gate}-test-{at:%Y%m%dT%H%M%S}",
        type=TEST,
        at=at.isoformat(),
        gate=outbound.gate,
        lane="",
        journal=0,
        sequence=0,
        data={},
    )
    match target:
        case MqttSettings():
            _to_broker(settings, target, message)
        case WebhookSettings():
            _to_web_server(settings, target, message)
        case NotificationSettings():
            make_folder(outbound.state_dir)
            notification_target(settings, target, lambda *_: None, lambda: ()).test()
        case _:
            known = ", ".join(found) or "none"
            raise SettingsError(f"{name}: no target of this name in [outbound]; known: {known}")
    return message.id


def _to_broker(settings: Settings, target: MqttSettings, message: Message) -> None:
    site = mqtt_site(settings, target, lambda: 0)
    client = MqttTarget(target, site, lambda: None, announce=False)
    try:
        client.open()
        client.send([message])
    finally:
        client.close()


def _to_web_server(settings: Settings, target: WebhookSettings, message: Message) -> None:
    make_folder(settings.outbound.state_dir)
    with closing(DeadLetters(settings.outbound.state_dir)) as letters:
        refusal = webhook_target(settings, target, letters, lambda _: None).post(message)
    if refusal is not None:
        raise DeliveryError(refusal.sentence)
