# SPDX-License-Identifier: Apache-2.0
"""Modules of `scripts/benchmark`: labels, degraded pictures, measurement, figures.

Importing it limits every library that is loaded later to one thread.
"""

import os

for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
