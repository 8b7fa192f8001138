# SPDX-License-Identifier: Apache-2.0
"""Encrypted backups of settings, lists, accounts, keys and journal, and their restoration."""
