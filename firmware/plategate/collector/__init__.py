# SPDX-License-Identifier: Apache-2.0
"""The collector of a fleet: writes the events of many gates from MQTT brokers to PostgreSQL.

It runs on a server and is never installed on a gate.
"""
