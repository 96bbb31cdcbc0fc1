#!/bin/sh
# SPDX-License-Identifier: MIT
# Ratios of the tapes in the rows of bench.sh. usage: report-tape.sh ROWS
#
# Each is the median of the runs' own ratios: what is compared was measured one after the other, and
# on a machine with other work these moments are more alike than medians of all runs would be.
set -eu

awk -F, '
	$1 == "tape" { bytes[$2, $3, $4] = $5; seconds[$2, $3, $4] = $6; if ($4 > runs) runs = $4 }
	function median(values, n,    i, j, t) {
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && values[j] < values[j - 1]; j--) {
				t = values[j]; values[j] = values[j - 1]; values[j - 1] = t
			}
		return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
	}
	# theirs / ours of each run in `values`; how many there are.
	function collect(ours, peer, theirs,    run, n) {
		for (run = 1; run <= runs; run++)
			if (seconds["granary", ours, run] > 0 && seconds[peer, theirs, run] > 0)
				values[++n] = seconds[peer, theirs, run] / seconds["granary", ours, run]
		return n
	}
	function ratio(name, ours, peer, theirs, aim,    n) {
		n = collect(ours, peer, theirs)
		if (n) printf "%-48s %8.2f%s\n", name, median(values, n), aim ? "   (aim " aim ")" : ""
	}
	# Amounts a second; or, of a negative scale, time for each.
	function rate(name, what, scale, aim,    run, n, each) {
		for (run = 1; run <= runs; run++) {
			if (!(seconds["granary", what, run] > 0)) continue
			each = seconds["granary", what, run] / bytes["granary", what, run]
			values[++n] = scale > 0 ? 1 / each / scale : -each * scale
		}
		if (n) printf "%-48s %8.3f%s\n", name, median(values, n), aim ? "   (aim " aim ")" : ""
	}
	function stored(tool, copy) { # the data, the catalogue and the index
		return bytes[tool, "stored-" copy, 1] + bytes[tool, "catalogue-" copy, 1]
	}
	END {
		if (!runs) exit
		print ""
		sizes_count = split("65536 262144 1048576", sizes, " ")
		for (i = 1; i <= sizes_count; i++) {
			s = sizes[i]
			rate("tape, blocks of " s ", write, MB/s", "write-" s, 1e6)
			ratio("  times tgt", "write-" s, "tgt", "write-" s, ">= 2")
			ratio("  times tgt, with the filemark after it", "durable-" s, "tgt", "durable-" s, ">= 2")
			ratio("  times less processor time", "durable-" s "-cpu", "tgt", "durable-" s "-cpu")
			rate("tape, blocks of " s ", read, MB/s", "read-" s, 1e6)
			ratio("  times tgt", "read-" s, "tgt", "read-" s, ">= 1")
			ratio("  times less processor time", "read-" s "-cpu", "tgt", "read-" s "-cpu")
		}
		for (i = 1; i <= sizes_count; i++) {
			s = sizes[i]
			rate("tape on a mount, blocks of " s ", new data, MB/s", "new-durable-" s, 1e6)
			ratio("  times dd", "new-durable-" s, "dd", "new-" s, ">= 0.8")
			rate("tape on a mount, blocks of " s ", stored, MB/s", "stored-durable-" s, 1e6)
			ratio("  times dd", "stored-durable-" s, "dd", "stored-" s, ">= 0.8")
		}
		rate("TEST UNIT READY, a second", "ready", 1)
		ratio("  times tgt", "ready", "tgt", "ready")
		ratio("  times less processor time", "ready-cpu", "tgt", "ready-cpu")
		rate("writes of 8 KiB, a second", "write-8192", 1)
		ratio("  times tgt", "write-8192", "tgt", "write-8192")
		ratio("  times less processor time", "write-8192-cpu", "tgt", "write-8192-cpu")
		rate("LOCATE among a million filemarks, ms", "full-locate", -1e3, "< 1")
		rate("load of a full tape with a million filemarks, ms", "full-load", -1e3)
		if (stored("dd", 2)) {
			printf "%-48s %8.4f   (aim <= 1.02)\n", "first full in a store, part of the file there", stored("granary", 1) / stored("dd", 1)
			printf "%-48s %8.4f   (aim <= 1.02)\n", "two equal fulls, part of the file there twice", stored("granary", 2) / stored("dd", 2)
			printf "%-48s %8.4f   (aim < 0.01)\n", "second equal full, part of the first", stored("granary", 2) / stored("granary", 1) - 1
		}
	}' "$1"
