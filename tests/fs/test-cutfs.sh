#!/bin/bash
# SPDX-License-Identifier: MIT
# cutfs is a right filesystem, keeps in every image what was synced, and does lose
# what was not: otherwise the tests on it would prove nothing.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
. "$top_srcdir/tests/fs/cutfs.sh"
need_fuse
need sqlite3

seed=$((RANDOM * 32768 + RANDOM))
RANDOM=$seed
echo "seed $seed"
model=$top_builddir/tests/fs/model

check_model() {
	mkdir "$disk/model"
	"$model" --state="$scratch/state" --seed="$seed" --seconds=3 run "$disk/model"
	"$model" --state="$scratch/state" verify "$disk/model" || fail "cutfs is no right filesystem"
	rm -r "$disk/model"
}

# check_cuts MODEL: a file that is synced, one that is not, one renamed over a synced one.
check_cuts() {
	local kept=0 lost=0 torn=0 n old=$scratch/old new=$scratch/new
	head -c 50000 /dev/urandom >"$old"
	head -c 50000 /dev/urandom >"$new"
	# One cut in eight or so keeps the file.
	for ((n = 0; n < 40 || (n < 1000 && !(kept && lost && torn)); n++)); do
		rm -rf "$disk"/files "$scratch/image"
		mkdir "$disk/files"
		cp "$old" "$disk/files/synced"
		sync "$disk/files/synced" "$disk/files" "$disk"
		cp "$new" "$disk/files/fresh"
		dd if="$new" of="$disk/files/synced" bs=4096 seek=2 count=8 conv=notrunc status=none
		take_cut "$scratch/image" $RANDOM$n
		for ((sector = 0; sector < 50000 / 512; sector++)); do
			((sector >= 16 && sector < 80)) && continue
			cmp -s -i $((sector * 512)) -n 512 "$old" "$scratch/image/files/synced" ||
				fail "a synced sector is not in the image ($1, cut $n, seed $seed)"
		done
		if [ ! -e "$scratch/image/files/fresh" ]; then
			lost=$((lost + 1))
		elif cmp -s "$new" "$scratch/image/files/fresh"; then
			kept=$((kept + 1))
		else
			torn=$((torn + 1))
		fi
	done
	echo "$1: kept $kept, lost $lost, torn $torn of $n"
	((kept > 0 && lost > 0 && torn > 0)) || fail "the dice have not fallen on every side ($1)"
}

check_rename() {
	local n old=0 new=0
	for ((n = 0; n < 20 || (n < 1000 && !(old && new)); n++)); do
		rm -rf "$disk"/swap "$scratch/image"
		mkdir "$disk/swap"
		echo old >"$disk/swap/name"
		echo new >"$disk/swap/name.new"
		sync "$disk"/swap/* "$disk/swap" "$disk"
		mv "$disk/swap/name.new" "$disk/swap/name"
		take_cut "$scratch/image" $RANDOM$n
		case $(cat "$scratch/image/swap/name") in
		old) old=$((old + 1)) ;;
		new) new=$((new + 1)) ;;
		*) fail "a rename is half on the disk ($1, seed $seed)" ;;
		esac
	done
	((old > 0 && new > 0)) || fail "a rename was always there, or never ($1)"
}

# Every transaction that was acknowledged is in the image, and the database is whole.
check_sqlite() {
	local writer n acknowledged have
	sqlite3 "$disk/db" 'PRAGMA journal_mode=WAL; CREATE TABLE t(i INTEGER PRIMARY KEY, b BLOB)' >/dev/null
	(
		for ((n = 1; n < 40000; n++)); do
			echo "INSERT INTO t VALUES($n, randomblob($((RANDOM % 9000)))); SELECT 'row', $n;"
		done
	) | sqlite3 -cmd 'PRAGMA synchronous=FULL' -cmd 'PRAGMA wal_autocheckpoint=50' \
		"$disk/db" >"$scratch/rows" 2>&1 &
	writer=$!
	for ((n = 0; n < 15; n++)); do
		sleep 0.0$((RANDOM % 10))
		acknowledged=$(grep -c '^row' "$scratch/rows" || true)
		rm -rf "$scratch/image"
		take_cut "$scratch/image" $RANDOM$n
		check_equal "$(sqlite3 "$scratch/image/db" 'PRAGMA integrity_check')" ok "the database in cut $n ($1, seed $seed)"
		have=$(sqlite3 "$scratch/image/db" 'SELECT count(*) FROM t')
		((have >= acknowledged)) || fail "$acknowledged rows acknowledged, $have there ($1, seed $seed)"
	done
	kill "$writer" 2>/dev/null || true
	wait "$writer" 2>/dev/null || true
}

check_faults() {
	echo one >"$disk/fault"
	order_fault write:1
	expect_status 1 dd if=/dev/zero of="$disk/fault" bs=512 count=1 conv=notrunc
	order_fault fsync:1
	expect_status 1 sync "$disk/fault"
	sync "$disk/fault"
	set_disk_quota $(($(disk_used) + 4000000))
	expect_status 1 dd if=/dev/zero of="$disk/big" bs=65536 count=200
	expect_output 'No space left'
	rm "$disk/big"
	dd if=/dev/zero of="$disk/big" bs=65536 count=2 status=none
}

for how in journal strict; do
	mount_cutfs --model=$how
	[ "$how" = strict ] || check_model
	check_cuts $how
	check_rename $how
	check_sqlite $how
	check_faults
	umount_cutfs
done
