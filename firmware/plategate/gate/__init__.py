# SPDX-License-Identifier: Apache-2.0
"""The gate process: `build` makes it of its parts, `loop` runs it, `site` rehearses it.

Nothing is imported here, so that a rehearsal or a tool loads only what it needs.
"""
