# SPDX-License-Identifier: Apache-2.0
"""Images in, plate regions and readings out; independent of lists and pins."""
