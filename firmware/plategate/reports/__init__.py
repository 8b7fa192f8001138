# SPDX-License-Identifier: Apache-2.0
"""Reports for the owner: what happened in a month, as a page and as PDF."""
