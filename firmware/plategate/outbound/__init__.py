# SPDX-License-Identifier: Apache-2.0
"""The process that sends events of the journal to other systems and to people.

Each target has its own thread and its own position in the journal: a slow one delays no other.
"""
