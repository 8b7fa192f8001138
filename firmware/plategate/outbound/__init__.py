# SPDX-License-Identifier: Apache-2.0
"""The process that sends the events of the journal to other systems, such as an MQTT broker.

Each target has its own thread and its own position in the journal: a slow one delays no other.
"""
