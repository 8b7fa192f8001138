# SPDX-License-Identifier: Apache-2.0
"""Code that several commands share, and the output of the longer ones; not commands themselves."""
