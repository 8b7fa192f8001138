# SPDX-License-Identifier: Apache-2.0
"""Images in, plate regions and readings out; knows nothing of lists or pins."""
