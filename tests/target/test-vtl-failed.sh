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

# ---- initiators: one that has no folder now is to be tried again, one that nobody knows is not
inquiry() {
	iscsi-inq "iscsi://$portal/$prefix:$1/0" >"$scratch/inquiry" 2>&1
}
if command -v iscsi-inq >/dev/null; then
	inquiry c && fail "a library without its folder is served"
	grep -qi 'service unavailable' "$scratch/inquiry" || fail "initiators are told: $(cat "$scratch/inquiry")"
	inquiry nothing && fail "there is a library that nobody has made"
	grep -qi 'target not found' "$scratch/inquiry" || fail "initiators are told: $(cat "$scratch/inquiry")"
fi

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
	targetd vtl list | finds "^$1  *served"
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
expect_output "^b: no folder: $target_state/tapes/b: No such file or directory"
mv "$scratch/b" "$target_state/tapes/b"
expect_status 0 targetd vtl list
expect_output '^b  *served '
stop_targetd

# ---- barcodes of libraries that are not served
start_targetd
tapes_of() {
	targetd tape list "$1" --json | sed -n 's/.*"barcode": *"\([^"]*\)".*/\1/p'
}
placed=$(tapes_of c | head -n 1) shelf=$(tapes_of c | tail -n 1)
expect_status 0 targetd vtl take c "$shelf"
# Its folder is there: nothing is unknown.
stop_targetd
: >"$target_state/tapes/c/.served"
exec 9<>"$target_state/tapes/c/.served"
flock -n 9
echo "library x of the test" >&9
start_targetd 9>&-
expect_status 0 targetd vtl list
expect_output '^c: failed: .*is served already, by library x of the test'
for tape in "$placed" "$shelf"; do
	expect_status 1 targetd tape create b --barcode "$tape"
	expect_output "library c has a tape $tape already"
	expect_status 1 targetd tape clone "$(tapes_of b | head -n 1)" "$tape"
	expect_output "library c has a tape $tape already"
done
expect_status 0 targetd tape create b --barcode Y00001L8
exec 9>&-
wait_for 90 served c || fail "c is not served"
# The same tape in another folder is not adopted beside it.
mkdir -p "$scratch/copy"
cp -a "$target_state/tapes/c/$shelf" "$scratch/copy/"
expect_status 1 targetd vtl create copy --adopt --folder "$scratch/copy"
expect_output "library c has a tape $shelf already"

# Its folder is not there: what is in its places is known, what is on the shelf is not.
stop_targetd
mv "$target_state/tapes/c" "$scratch/c"
start_targetd
for verb in "tape create b" "tape create b --barcode $placed" "tape clone Y00001L8 Y00002L8" "vtl create d --tapes 1" \
	"vtl create copy --adopt --folder $scratch/copy"; do
	# shellcheck disable=SC2086 # several words
	expect_status 1 targetd $verb
	expect_output 'nobody knows which barcodes library c has: its folder cannot be read (No such file'
	expect_output 'or --force'
done
expect_status 1 targetd tape create b --barcode "$placed" --force
expect_output "library c has a tape $placed already"
expect_status 0 targetd tape clone Y00001L8 Y00002L8 --force
expect_status 0 targetd vtl create d --tapes 1 --force
expect_status 0 targetd tape create b --force
! tapes_of b | finds -x "$placed" || fail "a barcode that is in a place is given again"
# A library that is served, and loses its folder, counts as well.
mv "$scratch/c" "$target_state/tapes/c"
wait_for 90 served c || fail "c is not served"
expect_status 0 targetd tape create b
mv "$target_state/tapes/c" "$scratch/c"
expect_status 1 targetd tape create b
expect_output 'nobody knows which barcodes library c has'
expect_status 1 targetd tape create b --barcode "$placed" --force
mv "$scratch/c" "$target_state/tapes/c"
# A tape that was lost from its place can be made again, in that library.
mv "$target_state/tapes/c/$placed" "$scratch/lost"
expect_status 1 targetd tape create b --barcode "$placed"
expect_status 0 targetd tape create c --barcode "$placed"
# Its file is damaged: nothing is known.
stop_targetd
sed -i 's/^iqn = .*/iqn = 17;/' "$target_state/libraries/c.conf"
start_targetd
expect_status 1 targetd tape create b
expect_output 'nobody knows which barcodes library c has: its file is damaged'
expect_status 0 targetd tape create b --force
expect_status 0 targetd tape create b --shelf --force
expect_status 0 targetd vtl create empty --tapes 0
expect_status 0 targetd vtl delete c
expect_status 0 targetd tape create b
stop_targetd
