#!/bin/sh
# SPDX-License-Identifier: MIT
# Part of bench.sh: tapes over iSCSI, one command at a time. In turns, for each size of a block:
# tgt's drive and granary-targetd's on the same native folder; then granary-targetd's on a mount of
# a store beside dd onto that mount, for data that is new and data that is stored already. Then what
# a second equal full costs in a store, beside the same bytes as a plain file.
# shellcheck disable=SC2154

tape_sizes="65536 262144 1048576"
tape_mib=${TAPE_MIB:-512}
tape_pids=
tape_tool="$build/tests/bench/bench-tape"

# A port that nothing listens at, between 20000 and 30000.
tape_port() {
	port=$((20000 + $$ % 10000))
	while ss -Hltn "sport = :$port" | grep -q .; do port=$((port + 1)); done
	echo "$port"
}

tape_wait() {
	tries=100
	until "$@" > /dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || { echo "bench: not there: $*" >&2; return 1; }
		sleep 0.1
	done
}

# Ends what was started here and waits for it; tgtd does not end by SIGTERM while it has a target.
tape_end() {
	for pid in $tape_pids; do kill "-$1" "$pid" 2> /dev/null || true; done
	for pid in $tape_pids; do wait "$pid" || true; done
	tape_pids=
}

tape_tgt_admin() {
	tgtadm -C 1 --lld iscsi "$@"
}

# tgt with a tape below $work/tape/native; its sockets are below $work too.
tape_tgt_start() {
	export TGT_IPC_SOCKET="$work/tape/tgt"
	port=$(tape_port)
	tgtd -f -C 1 --iscsi "portal=127.0.0.1:$port" > "$work/tape/tgtd.log" 2>&1 &
	tgt_pid=$!
	tape_pids="$tape_pids $tgt_pid"
	tape_wait tape_tgt_admin --mode target --op show
	tgtimg --op new --device-type tape --barcode BENCH1 --size $((tape_mib * 4)) --type data \
		--file "$work/tape/native/tgt.img" > /dev/null
	tape_tgt_admin --mode target --op new --tid 1 --targetname iqn.2026-11.test:tgt
	tape_tgt_admin --mode logicalunit --op new --tid 1 --lun 1 --device-type tape --bstype ssc \
		--backing-store "$work/tape/native/tgt.img"
	tape_tgt_admin --mode target --op bind --tid 1 -I ALL
	tgt_url=iscsi://127.0.0.1:$port/iqn.2026-11.test:tgt/1
}

tape_granary() {
	granary "$@" --root "$work/tape/root"
}

# tape_granary_start FOLDER: granary-targetd, a library whose tapes are there, and two of them in drives.
tape_granary_start() {
	rm -rf "$work/tape/root"
	granary-targetd --root "$work/tape/root" --portal 127.0.0.1:0 2> "$work/tape/targetd.log" &
	granary_pid=$!
	tape_pids="$tape_pids $granary_pid"
	tape_wait tape_granary daemon status targetd
	tape_granary vtl create bench --drives 2 --slots 9 --tapes 9 --folder "$1" \
		--tape-size "$((tape_mib * 4))M" > /dev/null
	tape_granary vtl load bench G00009L8 1 > /dev/null
	tape_granary vtl load bench G00008L8 2 > /dev/null
	portal=$(sed -n 's/.*listening on //p' "$work/tape/targetd.log" | head -n 1)
	granary_url=iscsi://$portal/iqn.2026-11.local.granary:bench
}

# tape_measure TOOL PREFIX VERB ARGUMENT...: rows of what bench-tape prints.
tape_measure() {
	tape_tool_=$1 prefix_=$2
	shift 2
	"$tape_tool" "$@" > "$work/tape/out" || return 1
	while read -r what_ bytes_ seconds_; do
		row tape "$tape_tool_" "$prefix_$what_" "$bytes_" "$seconds_"
	done < "$work/tape/out"
}

# tape_data NAME: another file of $tape_mib MiB, which compress to half.
tape_data() {
	"$tape_tool" data "$work/tape/data" $((tape_mib * 1048576)) "$(echo "$run$1" | cksum | cut -d ' ' -f 1)"
}

tape_native_tgt() {
	verb=$1
	shift
	tape_measure tgt "" "$verb" "$tgt_url" "$tgt_pid" "$@"
}

tape_native_granary() {
	verb=$1
	shift
	tape_measure granary "" "$verb" "$granary_url/1" "$granary_pid" "$@"
}

tape_native() {
	mkdir -p "$work/tape/native/granary" "$work/tape/native/full"
	tape_tgt_start
	tape_granary_start "$work/tape/native/granary"
	tape_data 0
	for size in $tape_sizes; do
		for verb in write read; do
			for tool in $tape_order; do
				sync
				"tape_native_$tool" "$verb" "$work/tape/data" "$size"
			done
		done
	done
	for tool in $tape_order; do "tape_native_$tool" small 20000; done
	"$tape_tool" full "$work/tape/native/full" M00001L8 1000000
	tape_granary vtl create full --drives 1 --folder "$work/tape/native/full" --adopt > /dev/null
	tape_granary vtl load full M00001L8 1 > /dev/null
	full_url=iscsi://$portal/iqn.2026-11.local.granary:full/1
	tape_measure granary "full-" locate "$full_url" "$granary_pid" 2000000 20000
	tape_measure granary "full-" load "$full_url" "$granary_pid" 500 1000 10
	tape_end KILL
	rm -rf "$work/tape/native"
}

tape_dd() {
	dd if="$work/tape/data" of="$work/mount/$1" bs="$2" conv=fsync status=none
}

# tape_mount_dd new|stored SIZE, tape_mount_granary likewise: what the one writes first the other finds.
tape_mount_dd() {
	measure tape dd "$1-$2" $((tape_mib * 1048576)) tape_dd "$1-$2" "$2"
}

# A tape that nothing was written to comes into the first drive, as dd writes a file that was not there.
tape_next() {
	if [ "$tape" -gt 0 ]; then tape_granary vtl unload bench 1 > /dev/null; fi
	tape=$((tape + 1))
	tape_granary vtl load bench "G0000${tape}L8" 1 > /dev/null
}

tape_mount_granary() {
	tape_next
	tape_measure granary "$1-" write "$granary_url/1" "$granary_pid" "$work/tape/data" "$2"
}

tape_mount() {
	granary_new
	tape_granary_start "$work/mount/tapes"
	tape_granary vtl unload bench 1 > /dev/null
	tape=0
	for size in $tape_sizes; do
		for first in $tape_order; do
			[ "$first" = granary ] || first="dd"
			tape_data "$first$size"
			sync
			"tape_mount_$first" new "$size"
			sync
			if [ "$first" = dd ]; then
				tape_mount_granary stored "$size"
			else
				tape_mount_dd stored "$size"
			fi
		done
	done
	tape_end TERM
	granary_stop
}

# tape_stored TOOL WHAT: what a store takes by now: data, and all of it with what finds it.
tape_stored() {
	granary fs sync "$work/mount" > /dev/null
	row tape "$1" "stored-$2" "$(folder_bytes "$work/store/segments")" 0
	row tape "$1" "catalogue-$2" "$(du -c --block-size=1 "$work/store"/catalogue.sqlite* "$work/store/index" | tail -n 1 | cut -f1)" 0
}

tape_cost() {
	tape_data 3
	granary_new
	for copy in 1 2; do
		tape_dd "copy-$copy" 1M
		tape_stored dd "$copy"
	done
	granary_new
	tape_granary_start "$work/mount/tapes"
	for copy in 1 2; do
		"$tape_tool" write "$granary_url/$copy" "$granary_pid" "$work/tape/data" 262144 > "$work/tape/out"
		tape_stored granary "$copy"
	done
	tape_end TERM
	granary_stop
}

# Who is first changes from run to run, so that neither always finds the disk busy with the other's data.
bench_tape() {
	if [ ! -x "$tape_tool" ]; then
		echo "bench: built without libiscsi: tapes are not measured" >&2
		return 0
	fi
	if [ $((run % 2)) = 1 ]; then tape_order="tgt granary"; else tape_order="granary tgt"; fi
	rm -rf "$work/tape"
	mkdir -p "$work/tape"
	tape_native
	tape_mount
	tape_cost
	rm -rf "$work/tape"
}
