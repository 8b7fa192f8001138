# SPDX-License-Identifier: Apache-2.0
"""Give an MQTT client the user, password and TLS of its settings.

Files are read at every call, so that a new password or certificate is used at the next connection.
"""

from __future__ import annotations

import ssl

import paho.mqtt.client as paho

from plategate.errors import SettingsError, reason_of
from plategate.settings.broker import BrokerSettings
from plategate.settings.reading import read_secret


def authenticate(client: paho.Client, settings: BrokerSettings) -> None:
    """Set user, password and TLS; raises SettingsError naming a file that is not usable."""
    if settings.user is not None:
        client.username_pw_set(settings.user, read_secret(settings.password_file))
    if settings.tls:
        client.tls_set_context(_tls(settings))


def _tls(settings: BrokerSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.client_certificate is not None:
            context.load_cert_chain(settings.client_certificate, settings.client_key)
    except (OSError, ValueError) as error:
        files = [settings.ca_file, settings.client_certificate, settings.client_key]
        named = ", ".join(str(file) for file in files if file is not None)
        raise SettingsError(f"{named}: not usable for TLS: {reason_of(error)}") from error
    return context
