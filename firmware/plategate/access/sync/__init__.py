# SPDX-License-Identifier: Apache-2.0
"""Download list files from their sources, verify them and put them in force."""
