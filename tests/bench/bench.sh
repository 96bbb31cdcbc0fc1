#!/bin/sh
# SPDX-License-Identifier: MIT
# `make bench`: Granary against restic, borg, libfuse's passthrough and the native filesystem on
# the same real files, and tapes against tgt's, in the same run, in turns. Prints a table and ratios, writes the rows to
# FOLDER/rows.csv and plots (PNG) beside it. Needs root (drops caches) and about 15 GB.
#
# usage: bench.sh FOLDER [PART...]     parts: streams files crash index tape (default: all)
#   RUNS=3        how often each measurement is repeated; medians are reported
#   VERSIONS=5    generations of the kernel package
#   CHUNKS=100000000   fingerprints in the index that is measured alone
#   TAPE_MIB=512  mebibytes that are written to a tape at once
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=examples/setup.sh
. "$here/../../examples/setup.sh"
folder=$1
shift
parts=${*:-streams files crash index tape}
runs=${RUNS:-3}
versions=${VERSIONS:-5}
build=${top_builddir:-$here/../../build/plain}
PATH=$build/fs/tool:$build/fs:$build/svc/cli:$build/target:$build:$PATH

[ "$(id -u)" = 0 ] || { echo "bench: needs root, to drop caches" >&2; exit 77; }
if [ "$parts" != index ]; then
	# shellcheck disable=SC2086
	setup_install $SETUP_BENCH_PACKAGES
fi
mkdir -p "$folder/work"
folder=$(cd "$folder" && pwd)
# shellcheck disable=SC2034 # for the parts
work=$folder/work
rows=$folder/rows.csv
# shellcheck source=tests/bench/tools.sh
. "$here/tools.sh"
trap bench_cleanup EXIT
trap 'exit 130' INT TERM

echo "part,tool,what,run,bytes,seconds" > "$rows"
rm -f "$folder/index.txt"
case " $parts " in
*" streams "*) "$here/corpus.sh" "$folder/corpus" "$versions" > "$folder/tars" ;;
esac

for part in $parts; do
	setup_say "measuring: $part"
	# shellcheck source=/dev/null
	. "$here/$part.sh"
	run=1
	while [ "$run" -le "$runs" ]; do
		"bench_$part"
		run=$((run + 1))
	done
done
"$here/report.sh" "$folder"
