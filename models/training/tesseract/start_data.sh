#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Make the empty plate language (A-Z, 0-9, no dictionary) and take the network out of fra.traineddata.
# usage: start_data.sh FRA_TRAINEDDATA WORK_FOLDER
set -euo pipefail

float_model=$1
work=$2
mkdir -p "$work/language"
printf 'Plates have no strokes to count.\n' | sed 's/^/# /' > "$work/language/radical-stroke.txt"
printf '%s\n' {A..Z} {0..9} > "$work/language/characters.box.txt"
awk '{ printf "%s 0 0 10 10 0\n", $1 }' "$work/language/characters.box.txt" > "$work/language/characters.box"
unicharset_extractor --output_unicharset "$work/language/unicharset" --norm_mode 1 "$work/language/characters.box"
combine_lang_model --input_unicharset "$work/language/unicharset" --script_dir "$work/language" \
    --output_dir "$work" --lang plates --pass_through_recoder
combine_tessdata -e "$float_model" "$work/fra.lstm"
