#!/bin/bash
# SPDX-License-Identifier: MIT
# bash completes nouns, verbs and options of granary.
. "${top_srcdir:-.}/tests/functions.sh"
# shellcheck source=/dev/null
. "$top_srcdir/svc/cli/completions/granary"

# complete_words WORD...: what may stand for the last one.
complete_words() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	_granary 2>/dev/null
	echo "${COMPREPLY[*]}"
}

check_equal "$(complete_words granary f)" "fs" "nouns"
check_equal "$(complete_words granary fs cl)" "clean clone" "verbs"
check_equal "$(complete_words granary daemon st)" "status stop" "verbs of another noun"
check_equal "$(complete_words granary fs clean --s)" "--start --stop" "options"
check_equal "$(complete_words granary completion bash --)" "--json --help" "options of each verb"
check_equal "$(complete_words granary fs nonsense --)" "" "no such verb"
