#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest (guest.sh), with this machine's tools: runs tests one after another. The last line
# says how many have failed. usage: inside.sh TEST...
: "${top_srcdir:?}" "${top_builddir:?}" "${GUEST_TEST_SECONDS:?}"
failed=0
# Without KVM the guest is ten times slower.
export POSIX_ENTRIES=${POSIX_ENTRIES:-2000}
cd "$top_builddir" || exit 1
echo "kernel $(uname -r)"
for test; do
	status=0
	start=$SECONDS
	case $test in
	*.sh) path=$top_srcdir/$test ;;
	*) path=$top_builddir/$test ;;
	esac
	timeout "$GUEST_TEST_SECONDS" "$path" >/mnt/output 2>&1 || status=$?
	case $status in
	0) echo "PASS: $test ($((SECONDS - start)) s)" ;;
	77) echo "SKIP: $test: $(tail -n 1 /mnt/output)" ;;
	*)
		echo "FAIL: $test (exit status $status)"
		tail -n 150 /mnt/output
		failed=$((failed + 1))
		;;
	esac
done
echo "guest: $failed failed"
