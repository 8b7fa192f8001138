# SPDX-License-Identifier: Apache-2.0
"""A bundle is installed only if its maker signed it, every file is as he wrote it, and it is newer.

Bundles are made by the functions of scripts/setup and signed by the real minisign.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plategate import bundle
from plategate.cli import app

ROOT = Path(__file__).resolve().parents[2]
Make = Callable[..., Path]

pytestmark = pytest.mark.skipif(
    shutil.which("minisign") is None, reason="minisign is not installed"
)


def make_key(folder: Path, name: str) -> Path:
    key = folder / name
    command = ["minisign", "-G", "-W", "-f", "-s", str(key), "-p", f"{key}.pub"]
    subprocess.run(command, check=True, capture_output=True)
    return key


def setup_that_notes(file: Path) -> str:
    """A setup.sh that notes its path, its arguments and the mode of the folder of the copy."""
    mode = '$(stat -c %a "${0%%/incoming/*}/incoming")'
    return f'echo "$0" "$@" {mode} >>"{file}"\n'


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The maker's key; this device knows none yet."""
    monkeypatch.setattr(bundle, "PINNED_KEY", tmp_path / "etc" / "release.pub")
    monkeypatch.setattr("sys.prefix", str(tmp_path / "versions" / "present" / "venv"))
    (tmp_path / "etc").mkdir()
    (tmp_path / "versions" / "present").mkdir(parents=True)
    return make_key(tmp_path, "maker.key")


@pytest.fixture
def make(tmp_path: Path, key: Path) -> Make:
    def made(name: str, signer: Path | None = key, made: str = "") -> Path:
        folder = tmp_path / name
        (folder / "plategate" / "docs").mkdir(parents=True)
        (folder / "plategate" / "setup.sh").write_text(setup_that_notes(tmp_path / "ran"))
        (folder / "plategate" / "docs" / "a file.md").write_text("text\n")
        (folder / "wheels").mkdir()
        (folder / "wheels" / "x.whl").write_bytes(bytes(1000))
        script = f'set -eu; . scripts/setup/common.sh; write_manifest "{folder}"'
        subprocess.run(["bash", "-c", script], cwd=ROOT, check=True, capture_output=True)
        manifest = folder / "MANIFEST"
        if made:
            lines = manifest.read_text().splitlines(keepends=True)
            lines[2] = f"# made {made}\n"
            manifest.write_text("".join(lines))
        if signer is not None:
            shutil.copy(f"{signer}.pub", folder / "release.pub")
            command = ["minisign", "-S", "-s", str(signer), "-m", str(manifest), "-t", "bundle"]
            subprocess.run(command, check=True, capture_output=True, input=b"\n")
        return folder

    return made


def linked(file: Path, elsewhere: Path) -> None:
    """The content of a file stays the same, but a link leads to it."""
    file.rename(elsewhere)
    file.symlink_to(elsewhere)


def check(folder: Path, *options: str, code: int = 0, command: str = "verify-bundle") -> str:
    done = CliRunner().invoke(app, [command, str(folder), *options])
    assert done.exit_code == code, f"{done.output}{done.exception}"
    return f"{done.output}{done.exception or ''}"


def test_ok__the_first_signed_bundle_gives_its_key_and_others_are_refused(
    make: Make, tmp_path: Path
) -> None:
    assert "knows no key of a maker" in check(make("first"), code=1)
    assert "from now on bundles need a signature" in check(
        tmp_path / "first", "--pin", "--unsigned"
    )
    assert bundle.PINNED_KEY.read_bytes() == (tmp_path / "maker.key.pub").read_bytes()
    assert "3 files are as their maker wrote them" in check(make("second"))
    other = make("other", signer=make_key(tmp_path, "other.key"))
    assert "unknown key" in check(other, code=1)
    assert "unknown key" in check(other, "--pin", code=1)
    assert bundle.PINNED_KEY.read_bytes() == (tmp_path / "maker.key.pub").read_bytes()
    check(other, "--key", str(tmp_path / "other.key.pub"))


def test_fail__an_unsigned_bundle_is_refused_unless_it_is_meant(make: Make) -> None:
    folder = make("unsigned", signer=None)
    assert "not signed" in check(folder, code=1)
    assert "3 files" in check(folder, "--unsigned")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: (f / "wheels" / "x.whl").write_bytes(b"evil"), "differs from the manifest"),
        (lambda f: (f / "wheels" / "y.whl").write_bytes(b"evil"), "is not in the manifest"),
        (lambda f: (f / "wheels" / "x.whl").unlink(), "is missing"),
        (lambda f: (f / "wheels" / "y").symlink_to("/etc"), "is not in the manifest"),
        (lambda f: linked(f / "wheels" / "x.whl", f.parent / "x.whl"), "is a link"),
        (lambda f: (f / "MANIFEST").write_text("# version x\n"), "does not match the signature"),
    ],
)
def test_fail__a_changed_bundle_is_refused(
    make: Make, key: Path, change: Callable[[Path], object], sentence: str
) -> None:
    folder = make("changed")
    change(folder)
    assert sentence in check(folder, "--key", f"{key}.pub", code=1)


def test_fail__an_older_bundle_is_refused_unless_it_is_meant(
    make: Make, key: Path, tmp_path: Path
) -> None:
    installed = tmp_path / "versions" / "present" / "release"
    installed.write_text("# version 0.1.0-abc\n# number 0.1.0\n# made 2026-06-01T00:00:00+00:00\n")
    old = make("old", made="2026-05-01T00:00:00+00:00")
    assert "older than the installed 0.1.0-abc" in check(old, "--key", f"{key}.pub", code=1)
    check(old, "--key", f"{key}.pub", "--older")
    check(make("new", made="2026-07-01T00:00:00+00:00"), "--key", f"{key}.pub")
    installed.write_text("# version 0.2.0-abc\n# number 0.10.0\n# made 2026-01-01T00:00:00+00:00\n")
    assert "older than the installed" in check(tmp_path / "new", "--key", f"{key}.pub", code=1)


def test_fail__a_folder_that_is_no_bundle_is_named(tmp_path: Path, key: Path) -> None:
    assert "not signed" in check(tmp_path / "etc", code=1)
    assert "nothing was checked" in check(tmp_path / "etc", "--unsigned")


@pytest.fixture
def installed(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all versions, with one version and the maker's key; the user may install."""
    (tmp_path / "versions" / "present" / "complete").touch()
    shutil.copy(f"{key}.pub", bundle.PINNED_KEY)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return tmp_path


def test_ok__the_installed_version_runs_the_setup_of_a_private_copy(
    make: Make, installed: Path
) -> None:
    stick = make("stick")
    assert "3 files are as their maker wrote them" in check(stick, command="install-bundle")
    words = (installed / "ran").read_text().split()
    copy = Path(words[3])
    assert copy.is_relative_to(installed / "incoming")
    assert words == [f"{copy}/plategate/setup.sh", "install", "--offline", str(copy), "700"]
    assert not (installed / "incoming").exists(), "the copy fills the card"


def test_fail__nothing_of_a_forged_bundle_is_executed(make: Make, installed: Path) -> None:
    forged = make("forged", signer=make_key(installed, "other.key"))
    said = check(forged, command="install-bundle", code=1)
    assert "unknown key" in said
    assert "incoming" not in said, "the copy that it names is removed"
    changed = make("changed")
    (changed / "plategate" / "setup.sh").write_text(setup_that_notes(installed / "ran") + "#")
    assert "differs from the manifest" in check(changed, command="install-bundle", code=1)
    assert not (installed / "ran").exists()
    assert not (installed / "incoming").exists()


def test_fail__a_medium_that_changes_after_the_check_brings_nothing(
    make: Make, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick, original = make("stick"), bundle.check_files

    def check_then_change(folder: Path) -> int:
        count = original(folder)
        (stick / "plategate" / "setup.sh").write_text(setup_that_notes(installed / "evil"))
        return count

    monkeypatch.setattr(bundle, "check_files", check_then_change)
    check(stick, command="install-bundle")
    assert (installed / "ran").exists()
    assert not (installed / "evil").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: os.mkfifo(f / "wheels" / "pipe"), "pipe: is not a regular file"),
        (lambda f: (f / "wheels" / "all").symlink_to("/"), "is not in the manifest"),
        (shutil.rmtree, "is not a folder"),
    ],
)
def test_fail__what_is_no_file_is_not_copied(
    make: Make, installed: Path, change: Callable[[Path], object], sentence: str
) -> None:
    stick = make("stick")
    change(stick)
    assert sentence in check(stick, command="install-bundle", code=1)
    assert not (installed / "ran").exists()
    assert not (installed / "incoming").exists()


def test_fail__a_failed_installation_is_reported(make: Make, installed: Path) -> None:
    stick = make("failing", signer=None)
    (stick / "plategate" / "setup.sh").write_text("exit 3\n")
    (stick / "MANIFEST").unlink()
    assert "nothing was checked" in check(stick, "--unsigned", command="install-bundle", code=1)


def test_fail__only_root_and_only_an_installed_version_install(
    make: Make, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert "only root can install" in check(make("stick"), command="install-bundle", code=1)
    (installed / "versions" / "present" / "complete").unlink()
    assert "is no installed version" in check(installed / "stick", command="install-bundle", code=1)


def run_install_steps(
    tmp_path: Path, steps: str, code: int, *accepted: str, lacks: str = "nothing"
) -> tuple[int, str]:
    """Run functions of install.sh, the last one first, with a stand-in for the installed program.

    Returns the exit status, and what the program was asked that it does not lack.
    """
    prefix = tmp_path / "opt"
    for version in ("current", "versions/new"):
        program = prefix / version / "venv" / "bin" / "plategate"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(
            f'#!/bin/sh\n[ "$1" != {lacks} ] || exit 2\n[ "$2" != --help ] || exit 0\n'
            f'echo "$@" >>"{tmp_path}/asked"\nexit {code}\n'
        )
        program.chmod(0o755)
    script = (
        "set -euo pipefail; . scripts/setup/common.sh\n"
        f'PREFIX={prefix}; version=new; offline="{tmp_path}/bundle"\n'
        f"accepted=({' '.join(accepted)})\n"
        f"eval \"$(sed -nE '/^({steps.replace(' ', '|')})\\(\\) \\{{/,/^}}/p'"
        f' scripts/setup/install.sh)"\n{steps.rpartition(" ")[2]}'
    )
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, check=False)
    return done.returncode, (tmp_path / "asked").read_text()


def test_ok__install_hands_a_bundle_to_the_installed_version(tmp_path: Path) -> None:
    """What a bundle brings cannot vouch for itself: its own program is not asked."""
    asked = f"install-bundle {tmp_path}/bundle"
    assert run_install_steps(tmp_path, "take_bundle", 0) == (0, f"{asked}\n")
    code, all_asked = run_install_steps(tmp_path, "take_bundle", 1, "--older", "--key", "/k")
    assert code == 1
    assert all_asked.splitlines()[1] == f"{asked} --older --key /k"
    script = (ROOT / "scripts" / "setup" / "install.sh").read_text()
    assert "take_bundle\ncheck_machine\n" in script
    assert script.index("\ncheck_machine\n") < script.index("\nbuild_version\n")
    assert script.index("\nnote_release\n") < script.index("\nactivate\n")


@pytest.mark.parametrize("code", [0, 1])
def test_ok__with_a_version_that_cannot_install_a_bundle_a_copy_is_checked(
    make: Make, tmp_path: Path, code: int
) -> None:
    make("bundle")
    copy = tmp_path / "opt" / "incoming" / "bundle"
    steps = "check_bundle take_bundle"
    found = run_install_steps(tmp_path, steps, code, "--older", lacks="install-bundle")
    assert found == (code, f"verify-bundle {copy} --older\n")
    assert (tmp_path / "ran").exists() is (code == 0)
    if code == 0:
        expected = f"{copy}/plategate/setup.sh install --offline {copy} --older 700\n"
        assert (tmp_path / "ran").read_text() == expected
    assert not copy.parent.exists(), "the copy fills the card"


def test_ok__an_installed_version_remembers_its_release(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    header = "# version 0.1.0-a\n# number 0.1.0\n# made 2026-06-01T00:00:00+00:00\n"
    (tmp_path / "bundle" / "MANIFEST").write_text(header + f"{'0' * 64}  file\n")
    code, asked = run_install_steps(tmp_path, "note_release", 0)
    assert (code, asked) == (0, f"verify-bundle {tmp_path}/bundle --pin --unsigned --older\n")
    assert (tmp_path / "opt" / "versions" / "new" / "release").read_text() == header
    assert run_install_steps(tmp_path, "note_release", 1)[0] == 1
