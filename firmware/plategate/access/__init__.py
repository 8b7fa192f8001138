# SPDX-License-Identifier: Apache-2.0
"""Who may pass: lists, records, matching and policy; independent of images and pins."""
