# SPDX-License-Identifier: Apache-2.0
"""Fetch list files from their sources, verify them and put them in force."""
