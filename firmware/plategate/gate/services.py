# SPDX-License-Identifier: Apache-2.0
"""The commands that a gate answers without its lane (ServiceName), by name."""

from __future__ import annotations

from typing import Any

from plategate.gate.interfaces import GateComponents
from plategate.gate.loop import Gate
from plategate.gate.owner_settings import OwnerSettings
from plategate.gate.remote_control import Service
from plategate.remote.protocol import CommandRequest, ServiceName


def gate_services(
    gate: Gate, components: GateComponents, owner: OwnerSettings | None
) -> dict[ServiceName, Service]:
    """The services of a gate; without `owner` no setting can be changed."""
    services: dict[ServiceName, Service] = {}
    if owner is not None:

        def change_setting(request: CommandRequest) -> tuple[str, dict[str, Any]]:
            return owner.change(request, components.clock.wall(), gate.reload)

        services[ServiceName.SETTING] = change_setting
    return services
