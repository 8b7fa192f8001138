# SPDX-License-Identifier: Apache-2.0
"""The users of console, lists and gate: only the owner of the lists writes them, when asked."""

from __future__ import annotations

import os
import signal
import time

import pytest

from plategate.access.store.lists import ListName
from plategate.list_service.client import ListClient, Requester
from plategate.list_service.server import run_list_service

from .test_owners import NUMBERS, Machine, changes, fails, machine, users

__all__ = ["machine"]  # a fixture

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


def test_ok__console_changes_a_list_through_the_service_of_its_owner(machine: Machine) -> None:
    """The console cannot write the file; the kernel says who asks, and other users get nothing."""
    console, gate = users()["plategate-console"], users()["plategate"]
    folder = machine.state / "lists"
    number = f"uid {console.uid}"
    access = {"list_socket": folder / "lists.sock", "list_users": (number,)}
    settings = machine.settings.model_copy(
        update={"access": machine.settings.access.model_copy(update=access)}
    )
    sync = users()["plategate-sync"]
    service = os.fork()
    if service == 0:
        os.setgroups(sync.groups[1:])
        os.setresgid(*[sync.groups[0]] * 3)
        os.setresuid(*[sync.uid] * 3)
        os.umask(0o027)
        run_list_service(settings)
        os._exit(0)
    try:
        client = ListClient(settings.access.list_socket)
        while not settings.access.list_socket.exists():
            time.sleep(0.02)
        # systemd gives the socket to the group plategate.
        os.chown(settings.access.list_socket, sync.uid, NUMBERS["plategate"])
        asked = Requester("guard:anna", "guest")
        add = lambda: client.add(asked, ListName.ALLOW, {"plate": "AB12CDE"})["number"]  # noqa: E731
        assert console.run(add) == 1
        assert gate.run(machine.plates) == console.run(machine.plates) == ["AB12CDE"]
        refused = gate.run(lambda: fails(add) and machine.plates())
        assert refused == ["AB12CDE"]
        assert changes(console, folder) == []
    finally:
        os.kill(service, signal.SIGTERM)
        os.waitpid(service, 0)
