#!/bin/bash
# SPDX-License-Identifier: MIT
# A library that cannot be served is shown with the reason, the others are served, and it can be mended or
# deleted.
. "${top_srcdir:-.}/tests/target/targetd.sh"

need python3

start_targetd
for name in a b c; do
	expect_status 0 targetd vtl create $name --tapes 2 --slots 4 --drives 1 --tape-size 64M
done
check_equal "$(targetd daemon metrics targetd --json | sed -n 's/.*"libraries_failed": *\([0-9]*\).*/\1/p')" 0 \
	"failed libraries"
stop_targetd
conf=$target_state/libraries/a.conf
cp "$conf" "$scratch/a.conf"
sed -i 's/^iqn = .*/iqn = 17;/' "$conf"
mv "$target_state/tapes/c" "$scratch/c"
: >"$target_state/libraries/empty.conf"
start_targetd

# ---- shown
grep -qE 'libraries/a.conf:[0-9]+: "iqn" must be text' "$targetd_log" || fail "no sentence names file and line"
expect_status 0 targetd vtl list
expect_output '^b  *served '
expect_output '^a  *failed '
expect_output '^a: failed: .*libraries/a.conf:[0-9]*: "iqn" must be text'
expect_output '^c: failed: the folder of its cartridges, .*/tapes/c: No such file or directory'
expect_output '^empty: failed: .*"version" is missing'
targetd vtl list --json | python3 -c 'import json, sys
libraries = json.load(sys.stdin)
assert [(l["name"], l["state"]) for l in libraries] == [("b", "served"), ("a", "failed"), ("c", "failed"),
	("empty", "failed")], libraries
assert all(set(l) == set(libraries[0]) for l in libraries), libraries
assert libraries[0]["reason"] is None and libraries[1]["iqn"] is None'
expect_status 0 targetd vtl show c
expect_output '^reason .*tapes/c: No such file'
expect_status 0 targetd daemon status targetd
expect_output '^failed libraries  *[ac]: '
expect_output '^  .* empty: .*"version" is missing'
expect_output '^portals  *127\.0\.0\.1:'
expect_status 0 targetd daemon metrics targetd --json
expect_output '"libraries_failed": 3'
expect_output '"libraries": 1'

# ---- refused
for verb in "vtl elements a" "vtl drives a" "vtl load a 1000" "vtl update a --slots 9" "tape create a" "tape list a"; do
	# shellcheck disable=SC2086 # several words
	expect_status 1 targetd $verb
	expect_output 'library a is not served: '
done
expect_status 1 targetd vtl create a
expect_output 'there is a library a already'
expect_status 1 targetd vtl reopen a
expect_output 'library a is still not served'
expect_status 1 targetd vtl reopen nothing
expect_output 'there is no library "nothing"'
expect_status 1 targetd vtl reopen ../libraries/b
expect_status 1 targetd vtl delete empty --purge
expect_output 'without --purge'

# ---- mended, deleted
touch "$target_state/libraries/empty.secrets" "$target_state/libraries/empty.reservations"
expect_status 0 targetd vtl delete empty
for file in "$target_state"/libraries/empty.*; do
	[ ! -e "$file" ] || fail "a library that was deleted has left $file"
done
cp "$scratch/a.conf" "$conf"
expect_status 0 targetd vtl reopen a
expect_output 'a is served'
expect_status 0 targetd vtl reopen a
expect_status 0 targetd vtl load a "$(targetd tape list a --json | sed -n 's/.*"barcode": *"\([^"]*\)".*/\1/p' | head -n 1)"
# Its folder comes back, and it is served by itself.
mv "$scratch/c" "$target_state/tapes/c"
# shellcheck disable=SC2317 # called by wait_for
served() {
	targetd vtl list | grep -q "^$1  *served"
}
wait_for 90 served c || fail "c is not served"
expect_status 0 targetd vtl elements c
# One that is gone by hand is forgotten.
stop_targetd
sed -i 's/^iqn = .*/iqn = 17;/' "$conf"
start_targetd
rm "$conf"
expect_status 1 targetd vtl reopen a
expect_status 0 targetd vtl list
! grep -q '^a ' "$scratch/output" || fail "what is gone is listed"
expect_status 0 targetd vtl create a --adopt
check_equal "$(targetd tape list a | grep -c slot)" 2 "tapes that were adopted"

# A folder that goes while the library is served.
mv "$target_state/tapes/b" "$scratch/b"
expect_status 0 targetd vtl list
expect_output '^b: no folder: No such file or directory'
mv "$scratch/b" "$target_state/tapes/b"
expect_status 0 targetd vtl list
expect_output '^b  *served '
stop_targetd
