# SPDX-License-Identifier: Apache-2.0
"""`plategate console --rehearse DIR`: the console of a rehearsed gate, with vehicles until Ctrl-C.

The gate, its lists, journal and command socket are the real ones; pins, camera and barrier are
simulated. Everything is in a temporary folder, which is removed at the end.
"""

from __future__ import annotations

import contextlib
import getpass
import itertools
import logging
import socket
import tempfile
import threading
from pathlib import Path

import typer

from plategate.commands.shared.rehearse_pictures import prepared_settings, settings_beside
from plategate.console.one_time_code import OneTimeCode, written
from plategate.console.server import make_server
from plategate.gate.acknowledging import Acknowledging
from plategate.gate.owner_settings import OwnerSettings
from plategate.gate.preview import Preview
from plategate.gate.reload import SettingsFile
from plategate.gate.remote_control import serve_commands
from plategate.health.socket import StatusSocket
from plategate.list_service.server import serve_lists
from plategate.rehearsal.pictures import PictureRehearsal, Rehearsed
from plategate.settings import Settings
from plategate.settings.commands import EVERY
from plategate.vision.images import find_pictures

ADDRESS, PORT = "127.0.0.1", 8080
BETWEEN_VEHICLES_S = 4.0
TRAVEL_S = 1.0
PATIENCE_S = 5.0


def run_rehearsed_console(config: Path | None, folder: Path) -> int:
    """Run gate and console until Ctrl-C; returns the exit status."""
    pictures = find_pictures([folder]) if folder.is_dir() else []
    if not pictures:
        raise typer.BadParameter(f"{folder}: holds no pictures", param_hint="--rehearse")
    logging.getLogger("plategate").setLevel(logging.CRITICAL)  # the page shows what happens
    with contextlib.ExitStack() as stack:
        state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plategate-console-")))
        listener = stack.enter_context(_listener())
        found = prepared_settings(settings_beside(config, folder), folder, [], None, state)
        settings = _with_sockets(found, state, listener.getsockname()[1])
        pause = threading.Event()
        stack.callback(pause.set)

        def left(rehearsed: Rehearsed) -> None:
            del rehearsed
            pause.wait(BETWEEN_VEHICLES_S)

        owner = OwnerSettings(lambda: settings, "settings.toml")
        file = SettingsFile("settings.toml", owner.read, owner=owner)
        rehearsal = PictureRehearsal(settings, itertools.cycle(pictures), left, TRAVEL_S, file)
        site = rehearsal.site
        site.health.add_source("lane", lambda: site.gate.status().document())
        site.health.add_source("allow_list", site.gate.allow_list)
        site.health.add_source("new_settings", site.gate.new_settings)
        site.health.add_source("occupancy", site.places.document)
        stack.callback(StatusSocket(settings.health.socket, site.health.status).close)
        preview = Preview(site.camera, site.components.clock)
        services = site.samples.services() | site.places.services() | preview.services()
        services |= Acknowledging(
            site.components.journal, settings.journal.dir, site.components.clock, site.gate.lane
        ).services()
        services |= owner.services(site.components.clock.wall, site.gate.reload)
        for served in (
            serve_commands(
                settings.commands, settings.journal.dir, site.gate, site.components, services
            ),
            preview.serve(settings.commands.preview_socket),
        ):
            if served is not None:
                stack.callback(served.close)
        stack.callback(serve_lists(settings).close)
        server = make_server(settings, secure=False)
        serving = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="console", daemon=True
        )
        serving.start()
        code = OneTimeCode(settings.console).offer()
        print(f"Console:       http://{ADDRESS}:{settings.console.port}/")
        print(f"One-time code: {written(code)}")
        print("A vehicle comes every few seconds; nothing real moves. Ctrl-C ends it.", flush=True)
        rehearsal.run()
        server.should_exit = True
        pause.set()
        serving.join(PATIENCE_S)
    return 0


def _listener() -> socket.socket:
    """A socket on PORT, or on any free port where that is taken."""
    try:
        return socket.create_server((ADDRESS, PORT))
    except OSError:
        return socket.create_server((ADDRESS, 0))


def _with_sockets(settings: Settings, state: Path, port: int) -> Settings:
    """The settings with sockets and the console's files in `state`; the arm moves visibly."""
    copied = {
        "access": {"list_socket": state / "lists.sock", "list_users": (getpass.getuser(),)},
        "health": {"socket": state / "status.sock"},
        "commands": {
            "socket": state / "command.sock",
            "users": {getpass.getuser(): EVERY},
            "preview_socket": state / "preview.sock",
            "owner_settings_file": state / "owner-settings.json",
        },
        "console": {"address": ADDRESS, "port": port, "state_dir": state / "console"},
        "barrier": {"auto_close_s": 3.0, "pass_within_s": 10.0},
        "lane": {"show_result_s": 2.0, "read_within_s": 60.0},
    }
    return settings.model_copy(
        update={
            table: getattr(settings, table).model_copy(update=values)
            for table, values in copied.items()
        }
    )
