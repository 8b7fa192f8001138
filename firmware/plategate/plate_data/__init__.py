# SPDX-License-Identifier: Apache-2.0
"""What every store of plates offers: describe, find and erase; proofs of erasure; keyed hashes."""
