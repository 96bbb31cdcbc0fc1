#!/bin/sh
# SPDX-License-Identifier: MIT
# Part of bench.sh: the fingerprint index alone, with synthetic fingerprints: bytes of memory a
# chunk, page reads a lookup, what the sparse mode finds. Once, whatever RUNS is.
# shellcheck disable=SC2154

bench_index() {
	[ "$run" = 1 ] || return 0
	"$build/tests/bench/bench-index" "${CHUNKS:-100000000}" "$work" | tee "$folder/index.txt"
}
