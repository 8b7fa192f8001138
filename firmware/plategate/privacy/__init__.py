# SPDX-License-Identifier: Apache-2.0
"""The rights of people whose plates were read: what is kept, one plate as a whole, erase, hold."""
