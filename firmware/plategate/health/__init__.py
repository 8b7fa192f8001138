# SPDX-License-Identifier: Apache-2.0
"""Failures, heartbeats, crash reports and the status socket."""
