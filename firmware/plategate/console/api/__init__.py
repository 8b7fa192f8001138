# SPDX-License-Identifier: Apache-2.0
"""The API of the console, /api/v1: JSON for programs, with tokens in place of logins."""
