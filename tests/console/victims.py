# SPDX-License-Identifier: Apache-2.0
"""People and programs of a console that is attacked, and raw requests in their name."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from plategate.access.store.lists import ListName
from plategate.console.accounts import Role
from plategate.console.sessions import Session

from .bed import PASSWORD, ConsoleBed, a_passage

SECRET = "QQ7SECRET"  # the plate of a passage and of a list: in no answer to an attacker
SLOW_S = 20.0


@dataclass(frozen=True)
class Victims:
    """A console with people and programs: cookies and form tokens by name, tokens by name."""

    bed: ConsoleBed
    address: str
    cookies: dict[str, str]
    forms: dict[str, str]
    tokens: dict[str, str]

    def send(self, data: bytes, parts: int = 1, pause_s: float = 0.0) -> bytes:
        """The answer to raw bytes, which are sent in parts."""
        host, _, port = self.address.removeprefix("http://").partition(":")
        answer = b""
        with socket.create_connection((host, int(port)), timeout=SLOW_S) as connection:
            step = max(1, -(-len(data) // parts))
            try:
                for at in range(0, len(data), step):
                    connection.sendall(data[at : at + step])
                    time.sleep(pause_s)
                while part := connection.recv(65536):
                    answer += part
                    if len(answer) > 1_000_000:
                        break
            except OSError:
                return answer
        return answer

    def request(
        self,
        method: str,
        path: str,
        who: str = "",
        form: dict[str, str] | None = None,
        body: bytes | None = None,
        **headers: str,
    ) -> bytes:
        """The answer to a request with the cookie of `who`; underscores in header names are -."""
        given = {"Host": self.address.removeprefix("http://"), "Connection": "close"}
        if form is not None:
            given |= {"Origin": self.address, "Sec-Fetch-Site": "same-origin"}
            given["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form).encode()
        if who:
            given["Cookie"] = f"plategate={self.cookies[who]}"
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            given["Content-Length"] = str(len(body))
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {v}" for name, v in given.items() if v)]
        return self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))

    def state(self) -> tuple[object, ...]:
        """Everything that an attack may not change."""
        site = self.bed.site
        with site.accounts._database.connection() as connection:
            people = connection.execute("SELECT name, role, password FROM accounts").fetchall()
        return (
            len(self.bed.commands),
            [tuple(row) for row in people],
            {session.identity for session in site.sessions.all()},
            [token.name for token in site.tokens.all()],
            site.gate.list_states(),
        )


def prepare(bed: ConsoleBed, address: str) -> Victims:
    """People, programs and data, on the real clock."""
    bed.clock_s = time.time()
    bed.make_owner()
    bed.add(a_passage("secret", SECRET, holder=SECRET))
    bed.import_list(ListName.ALLOW, f"plate\n{SECRET}\n")
    site = bed.site
    cookies, forms = {}, {}

    def log_in(name: str, account: str) -> None:
        cookies[name] = site.sessions.start(account, "attacked", "browser")
        found: Session | None = site.sessions.find(cookies[name])
        assert found is not None
        forms[name] = found.csrf

    for role in Role:
        site.accounts.save(f"a-{role}", PASSWORD, role)
        log_in(role.value, f"a-{role}")
    site.accounts.save("removed", PASSWORD, Role.OWNER)
    for name, account in (("owner2", "anna"), ("ended", "anna"), ("old", "anna")):
        log_in(name, account)
    log_in("removed", "removed")
    tokens = {
        name: site.tokens.add(name, scopes.split(), 1, account)
        for name, scopes, account in (
            ("look", "look", None),
            ("people", "people", None),
            ("revoked", "command", None),
            ("expired", "command look", None),
            ("removed", "command look", "removed"),
        )
    }
    site.accounts.remove("removed")
    site.tokens.revoke("revoked")
    for session in site.sessions.all():
        if session.csrf == forms["ended"]:
            site.sessions.end(session.identity)
    with site.accounts._database.connection() as connection:
        connection.execute("UPDATE tokens SET expires_at = 1 WHERE name = 'expired'")
        connection.execute("UPDATE sessions SET seen_at = 1 WHERE csrf = ?", (forms["old"],))
    return Victims(bed, address, cookies, forms, tokens)
