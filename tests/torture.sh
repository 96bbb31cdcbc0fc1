#!/bin/sh
# SPDX-License-Identifier: MIT
# `make torture`: the tests that repeat themselves, for TORTURE_MINUTES (300) altogether if they
# run one after another; with `make -j2 torture` it takes about half of that. Then what each of
# them has done.
#
# A fifth of the time goes to random operations on a mount, a fifth to them beside cleaning,
# the rest to the others that repeat themselves, each of which ends early when it has done what is
# wanted: 200 kills, 200 places damaged in each file. Some parts are not bounded by the time: the
# power cuts, 500 on each of two kinds of disk, take about five minutes (POWER_CUTS), a folder of a million entries about five minutes (POSIX_ENTRIES), the whole of /usr through tar and
# rsync a quarter of an hour (APPS_TREE). Fewer than 1,000 power cuts are no torture: that it says,
# and fails.
# usage: torture.sh TEST..., in the build folder
set -eu

minutes=${TORTURE_MINUTES:-300}
share=$((minutes * 60 / 20))
[ "$share" -gt 0 ] || { echo "torture: TORTURE_MINUTES=$minutes is no time" >&2; exit 2; }

export TEST_SECONDS="$share"
export MODEL_SECONDS="${MODEL_SECONDS:-$((share * 4))}" MODEL_NATIVE_SECONDS="${MODEL_NATIVE_SECONDS:-$((share / 2))}"
export POWER_CUTS="${POWER_CUTS:-500}" KILL_ROUNDS="${KILL_ROUNDS:-200}" DAMAGE_TRIALS="${DAMAGE_TRIALS:-200}"
export FAULT_NUMBERS="${FAULT_NUMBERS:-1 2 3 4 5 6 7 8 9 10 12 15 20 30 40}"
# Three thousand steps and three kills are a second here; both of them are cheap.
export FILEMAP_STEPS="${FILEMAP_STEPS:-$((share * 3000))}" CLEAN_ROUNDS="${CLEAN_ROUNDS:-$((share * 2))}"
export CRASHES="${CRASHES:-$((share * 500))}"
export POSIX_ENTRIES="${POSIX_ENTRIES:-1000000}" APPS_FULL=1

cuts_wanted=500 # on each kind of disk

# cuts_enough TEST: one that cuts the power has done so as often as it should.
cuts_enough() {
	cuts=$(sed -n 's/^\([0-9][0-9]*\) power cuts$/\1/p' "$1.log" 2>/dev/null | tail -n 1)
	[ "${cuts:-0}" -lt "$cuts_wanted" ] || return 0
	echo "torture: ${1##*/}: ${cuts:-0} power cuts instead of $cuts_wanted" >&2
	return 1
}

status=0
"${MAKE:-make}" check TESTS="$*" || status=$?
echo
for test; do
	log=$test.log
	[ -f "$log" ] || continue
	printf '%-36s' "${test##*/}"
	grep -hE 'the time is over|power cuts|kills|damaged, |cases passed|cleanings|files fitted|bytes taken|seed |_SEED=' \
		"$log" | tail -n 3 | tr '\n' ';' | cut -c 1-160
done
for test; do
	case ${test##*/} in
	test-powercut*) cuts_enough "$test" || status=1 ;;
	esac
done
exit "$status"
