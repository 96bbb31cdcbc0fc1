# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Damage: a small store with known files is copied, something in the copy is
# damaged, and then nothing may crash, no read may return wrong bytes, fsck must
# name what is lost, and what can be rebuilt is rebuilt.
#
# DAMAGE_SEED repeats a run; DAMAGE_TRIALS is how many places are damaged.
. "${top_srcdir:-.}/tests/functions.sh" || exit 1
need_fuse
need sqlite3 xxd

source_tree=${scratch:?}/source
pristine=$scratch/pristine
damage_seed=${DAMAGE_SEED:-$((RANDOM * 32768 + RANDOM))}
# For the tests that source this.
# shellcheck disable=SC2034
trials=${DAMAGE_TRIALS:-6}
RANDOM=$damage_seed
echo "DAMAGE_SEED=$damage_seed"

# About 3 MB: noise, text, duplicates, holes, small files, links, attributes.
make_source() {
	local n
	mkdir -p "$source_tree/folder/below" "$source_tree/small"
	head -c 900000 /dev/urandom >"$source_tree/noise"
	cp "$source_tree/noise" "$source_tree/folder/noise.copy"
	seq 1 120000 >"$source_tree/folder/text"
	truncate -s 3M "$source_tree/sparse"
	dd if="$source_tree/noise" of="$source_tree/sparse" bs=1000 seek=1500 count=200 conv=notrunc status=none
	for ((n = 0; n < 60; n++)); do
		head -c $((RANDOM % 3000)) /dev/urandom >"$source_tree/small/$n"
	done
	ln "$source_tree/noise" "$source_tree/folder/below/link"
	ln -s ../noise "$source_tree/folder/symlink"
	# One name a file: fsck need not say them all.
	(cd "$source_tree" && find . -type f ! -name link -exec sha256sum {} + | sort -k 2) >"$scratch/sums"
}

# $pristine: the files in a store, with a second generation over the first.
make_pristine() {
	make_source
	mount_store "$pristine" "$mount"
	cp -a "$source_tree" "$mount/tree"
	sync "$mount/tree/noise"
	umount_store "$mount"
	mount_store "$pristine" "$mount"
	cp -a "$source_tree" "$mount/again"
	umount_store "$mount"
	fsck_store "$pristine"
}

# The store to be damaged next.
fresh_copy() {
	rm -rf "${store:?}"
	cp -a "$pristine" "$store"
}

# ---- ways to damage a file ----

random_below() {
	echo $(((RANDOM * 32768 + RANDOM) % $1))
}

# flip_bit FILE [OFFSET]
flip_bit() {
	local size offset byte
	size=$(stat -c %s "$1")
	offset=${2:-$(random_below "$size")}
	byte=$(od -An -tu1 -j "$offset" -N 1 "$1")
	printf '%02x' $((byte ^ (1 << RANDOM % 8))) | xxd -r -p |
		dd of="$1" bs=1 seek="$offset" conv=notrunc status=none
	what="a bit at $offset of ${1#"$store/"}"
}

# cut_off FILE: a random part of the end is gone.
cut_off() {
	local size
	size=$(random_below "$(stat -c %s "$1")")
	truncate -s "$size" "$1"
	what="${1#"$store/"} cut to $size bytes"
}

# spoil FILE: a run of noise.
spoil() {
	local offset
	offset=$(random_below "$(stat -c %s "$1")")
	dd if=/dev/urandom of="$1" bs=1 seek="$offset" count=$((1 + RANDOM % 6000)) conv=notrunc status=none
	what="noise at $offset of ${1#"$store/"}"
}

# blank FILE: a block of zeros, as a drive may return it.
blank() {
	local block
	block=$(random_below $(($(stat -c %s "$1") / 4096 + 1)))
	dd if=/dev/zero of="$1" bs=4096 seek="$block" count=1 conv=notrunc status=none
	what="zeros in block $block of ${1#"$store/"}"
}

remove() {
	rm "$1"
	what="${1#"$store/"} removed"
}

# ---- what must hold afterwards ----

broken() {
	cat "$scratch/fsck.out" 2>/dev/null >&2 || true
	fail "$what: $* (DAMAGE_SEED=$damage_seed)"
}

# A program that crashed, or that a sanitizer ended.
check_end() {
	[ "$1" -lt 128 ] || broken "$2 ended with status $1"
	! grep -E 'Sanitizer|assert' "$3" >&2 || broken "$2 crashed"
}

# run_fsck STATUS-VARIABLE OPTION...
run_fsck() {
	local -n fsck_result=$1
	shift
	fsck_result=0
	fsck.granary "$@" "$store" >"$scratch/fsck.out" 2>&1 || fsck_result=$?
	check_end "$fsck_result" "fsck.granary $*" "$scratch/fsck.out"
}

# Mounts $store if granary-fsd is willing; a refusal is one sentence and a status.
try_mount() {
	local pid status=0 tries=0
	mkdir -p "$mount"
	granary-fsd --memory=128M "$store" "$mount" >"$scratch/fsd.log" 2>&1 &
	pid=$!
	until is_mounted "$mount" && [ -S "$store/control.sock" ]; do
		if is_gone "$pid"; then
			wait "$pid" || status=$?
			check_end "$status" granary-fsd "$scratch/fsd.log"
			[ "$status" != 0 ] || broken "granary-fsd ended with 0 and did not mount"
			[ -s "$scratch/fsd.log" ] || broken "granary-fsd did not say why it does not mount"
			return 1
		fi
		tries=$((tries + 1))
		[ "$tries" -lt 3600 ] || broken "granary-fsd neither mounts nor ends"
		sleep 0.05
	done
	# As mount_store() leaves it.
	# shellcheck disable=SC2154
	mount_pid[$mount]=$pid
	# shellcheck disable=SC2154
	mount_log[$mount]=$scratch/fsd.log
}

# After an I/O error it may end with another status than 0, but never by a crash.
end_mount() {
	local status=0 pid=${mount_pid[$mount]}
	is_gone "$pid" && broken "granary-fsd is gone"
	wait_for 10 unmount_once "$mount" || broken "the mount is busy"
	unset "mount_pid[$mount]"
	wait "$pid" || status=$?
	check_end "$status" granary-fsd "$scratch/fsd.log"
}

# check_reads FOLDER: every file is right or cannot be read. Names of the latter go to $scratch/lost.
check_reads() {
	(cd "$1" && sha256sum -c "$scratch/sums") >"$scratch/reads" 2>/dev/null || true
	! grep 'FAILED$' "$scratch/reads" >&2 || broken "wrong bytes were returned"
	sed -n 's/^\.\/\(.*\): FAILED open or read$/\1/p' "$scratch/reads" >"$scratch/lost"
}

# What cannot be read is named by fsck, which found something at all.
check_named() {
	local name
	while read -r name; do
		[ "$1" != 0 ] || broken "$name cannot be read and fsck has found nothing"
		grep -q -F "$name" "$scratch/fsck.out" || broken "fsck does not name $name"
	done <"$scratch/lost"
}
