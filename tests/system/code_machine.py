# SPDX-License-Identifier: Apache-2.0
"""Folders of a gate with the one-time code of its console, owned by real users; made by root."""

from __future__ import annotations

# Loaded here, since another user may not be able to read it; templates need it.
import encodings.unicode_escape  # noqa: F401
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from starlette.testclient import TestClient

from plategate.console.app import build_app
from plategate.console.code_announcing import Announcer
from plategate.settings import Settings, load_settings
from tests.console.bed import ORIGIN, setup_form

from .test_owners import User

SYSTEM = Path(__file__).resolve().parents[2] / "firmware" / "system"
UNIT = SYSTEM / "plategate-console-code.service"
# Users that every Debian has stand for those of the device: the command looks them up by name.
CONSOLE, GATE, OTHER = "daemon", "games", "nobody"


def user(name: str) -> User:
    found = pwd.getpwnam(name)
    return User(found.pw_uid, (found.pw_gid,))


@dataclass
class Machine:
    """Folders of a gate, its settings, and the files that show the code."""

    root: Path
    config: Path
    settings: Settings

    @property
    def shown(self) -> dict[str, Path]:
        return {name: self.settings.console.code_dir / name for name in ("code", "issue", "lamp")}

    def announcer(self) -> Announcer:
        return Announcer(self.settings)

    def browser(self) -> TestClient:
        return TestClient(
            build_app(self.settings), base_url=ORIGIN,
            headers={"origin": ORIGIN, "sec-fetch-site": "same-origin"}, follow_redirects=False,
        )  # fmt: skip

    def use(self, code: str) -> int:
        """Use the code at a console that runs as its user; returns the status of the answer."""
        console = user(CONSOLE)
        return int(
            console.run(lambda: self.browser().post("/setup", data=setup_form(code)).status_code)
        )


def made_machine() -> Iterator[Machine]:
    """A machine that is removed at the end."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    for name, mode, owner in (
        ("console", 0o700, CONSOLE), ("gate", 0o750, GATE), ("gate/gate", 0o750, GATE),
        ("code", 0o711, "root"),
    ):  # fmt: skip
        (root / name).mkdir()
        (root / name).chmod(mode)
        os.chown(root / name, pwd.getpwnam(owner).pw_uid, pwd.getpwnam(owner).pw_gid)
    config = root / "settings.toml"
    config.write_text(
        f'[console]\nstate_dir = "{root}/console"\ncode_dir = "{root}/code"\n'
        f'[journal]\ndir = "{root}/gate/gate"\n'
    )
    yield Machine(root, config, load_settings(config))
    shutil.rmtree(root)
