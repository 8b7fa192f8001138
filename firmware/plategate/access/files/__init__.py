# SPDX-License-Identifier: Apache-2.0
"""Read list files and vehicle record files: CSV and JSON rows, checked field by field."""
