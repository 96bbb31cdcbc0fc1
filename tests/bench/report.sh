#!/bin/sh
# SPDX-License-Identifier: MIT
# Medians, ratios and plots of FOLDER/rows.csv. usage: report.sh FOLDER
set -eu

folder=$1
rows=$folder/rows.csv

# medians: part,tool,what,bytes,median of the seconds
medians() {
	tail -n +2 "$rows" | sort -t, -k1,3 -k6,6n | awk -F, '
		function emit() { if (n) printf "%s,%s,%.3f\n", key, bytes[int((n + 1) / 2)], seconds[int((n + 1) / 2)] }
		{ k = $1 "," $2 "," $3 }
		k != key { emit(); key = k; n = 0 }
		{ n++; bytes[n] = $5; seconds[n] = $6 }
		END { emit() }'
}

medians > "$folder/medians.csv"
awk -F, '
	{ bytes[$1, $2, $3] = $4; seconds[$1, $2, $3] = $5 }
	$1 == "streams" && $3 ~ /^generation/ { total[$2] += $5; volume[$2] += $4 }
	function ratio(name, ours, theirs, aim) {
		if (ours > 0 && theirs > 0) printf "%-44s %8.2f   (aim %s)\n", name, theirs / ours, aim
	}
	function least(a, b) { return a < b ? a : b }
	END {
		if (volume["granary"]) printf "%-14s %14s %14s %14s %14s\n", "tool", "5 gen. MB/s", "stored MB", "duplicate MB/s", "restore MB/s"
		split("granary restic borg passthrough native", tools, " ")
		for (i = 1; i <= 5; i++) {
			t = tools[i]
			if (!total[t]) continue
			d = seconds["streams", t, "duplicate"]; r = seconds["streams", t, "restore"]
			printf "%-14s %14.0f %14.1f %14.0f %14.0f\n", t, volume[t] / total[t] / 1e6,
				bytes["streams", t, "stored"] / 1e6, d ? bytes["streams", t, "duplicate"] / d / 1e6 : 0,
				r ? bytes["streams", t, "restore"] / r / 1e6 : 0
		}
		if (volume["granary"]) print ""
		ratio("ingest of all generations, times the faster peer", total["granary"], least(total["restic"], total["borg"]), ">= 2.5")
		ratio("data stored already, times the faster peer", seconds["streams", "granary", "duplicate"],
			least(seconds["streams", "restic", "duplicate"], seconds["streams", "borg", "duplicate"]), ">= 2.5")
		ratio("restore, times the faster peer", seconds["streams", "granary", "restore"],
			least(seconds["streams", "restic", "restore"], seconds["streams", "borg", "restore"]), ">= 2.5")
		best = least(bytes["streams", "restic", "stored"], bytes["streams", "borg", "stored"])
		if (best) printf "%-44s %8.2f   (aim <= 0.80)\n", "stored bytes, part of the better peer", bytes["streams", "granary", "stored"] / best
		if (bytes["streams", "granary", "peak-memory"])
			printf "%-44s %8.0f   (limit 512)\n", "peak memory of granary-fsd, MiB", bytes["streams", "granary", "peak-memory"] / 1048576
		for (w in seconds) {
			split(w, k, SUBSEP)
			if (k[1] == "files" && k[2] == "granary")
				printf "%-44s %8.2f   (aim <= 2.5)\n", k[3] " 15,000 files, times passthrough", seconds[w] / seconds["files", "passthrough", k[3]]
		}
		if (seconds["crash", "granary", "mount-after-kill"])
			printf "%-44s %8.2f   (aim <= 2)\n", "mount after kill -9, 10 GB store, seconds", seconds["crash", "granary", "mount-after-kill"]
	}' "$folder/medians.csv" | tee "$folder/report.txt"

"$(dirname "$0")/report-tape.sh" "$rows" | tee -a "$folder/report.txt"

# What bench-index has written: a section for each mode, rows of what, value, unit.
index_table() {
	awk '
		/^[0-9]+ chunks/ { chunks = $1 }
		/^(exact|sparse),/ { mode = substr($1, 1, length($1) - 1) }
		/^  / {
			what = substr($0, 3, 44)
			sub(/ +$/, "", what)
			split(substr($0, 47), value, " ")
			v[what, value[2], mode] = value[1]
		}
		function row(name, what, unit, aim) {
			printf "%-44s %12.3f %12.3f   %s\n", name, v[what, unit, "exact"], v[what, unit, "sparse"], aim
		}
		END {
			printf "\n%-44s %12s %12s\n", sprintf("index, %.0f million chunks", chunks / 1e6), "exact", "sparse"
			row("bytes of memory a chunk", "memory", "bytes/chunk", "(aim <= 2; a quarter of it)")
			row("memory, MiB", "memory", "MiB", "")
			row("bytes on disk a chunk", "disk", "bytes/chunk", "")
			row("duplicates found in a second backup, %", "second backup: duplicates found", "%", "(aim 100; >= 97)")
			row("page reads a pack of it", "second backup: page reads a pack", "", "")
			row("present chunks at random found, %", "  found", "%", "")
			row("page reads a lookup of these", "  page reads a lookup, present, random", "", "(aim 1)")
			row("page reads a lookup of absent chunks", "  page reads a lookup, absent", "", "(aim 0)")
			row("wrong answers", "second backup: wrong answers", "", "(must be 0)")
			row("ns a lookup, absent, warm cache", "lookup, absent", "ns", "")
		}' "$1"
}
if [ -f "$folder/index.txt" ]; then
	index_table "$folder/index.txt" | tee -a "$folder/report.txt"
fi

command -v gnuplot > /dev/null || exit 0
awk -F, '$1 == "streams" && $3 ~ /^generation|duplicate|restore/ {
	mb[$3, $2] = $4 / $5 / 1e6; seen[$3] = 1
}
END {
	n = split("generation-1 generation-2 generation-3 generation-4 generation-5 duplicate restore", order, " ")
	print "what granary restic borg passthrough native"
	for (i = 1; i <= n; i++) if (order[i] in seen)
		printf "%s %.0f %.0f %.0f %.0f %.0f\n", order[i], mb[order[i], "granary"], mb[order[i], "restic"],
			mb[order[i], "borg"], mb[order[i], "passthrough"], mb[order[i], "native"]
}' "$folder/medians.csv" > "$folder/streams.dat"
if [ "$(wc -l < "$folder/streams.dat")" -gt 1 ]; then
	gnuplot << PLOT
set terminal pngcairo size 1000,500
set output "$folder/streams.png"
set style data histograms
set style fill solid 0.8
set ylabel "MB/s (higher is better)"
set key outside autotitle columnhead
set grid ytics
set xtics rotate by -20
plot for [i=2:4] "$folder/streams.dat" using i:xtic(1)
PLOT
fi
awk -F, '$1 == "files" { s[$3, $2] = $5; seen[$3] = 1 }
END {
	print "what granary passthrough native"
	n = split("unpack walk delete", order, " ")
	for (i = 1; i <= n; i++) if (order[i] in seen)
		print order[i], s[order[i], "granary"], s[order[i], "passthrough"], s[order[i], "native"]
}' "$folder/medians.csv" > "$folder/files.dat"
if [ "$(wc -l < "$folder/files.dat")" -gt 1 ]; then
	gnuplot << PLOT
set terminal pngcairo size 800,450
set output "$folder/files.png"
set style data histograms
set style fill solid 0.8
set ylabel "seconds (lower is better)"
set key outside autotitle columnhead
set grid ytics
plot for [i=2:4] "$folder/files.dat" using i:xtic(1)
PLOT
fi
