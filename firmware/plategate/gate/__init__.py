# SPDX-License-Identifier: Apache-2.0
"""The gate process: `build` assembles it, `loop` runs it, `startup` checks its settings.

Nothing is imported here, so that a rehearsal or a tool loads only what it needs.
"""
