# SPDX-License-Identifier: Apache-2.0
"""Camera drivers, one file each, on the base class in `base`; exposure and motion are pure."""
