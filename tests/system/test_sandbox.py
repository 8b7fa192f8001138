# SPDX-License-Identifier: Apache-2.0
"""The code runs under its units' system-call rules: every call that it needs is allowed.

A call that the rules forbid kills the process here. Needs seccomp, systemd-analyze and gcc.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from plategate.journal import open_journal
from plategate.settings.journal import JournalSettings
from scripts.testbed.web_server import serving
from tests.outbound.certificates import make_certificates
from tests.outbound.receivers import MailServer, PushServer
from tests.privacy.conftest import fill_device, make_device

ROOT = Path(__file__).resolve().parents[2]
SANDBOX = Path(__file__).with_name("sandbox.py")
GATE = ROOT / "firmware" / "system" / "plategate-gate.service"
SYNC = GATE.with_name("plategate-sync.service")
OUTBOUND = GATE.with_name("plategate-outbound.service")
CONSOLE = GATE.with_name("plategate-console.service")
LISTS = GATE.with_name("plategate-lists.service")
BACKUP = GATE.with_name("plategate-backup.service")
ASK_THE_KERNEL = """
import ctypes
from plategate.schedule.clock_trust import ntp_synchronised
ntp_synchronised()
print(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)))
"""


def run(unit: Path, *command: str, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SANDBOX, unit, sys.executable, *command],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=timeout_s,
    )  # fmt: skip


def test_ok__gate_reads_decides_opens_and_records(tmp_path: Path) -> None:
    done = run(GATE, "-m", "plategate", "run", "--rehearse", "tests/data/demo")
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert "opened for" in done.stdout


def test_ok__gate_can_ask_whether_the_clock_is_synchronised() -> None:
    """With chrony or ntpsec only the kernel has this information."""
    done = run(GATE, "-c", ASK_THE_KERNEL)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 0


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.clock_settime(time.CLOCK_REALTIME, time.time())",
        "import os; os.setuid(0)",
        "import os; os.chown('/tmp', 0, 0)",
        "import ctypes; ctypes.CDLL(None).mount(None, None, None, 0, None)",
        "import ctypes; ctypes.CDLL(None).reboot(0)",
        "import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0)",
    ],
)
def test_fail__gate_cannot_change_the_system(code: str) -> None:
    assert run(GATE, "-c", code).returncode == -signal.SIGSYS


def test_fail__gate_has_no_network() -> None:
    done = run(GATE, "-c", "import socket; socket.socket(socket.AF_INET)")
    assert "Address family not supported" in done.stderr


def test_fail__a_forbidden_call_that_the_code_needs_is_noticed(tmp_path: Path) -> None:
    """The rule that hid the state of chrony and ntpsec from the gate."""
    unit = tmp_path / GATE.name
    text = GATE.read_text(encoding="utf-8").replace("[Install]", "ProtectClock=yes\n\n[Install]")
    unit.write_text(text, encoding="utf-8")
    assert run(unit, "-c", ASK_THE_KERNEL).returncode == -signal.SIGSYS


def test_ok__sync_downloads_and_puts_in_force(tmp_path: Path) -> None:
    with serving() as server:
        server.serve("/allow.csv", b"plate\nAB12CDE\n")
        config = tmp_path / "settings.toml"
        config.write_text(
            f'[[sync.sources]]\nname = "s"\nkind = "allow"\nurl = "{server.url("/allow.csv")}"\n'
        )
        command = ["list", "sync", "--config", str(config), "--state", str(tmp_path)]
        done = run(SYNC, "-m", "plategate", *command)
    assert done.returncode == 0, done.stderr
    assert "1 entries" in done.stdout


def test_ok__outbound_watches_the_journal_and_uses_the_network(tmp_path: Path) -> None:
    open_journal(JournalSettings(dir=tmp_path, min_free_mb=10)).close()
    config = tmp_path / "settings.toml"
    config.write_text(
        f'[journal]\ndir = "{tmp_path}"\n[outbound]\nstate_dir = "{tmp_path}/outbound"\n'
        '[[outbound.mqtt]]\nname = "b"\nhost = "127.0.0.1"\nport = 1\ntls = false\n'
    )
    code = (
        "import pathlib, threading\n"
        "from plategate.clock import SystemClock\n"
        "from plategate.health.monitor import Health\n"
        "from plategate.outbound.run import OutboundProcess\n"
        "from plategate.settings import load_settings\n"
        f"settings = load_settings(pathlib.Path({str(config)!r}))\n"
        "process = OutboundProcess(settings, Health(SystemClock(), print))\n"
        "threading.Timer(3, process.stop).start()\n"
        "process.run()\n"
        "print([failure.sentence for failure in process._health.failures()])\n"
    )
    done = run(OUTBOUND, "-c", code)
    assert done.returncode == 0, done.stderr
    assert "127.0.0.1:1: cannot connect: Connection refused" in done.stdout


CHANGE_A_LIST = """
import sys
from pathlib import Path
from plategate.access.store.lists import ListName
from plategate.list_service.client import ListClient, Requester
from plategate.list_service.server import serve_lists
from plategate.settings import load_settings
settings = load_settings(Path(sys.argv[1]))
server, lists = serve_lists(settings), ListClient(settings.access.list_socket)
anna = Requester("anna")
lists.import_file(anna, "a.xlsx", lists.template(), dry_run=True, allow_empty=True)
print(lists.add(Requester("anna"), ListName.ALLOW, {"plate": "AB12CDE"})["entries"])
print(len(lists.export(ListName.ALLOW, "xlsx")) > 1000)
"""


def test_ok__lists_changes_a_list_and_writes_a_workbook(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(
        f'[access]\nfile = "{tmp_path}/lists.sqlite"\nlist_socket = "{tmp_path}/lists.sock"\n'
    )
    done = run(LISTS, "-c", CHANGE_A_LIST, str(config))
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert done.stdout.split() == ["1", "True"]


def test_ok__backup_copies_databases_and_encrypts(tmp_path: Path) -> None:
    device = make_device(tmp_path)
    fill_device(device).close()
    (tmp_path / "passphrase").write_text("correct horse battery")
    (tmp_path / "stick").mkdir()
    options = ("--journal", "--passphrase-file", str(tmp_path / "passphrase"))
    command = ("-m", "plategate", "backup", str(tmp_path / "stick"), *options)
    done = run(BACKUP, *command, "--config", str(device.config))
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert len(list((tmp_path / "stick").glob("*.backup"))) == 1


def test_ok__webhook_is_posted_over_tls(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("whsec_" + "QUJD" * 11)
    make_certificates(tmp_path)
    server = PushServer(tmp_path)
    config = tmp_path / "settings.toml"
    config.write_text(
        f'[outbound]\nstate_dir = "{tmp_path}/outbound"\n[[outbound.webhooks]]\nname = "w"\n'
        f'url = "https://127.0.0.1:{server.server_port}/hook"\nca_file = "{tmp_path}/ca.pem"\n'
        f'secret_files = ["{secret}"]\n'
    )
    done = run(OUTBOUND, "-m", "plategate", "outbound", "test", "w", "--config", str(config))
    server.stop()
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert [each["type"] for each in server.json()] == ["outbound.test"]


def test_ok__notification_is_sent_by_a_child_process(tmp_path: Path) -> None:
    push, mail = PushServer(), MailServer()
    addresses = tmp_path / "addresses"
    addresses.write_text(f"json://127.0.0.1:{push.server_port}/\n{mail.address}\n")
    config = tmp_path / "settings.toml"
    config.write_text(
        f'[outbound]\nstate_dir = "{tmp_path}/outbound"\n[[outbound.notifications]]\n'
        f'name = "anna"\nurl_file = "{addresses}"\n'
    )
    done = run(OUTBOUND, "-m", "plategate", "outbound", "test", "anna", "--config", str(config))
    push.stop()
    mail.stop()
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert [each["title"] for each in push.json()] == ["gate: test"]
    assert [each["subject"] for each in mail.mails] == ["gate: test"]


SERVE_ONE_PAGE = """
import ssl, sys, threading, time, urllib.request
from pathlib import Path
from plategate.console.accounts import Role
from plategate.console.server import make_server
from plategate.settings import load_settings
settings = load_settings(Path(sys.argv[1]))
server = make_server(settings, secure=True)
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    time.sleep(0.05)
port = server.servers[0].sockets[0].getsockname()[1]
trusted = ssl.create_default_context(cafile=settings.console.state_dir / "ca.crt")
page = urllib.request.urlopen(f"https://localhost:{port}/", context=trusted)
accounts = server.config.app.state.site.accounts
accounts.save("anna", "correct horse battery", Role.OWNER)
assert accounts.check("anna", "correct horse battery")
print(page.status, page.url)
server.should_exit = True
"""


def test_ok__console_serves_a_page_over_tls_and_hashes_passwords(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(
        f'[console]\naddress = "127.0.0.1"\nport = {free_port()}\n'
        f'state_dir = "{tmp_path}/console"\n'
    )
    done = run(CONSOLE, "-c", SERVE_ONE_PAGE, str(config))
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert done.stdout.startswith("200 https://localhost")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
