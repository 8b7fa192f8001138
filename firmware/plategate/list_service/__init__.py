# SPDX-License-Identifier: Apache-2.0
"""Changes of the lists over a local socket, for processes that may not write them."""
