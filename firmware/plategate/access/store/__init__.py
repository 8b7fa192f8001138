# SPDX-License-Identifier: Apache-2.0
"""The SQLite file that holds the lists and the vehicle records."""
