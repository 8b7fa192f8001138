# SPDX-License-Identifier: Apache-2.0
"""Exports a checkpoint of the refiner as a .tflite file.

python -m refiner.export --checkpoint WORK/refiner.pt --to ../plate_refiner.tflite
"""

from exporting import export

from .network import HEIGHT, WIDTH, RefinerNetwork

if __name__ == "__main__":
    export({"refiner": RefinerNetwork}, WIDTH, HEIGHT, __doc__)
