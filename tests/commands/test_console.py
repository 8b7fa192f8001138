# SPDX-License-Identifier: Apache-2.0
"""`plategate console`: the one-time code of root makes an owner at a console that really serves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.console.one_time_code import CODE_FILE, OneTimeCode
from plategate.settings import load_settings

DEMO = Path(__file__).parents[1] / "data" / "demo"
PASSWORD = "correct horse battery"


def test_ok__code_is_printed_and_its_hash_stored_for_its_owner_only(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(
        f'[console]\nstate_dir = "{tmp_path}/console"\ncode_dir = "{tmp_path}/missing"\n'
    )
    first, second = (
        CliRunner().invoke(app, ["console", "code", "--config", str(config)]) for _ in range(2)
    )
    assert (first.exit_code, second.exit_code) == (0, 0)
    code = re.search(r"^One-time code: (\d{4}-\d{4})\n", second.stdout)
    assert code is not None
    assert first.stdout != second.stdout
    assert OneTimeCode(load_settings(config).console).matches(code[1])
    assert (tmp_path / "console" / CODE_FILE).stat().st_mode & 0o077 == 0


def test_fail__plain_http_on_a_network_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(f'[console]\nstate_dir = "{tmp_path}/console"\n')
    done = subprocess.run(
        [sys.executable, "-m", "plategate", "console", "--http", "--config", str(config)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert "console.address" in done.stderr


def test_fail__a_rehearsal_without_pictures_is_wrong_usage(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["console", "--rehearse", str(tmp_path)])
    assert done.exit_code == 2
    assert "holds no pictures" in re.sub(r"[│\s]+", " ", done.stderr)


@pytest.fixture
def rehearsed() -> tuple[subprocess.Popen[str], str, str]:
    """A console of a rehearsed gate in its own process, its address and one-time code."""
    process = subprocess.Popen(
        [sys.executable, "-m", "plategate", "console", "--rehearse", str(DEMO)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    address, code = (process.stdout.readline().split()[-1] for _ in range(2))
    yield process, address, code
    process.kill()
    process.wait()
    process.stdout.close()


def test_ok__rehearsed_vehicles_and_an_opening_are_seen_and_ctrl_c_ends_it(
    rehearsed: tuple[subprocess.Popen[str], str, str],
) -> None:
    process, address, code = rehearsed
    origin = address.rstrip("/")
    with httpx.Client(base_url=origin, headers={"origin": origin}, timeout=60) as browser:
        form = {"code": code, "name": "anna", "password": PASSWORD, "again": PASSWORD}
        assert browser.post("/setup", data=form).status_code == 303
        page, waited = "", 0
        while "Granted: on the list" not in page and waited < 240:
            time.sleep(0.5)
            waited += 1
            page = browser.get("/passages").text
        assert "Granted: on the list" in page
        values = dict(re.findall(r'name="(csrf|id)" value="([^"]+)"', browser.get("/").text))
        asked = values | {"command": "open", "why": "parcel service"}
        answers = [browser.post("/command", data=asked).text for _ in range(2)]
        assert "The gate follows." in answers[0] or "vehicle is passing" in answers[0]
        assert "nothing moved again" in answers[1]
        assert "parcel service" in browser.get("/health").text
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
