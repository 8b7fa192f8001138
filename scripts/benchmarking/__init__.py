# SPDX-License-Identifier: Apache-2.0
"""The parts of `scripts/benchmark`: labels, degraded pictures, measuring, figures.

Importing it keeps every library that is loaded afterwards to one thread.
"""

import os

for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
