#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Train on the pages made so far: from fra.lstm the first time, from the last checkpoint afterwards.
# usage: train.sh FRA_TRAINEDDATA WORK_FOLDER ITERATIONS [LEARNING_RATE [NEWEST_PAGES]]
# ITERATIONS counts from the very start, one line each. Giving LEARNING_RATE resets it.
set -euo pipefail
export OMP_THREAD_LIMIT=1

float_model=$1
work=$2
iterations=$3
rate=${4:-}
newest=${5:-100000}
checkpoint=$work/checkpoints/plates_checkpoint

mkdir -p "$work/checkpoints"
find "$work/pages" -name '*.lstmf' -printf '%T@ %p\n' | sort -rn | head -n "$newest" | cut -d ' ' -f 2 |
    shuf --random-source=<(yes) > "$work/pages.txt"
if [ -e "$checkpoint" ]; then
    start=(--continue_from "$checkpoint")
else
    start=(--continue_from "$work/fra.lstm" --old_traineddata "$float_model")
fi
if [ -n "$rate" ]; then
    start+=(--learning_rate "$rate" --reset_learning_rate)
fi
lstmtraining "${start[@]}" --traineddata "$work/plates/plates.traineddata" \
    --train_listfile "$work/pages.txt" --model_output "$work/checkpoints/plates" \
    --max_iterations "$iterations" --target_error_rate 0.001
