#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Turn a checkpoint into an integer model that Tesseract loads.
# usage: finish.sh WORK_FOLDER CHECKPOINT OUT.traineddata
set -euo pipefail

lstmtraining --stop_training --convert_to_int --continue_from "$2" \
    --traineddata "$1/plates/plates.traineddata" --model_output "$3"
sha256sum "$3"
