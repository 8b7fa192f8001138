# SPDX-License-Identifier: Apache-2.0
"""Training scenes composed on a graphics card from a pack of small pictures."""
