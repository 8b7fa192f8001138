# SPDX-License-Identifier: Apache-2.0
"""A person at a gate whose units all run: reads the code, becomes the owner, uses the console.

Usage: units_check.py - in the container of boot_units, as root, with the installed Python.
Prints a line for each step; exit status 1 at the first that fails.
"""

from __future__ import annotations

import re
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import httpx

SHOWN = Path("/run/plategate-code")
CODE = SHOWN / "code"
LAMP = Path("/var/lib/plategate/gate/gate/lamp.log")
PAUSE = Path("/run/plategate/pause")
CA = Path("/var/lib/plategate/console/ca.crt")
RECEIVED = Path("/opt/rehearsal/received")
ORIGIN = "https://127.0.0.1:8443"
PASSWORD = "correct horse battery"
GUEST = "HH GU 1234"
PATIENCE_S = 300.0

Found = TypeVar("Found")


def until(what: str, look: Callable[[], Found | None]) -> Found:
    """What `look` finds, as soon as it finds something; prints how long that took."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_S:
        if found := look():
            print(f"{what} (after {time.monotonic() - began:.0f} s)", flush=True)
            return found
        time.sleep(0.5)
    sys.exit(f"FAILED after {PATIENCE_S:.0f} s: {what}")


def need(what: str, is_so: bool) -> None:
    """Print a step that worked, or end."""
    if not is_so:
        sys.exit(f"FAILED: {what}")
    print(what, flush=True)


def code_on_the_lamp() -> str | None:
    """The code as a person counts it: a light of seconds begins it, ten blinks are a 0."""
    lines = LAMP.read_text(encoding="utf-8").splitlines()
    edges = [(datetime.fromisoformat(at), what) for at, what in map(str.split, lines)]
    digits, blinks = None, 0
    for (at, what), (until_at, _) in pairwise(edges):
        lasted = (until_at - at).total_seconds()
        if what == "on" and lasted > 2:
            digits, blinks = "", 0
        elif what == "on":
            blinks += 1
        elif digits is not None and blinks and lasted > 1:
            digits, blinks = digits + str(blinks % 10), 0
            if lasted > 3:
                return digits if len(digits) == 8 else None
    return None


def form_of(browser: httpx.Client, path: str) -> dict[str, str]:
    """Form token and id of a page."""
    return dict(re.findall(r'name="(csrf|id)" value="([^"]+)"', browser.get(path).text))


def owner(browser: httpx.Client) -> None:
    """Become the owner by the code on the lamp; then the code is shown nowhere and is refused."""
    until("a code is shown", CODE.exists)
    found = re.search(r"(\d{4})-(\d{4})", CODE.read_text(encoding="utf-8"))
    assert found is not None
    shown = found[1] + found[2]
    PAUSE.touch()
    LAMP.write_text("", encoding="utf-8")
    until("the lamp blinks the same code", lambda: code_on_the_lamp() == shown)
    PAUSE.unlink()
    form = {"code": shown, "name": "anna", "password": PASSWORD, "again": PASSWORD}
    need("the code makes an owner", browser.post("/setup", data=form).status_code == 303)
    until("the code is shown nowhere any more", lambda: not list(SHOWN.iterdir()))
    again = browser.post("/setup", data={**form, "name": "eve"})
    need("and is refused the second time", again.status_code == 400)


def use(browser: httpx.Client) -> None:
    """What needs the other units: lists, sync, outbound."""
    guest = {**form_of(browser, "/lists"), "list": "allow", "plate": GUEST, "span": "today"}
    answer = browser.post("/lists/add", data={**guest, "holder": "Gerda Guest", "confirmed": GUEST})
    need("a guest is added by the list service", answer.status_code == 303)
    page = browser.post("/lists/sync", data=form_of(browser, "/lists/sync"), follow_redirects=True)
    until(
        "a preview of the next sync is made",
        lambda: "This page refreshes by itself" not in browser.get(page.url).text,
    )
    until("a vehicle passes", lambda: "Granted" in browser.get("/passages?result=granted").text)
    passage = re.search(r'href="(/passages/[^"?]+)"', browser.get("/passages?result=granted").text)
    assert passage is not None
    need("its page has its picture", "<figure>" in browser.get(passage[1]).text)
    asked = {**form_of(browser, "/"), "command": "open", "why": "trial"}
    status = browser.post("/command", data=asked).status_code
    need("the gate answers a command", status in (200, 409))
    until("its events reach the web server", lambda: RECEIVED.exists() and RECEIVED.stat().st_size)


def lost_password(browser: httpx.Client) -> None:
    """Root makes another code."""
    command = ["plategate", "console", "code"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    need("a code of root is shown as well", printed.split("\n")[0] in CODE.read_text("utf-8"))
    need("not on the lamp, since somebody owns the console", not (SHOWN / "lamp").exists())
    time.sleep(10)  # the service has looked at it
    need("and is still shown later", CODE.exists())
    need("and is valid", "A code is valid now." in browser.get("/setup").text)


def main() -> None:
    """All steps."""
    until("the console has its certificate", CA.exists)
    context = ssl.create_default_context(cafile=str(CA))
    headers = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=ORIGIN, verify=context, headers=headers, timeout=60) as browser:

        def answers() -> bool:
            try:
                return browser.get("/").headers.get("location") == "/setup"
            except httpx.TransportError:
                return False

        until("the console answers, and asks for the code", answers)
        owner(browser)
        use(browser)
        lost_password(browser)


if __name__ == "__main__":
    main()
