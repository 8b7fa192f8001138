# SPDX-License-Identifier: Apache-2.0
"""Turn a checkpoint of the detector into a .tflite file.

python -m detector.export --checkpoint WORK/detector.pt --to ../plate_detector.tflite
"""

from any_size import for_any_size
from exporting import export

from .network import HEIGHT, WIDTH
from .slim import NETWORKS

if __name__ == "__main__":
    export(NETWORKS, WIDTH, HEIGHT, __doc__, then=for_any_size)
