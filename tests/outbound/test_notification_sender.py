# SPDX-License-Identifier: Apache-2.0
"""A notification that cannot be sent: the reason is named, secrets are not, and time is bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from plategate.errors import DeliveryError
from plategate.outbound.notifications import sender

from .receivers import PushServer


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "has no address"),
        ("mailto:gate:Passw0rd@host", "Apprise does not accept address 1: "),
        ("mailto://gate:Passw0rd@host", "Apprise does not accept address 1: "),
        ("ftp://user:Passw0rd@host/", "Apprise does not accept address 1: "),
        (
            "mailto://gate:Passw0rd@127.0.0.1:1/?to=anna@example.org&from=gate@example.org",
            "refused",
        ),
        ("json://gate:Passw0rd@127.0.0.1:1/topsecret", "refused"),
        ("tgram://123456789:AAPassw0rdPassw0rdPassw0rdPassw0rd/12345?verify=no", "."),
    ],
)
def test_fail__an_error_names_the_reason_and_no_secret(
    tmp_path: Path, address: str, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "address"
    file.write_text(address)
    with pytest.raises(DeliveryError) as caught:
        sender.notify(file, 20, "title", "body")
    assert sentence in str(caught.value)
    for text in (str(caught.value), caplog.text):
        assert "assw0rd" not in text
        assert "topsecret" not in text


def test_fail__missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=f"{tmp_path}/missing: cannot be read: No such file"):
        sender.notify(tmp_path / "missing", 20, "title", "body")


def test_fail__service_that_does_not_answer_is_ended(tmp_path: Path, push: PushServer) -> None:
    push.hold.clear()
    file = tmp_path / "address"
    file.write_text(push.address + "?rto=60&cto=60")
    with pytest.raises(DeliveryError, match="ended with status -14"):
        sender.notify(file, 2, "title", "body")
