# SPDX-License-Identifier: Apache-2.0
"""`plategate outbound run | status | test`: send events to other systems.

`run` is the process of plategate-outbound.service. It has the network, but no pins and no lists.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from plategate.terminal import Config

app = typer.Typer(no_args_is_help=True, help="Send events to MQTT brokers.")


def register(root: typer.Typer) -> None:
    """Add the group to the root."""
    root.add_typer(app, name="outbound")


@app.command()
def run(config: Config = None) -> None:
    """Send events until the process is stopped."""
    from plategate.logs import log_to_stderr
    from plategate.outbound.run import run_outbound
    from plategate.settings import load_settings

    log_to_stderr()
    run_outbound(load_settings(config))


@app.command()
def status(config: Config = None) -> None:
    """Show how far each target is; exit 1 if one gets nothing at the moment."""
    from contextlib import closing

    from plategate.errors import printable
    from plategate.journal.reader import JournalReader
    from plategate.outbound.positions import read_positions
    from plategate.settings import load_settings

    settings = load_settings(config)
    positions = read_positions(settings.outbound.state_dir)
    with closing(JournalReader(settings.journal.dir)) as reader:
        newest, journal = reader.newest_sequence(), reader.identity()
    failing = False
    for target in settings.outbound.targets:
        position = positions.get(target.name)
        if position is None:
            print(f"{target.name}: nothing sent yet")
            continue
        waiting = newest - position.sequence if position.journal == journal else newest
        line = f"{target.name}: {max(0, waiting)} events wait"
        if position.lost:
            line += f", {position.lost} were deleted before they could be sent"
        if position.problem is not None:
            failing = True
            line += f"; failing: {printable(position.problem)}"
        print(line)
    if not settings.outbound.targets:
        print("no targets in the settings (see [[outbound.mqtt]])")
    raise typer.Exit(1 if failing else 0)


@app.command("test")
def send_test(
    name: Annotated[str, typer.Argument(metavar="TARGET", help="name of the target")],
    config: Config = None,
) -> None:
    """Send a test message to one target and wait for its acknowledgement."""
    from plategate.errors import SettingsError
    from plategate.outbound.message import Message
    from plategate.outbound.mqtt import MqttTarget
    from plategate.outbound.run import mqtt_site
    from plategate.settings import load_settings
    from plategate.users import step_down_to_owner

    settings = load_settings(config)
    found = {target.name: target for target in settings.outbound.mqtt}
    if name not in found:
        known = ", ".join(found) or "none"
        raise SettingsError(f"{name}: no target of this name in [outbound]; known: {known}")
    step_down_to_owner(settings.outbound.state_dir)
    target = found[name]
    at = datetime.now(UTC)
    message = Message(
        id=f"{settings.outbound.gate}-test-{at:%Y%m%dT%H%M%S}",
        type="outbound.test",
        at=at.isoformat(),
        gate=settings.outbound.gate,
        lane="",
        journal=0,
        sequence=0,
        data={},
    )
    client = MqttTarget(
        target, mqtt_site(settings, target, lambda: 0), lambda: None, announce=False
    )
    try:
        client.open()
        client.send([message])
    finally:
        client.close()
    print(f"{name}: {target.host}:{target.port_in_use} has acknowledged message {message.id}")
