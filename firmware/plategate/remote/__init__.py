# SPDX-License-Identifier: Apache-2.0
"""Commands to a running gate over a local socket: messages, client and server."""
