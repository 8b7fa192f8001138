# SPDX-License-Identifier: Apache-2.0
"""Check a discovery message (stdin) with Home Assistant's own schemas; any output is a fault.

For an interpreter that has the packages homeassistant and paho-mqtt, see docs/integrator/mqtt.md.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import sys
import tempfile
from typing import Any


async def check(message: dict[str, Any], folder: str) -> None:
    """Validate device, origin and every component with the schema of its platform."""
    core: Any = importlib.import_module("homeassistant.core")
    frame: Any = importlib.import_module("homeassistant.helpers.frame")
    discovery: Any = importlib.import_module("homeassistant.components.mqtt.discovery")
    schemas: Any = importlib.import_module("homeassistant.components.mqtt.schemas")
    # Templates are compiled by a running core only.
    running = core.HomeAssistant(folder)
    frame.async_setup(running)
    discovery._replace_all_abbreviations(message)
    device = schemas.DEVICE_DISCOVERY_SCHEMA(message)
    shared = {
        key: device[key]
        for key in ("device", "origin", "availability_topic", "qos")
        if key in device
    }
    for component in device["components"].values():
        platform = importlib.import_module(f"homeassistant.components.mqtt.{component['platform']}")
        own = {key: value for key, value in component.items() if key != "platform"}
        platform.DISCOVERY_SCHEMA(own | shared)
    await running.async_stop(force=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(check(json.load(sys.stdin), folder))
