#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what is missing, builds with warnings as errors, and runs `make check` in three
# builds: as shipped, under AddressSanitizer and UBSan, and (the tests with threads) under
# ThreadSanitizer; then `make check-guest`, where a stock kernel uses the tapes. The last line is
# "N passed, N failed, N skipped"; a skipped test fails the run where it could have run.
# BUILDS="plain asan tsan guest" chooses; BUILD_ROOT says where.
set -u

source=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=examples/setup.sh
. "$source/examples/setup.sh"
root=${BUILD_ROOT:-$source/build}
passed=0 failed=0 skipped=0

# shellcheck disable=SC2086
setup_install $SETUP_BUILD_PACKAGES $SETUP_TEST_PACKAGES || exit 1

# The tests sync a great deal. Where memory holds their folders they go there: what a power cut
# leaves is decided by the tests' own filesystem, not by this machine's disk.
use_memory() {
	[ -z "${TMPDIR:-}" ] || return 0
	[ "$(df -k --output=avail /dev/shm 2> /dev/null | tail -n 1)" -ge $((6 * 1024 * 1024)) ] 2> /dev/null || return 0
	TMPDIR=$(mktemp -d /dev/shm/granary-tests.XXXXXX) || return 0
	if setfattr -n user.granary -v 1 "$TMPDIR" 2> /dev/null; then
		chmod 755 "$TMPDIR"
		export TMPDIR
		trap 'rm -rf "$TMPDIR"' EXIT
		trap 'exit 130' INT TERM
	else
		rmdir "$TMPDIR"
		unset TMPDIR
	fi
}
use_memory

# leftovers BUILD: what its tests have left in the folder that is theirs alone.
leftovers() {
	[ -n "${TMPDIR:-}" ] && [ "${TMPDIR#/dev/shm/granary-tests.}" != "$TMPDIR" ] || return 0
	left=$(find "$TMPDIR" -mindepth 1 -maxdepth 1)
	[ -n "$left" ] || return 0
	echo "--- left behind by the tests in $1:" "$left"
	failed=$((failed + 1))
	rm -rf --one-file-system "${TMPDIR:?}"/*
}

# count BUILD: adds the results that the test harness left there.
count() {
	results=$(find "$1/tests" -name '*.trs' -exec sed -n 's/^:test-result: //p' {} +)
	p=$(echo "$results" | grep -c '^PASS') || true
	s=$(echo "$results" | grep -c '^SKIP') || true
	f=$(echo "$results" | grep -cE '^(FAIL|XPASS|ERROR)') || true
	passed=$((passed + p)) skipped=$((skipped + s)) failed=$((failed + f))
	[ "$((p + s + f))" -gt 0 ] || failed=$((failed + 1))
	grep -lrE '^:test-result: (FAIL|ERROR|XPASS)' "$1/tests" --include='*.trs' | while read -r trs; do
		echo "--- failed in ${1##*/}: ${trs#"$1"/}"
		tail -n 60 "${trs%.trs}.log"
	done
	grep -lr '^:test-result: SKIP' "$1/tests" --include='*.trs' | while read -r trs; do
		echo "--- skipped in ${1##*/}: ${trs#"$1"/}: $(tail -n 1 "${trs%.trs}.log")"
	done
}

# check NAME CONFIGURE-OPTIONS [MAKE-ARGUMENTS]: one build and its tests.
check() {
	name=$1
	# shellcheck disable=SC2086
	setup_build "$source" "$root/$name" --enable-werror $2 || {
		failed=$((failed + 1))
		return
	}
	shift 2
	setup_say "testing in $root/$name"
	find "$root/$name" -name '*.trs' -delete
	make -C "$root/$name" -j "${JOBS:-3}" --no-print-directory check "$@" > "$root/$name/check.out" 2>&1 ||
		grep -E '^(FAIL|ERROR|make.*Error)' "$root/$name/check.out" || tail -n 5 "$root/$name/check.out"
	count "$root/$name"
	leftovers "$name"
}

# With the programs of the plain build.
guest() {
	[ -f "$root/plain/Makefile" ] || {
		echo "run.sh: the guest needs the plain build" >&2
		failed=$((failed + 1))
		return
	}
	setup_say "testing under Debian's kernel in QEMU"
	make -C "$root/plain" --no-print-directory check-guest > "$root/plain/guest.out" 2>&1 || true
	p=$(grep -c '^PASS: ' "$root/plain/guest.out") || true
	s=$(grep -c '^SKIP: ' "$root/plain/guest.out") || true
	f=$(grep -c '^FAIL: tests' "$root/plain/guest.out") || true
	grep -q '^guest: [0-9]* failed' "$root/plain/guest.out" || f=$((f + 1))
	[ "$((f + s))" = 0 ] || cat "$root/plain/guest.out"
	passed=$((passed + p)) skipped=$((skipped + s)) failed=$((failed + f))
}

# shellcheck disable=SC2016 # make expands it
threads='TESTS=$(THREAD_TESTS)'
for build in ${BUILDS:-plain asan tsan guest}; do
	case $build in
	plain) check plain "" ;;
	asan) check asan --enable-sanitizers=address,undefined ;;
	tsan) check tsan --enable-sanitizers=thread "$threads" ;;
	guest) guest ;;
	*) echo "run.sh: no build is called $build" >&2 && exit 2 ;;
	esac
done

# With root and /dev/fuse there is nothing that could not have run.
if [ "$skipped" -gt 0 ] && [ "$(id -u)" = 0 ] && [ -c /dev/fuse ]; then
	echo "$skipped tests were skipped although this machine can run them"
	failed=$((failed + skipped)) skipped=0
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
