# SPDX-License-Identifier: Apache-2.0
"""The setup scripts install every system file, remove it again, and name a remedy on failure."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = ROOT / "firmware" / "system"
COMMON = (ROOT / "scripts" / "setup" / "common.sh").read_text(encoding="utf-8")
SYSTEM_FILES = re.findall(r'^    "(\S+) (/etc/\S+)"$', COMMON, re.MULTILINE)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


def common(expression: str) -> str:
    """Output of a shell expression that may use the functions of common.sh."""
    done = run("bash", "-euc", f". scripts/setup/common.sh; {expression}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ok__every_system_file_is_installed_and_removed() -> None:
    # install and uninstall use the same table, so a file in it is installed and removed. The
    # others are used where they are, in the folder of the version.
    sources = {source for source, _ in SYSTEM_FILES}
    present = {
        str(file.relative_to(SYSTEM))
        for file in SYSTEM.rglob("*")
        if file.is_file()
        and file.name not in ("settings.toml", "reboot-if-stuck", "formats")
        and file.parent.name != "monitoring"  # for the server that watches gates
    }
    assert sources == present


def test_ok__only_units_that_a_version_has_are_started(tmp_path: Path) -> None:
    """After a failed upgrade the version before is activated, which has fewer units."""
    shell = f"PREFIX={tmp_path}; units_of"
    for version, left_out in (("new", ""), ("old", "plategate-console-code.path")):
        folder = tmp_path / "versions" / version / "system"
        folder.mkdir(parents=True)
        for file in (file for file in SYSTEM.glob("*.*") if file.name != left_out):
            (folder / file.name).touch()
    units = [
        *("plategate-gate.service", "plategate-sync.timer", "plategate-outbound.service"),
        *("plategate-lists.socket", "plategate-sync-preview.path", "plategate-console-code.path"),
    ]
    assert common(f"{shell} new").split() == units
    assert common(f"{shell} old").split() == units[:5]


def test_ok__a_unit_that_an_older_version_lacks_does_not_go_on_running(tmp_path: Path) -> None:
    """Such as the console: it would run with the files of the version that is no longer current."""
    stubs = "has_systemd() { true; }; systemctl() { echo systemctl $*; }"
    for name in ("plategate-console.service", "plategate-lists.socket", "plategate.conf"):
        (tmp_path / name).touch()
    files = " ".join(
        f"remove_system_file {tmp_path / name};"
        for name in ("missing.timer", *sorted(file.name for file in tmp_path.iterdir()))
    )
    assert common(f"{stubs}; {files}").splitlines() == [
        "systemctl stop plategate-console.service",
        "systemctl stop plategate-lists.socket",
    ]
    assert list(tmp_path.iterdir()) == []


def test_ok__version_is_the_same_for_the_same_tree() -> None:
    version = common("tree_version")
    assert version == common("tree_version")
    assert re.fullmatch(r"\d+\.\d+\.\d+-[0-9a-f]{10}", version)


def test_ok__installed_tree_has_the_firmware_and_no_training_code() -> None:
    files = common("list_tree").splitlines()
    assert "firmware/plategate/cli.py" in files
    assert "firmware/system/plategate-gate.service" in files
    assert not [file for file in files if file.startswith("models/training/")]
    assert not [file for file in files if "__pycache__" in file]


@pytest.mark.parametrize("minor", ["11", "12", "13"])
def test_ok__device_gets_the_locked_versions_and_no_test_tools(minor: str) -> None:
    def versions(kind: str) -> set[str]:
        text = (ROOT / "requirements" / f"{kind}-py3{minor}.txt").read_text(encoding="utf-8")
        return set(re.findall(r"^(\S+==\S+)", text, re.MULTILINE))

    device = versions("device")
    assert device <= versions("lock")
    names = {line.split("==")[0] for line in device}
    assert {"numpy", "opencv-python-headless", "gpiozero", "pydantic"} <= names
    assert not names & {"pytest", "mypy", "ruff", "hypothesis"}


@pytest.mark.parametrize("command", ["install", "upgrade", "uninstall"])
def test_fail__wrong_usage_names_the_right_one(command: str) -> None:
    done = run("bash", f"scripts/setup/{command}.sh", "--no-such-thing")
    assert done.returncode == 1
    assert "what to do:" in done.stderr


def test_fail__bundle_without_a_folder() -> None:
    done = run("bash", "scripts/setup/bundle.sh")
    assert done.returncode == 1
    assert "./setup.sh bundle DIR" in done.stderr


def test_ok__reference_and_default_settings_are_up_to_date() -> None:
    done = run(sys.executable, "scripts/settings_reference", "--check")
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_ok__default_settings_are_valid_and_open_nothing() -> None:
    from plategate.settings import Settings, load_settings

    assert load_settings(SYSTEM / "settings.toml") == Settings()
