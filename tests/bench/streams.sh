#!/bin/sh
# SPDX-License-Identifier: MIT
# Part of bench.sh: generations of a large package as tar files, one after another, into each
# tool; then data that is there already under another name; then everything back, with cold
# caches. What a tool acknowledges is durable: Granary's and native copies end in fsync.
# shellcheck disable=SC2154

copy_durably() {
	dd if="$1" of="$2" bs=1M conv=fsync status=none
}

streams_ingest() {
	tool=$1 tar=$2 name=$3
	case $tool in
	granary) copy_durably "$tar" "$work/mount/$name" ;;
	restic) restic backup -q "$tar" ;;
	borg) borg create -C zstd,1 "::$name" "$tar" ;;
	passthrough) copy_durably "$tar" "$work/pass/$name" ;;
	native) copy_durably "$tar" "$work/native/$name" ;;
	esac
}

streams_setup() {
	rm -rf "$work/restic" "$work/borg" "$work/borg-home" "$work/native" "$work/pass.source" "$work/again"
	mkdir -p "$work/native" "$work/again"
	granary_new
	restic init -q
	borg init -e none
	passthrough_start
}

# The newest generation comes back out.
streams_restore() {
	tool=$1 name=$2
	rm -rf "$work/out" && mkdir "$work/out"
	case $tool in
	granary) granary_stop && mount.granary "$work/store" "$work/mount" ;;
	esac
	drop_caches
	case $tool in
	granary) measure streams granary restore "$bytes" cp "$work/mount/$name" "$work/out/" ;;
	restic) measure streams restic restore "$bytes" restic restore -q latest --target "$work/out" --include "$tar" ;;
	borg) (cd "$work/out" && measure streams borg restore "$bytes" borg extract "::$name") ;;
	passthrough) measure streams passthrough restore "$bytes" cp "$work/pass/$name" "$work/out/" ;;
	native) measure streams native restore "$bytes" cp "$work/native/$name" "$work/out/" ;;
	esac
	find "$work/out" -type f -exec cmp "$tar" {} \;
}

bench_streams() {
	streams_setup
	generation=1
	while read -r tar; do
		bytes=$(stat -c %s "$tar")
		warm "$tar"
		for tool in granary restic borg passthrough native; do
			measure streams "$tool" "generation-$generation" "$bytes" \
				streams_ingest "$tool" "$tar" "generation-$generation"
		done
		generation=$((generation + 1))
	done < "$folder/tars"
	granary fs sync "$work/mount" > /dev/null
	row streams granary stored "$(folder_bytes "$work/store/segments")" 0
	row streams granary catalogue "$(du -c --block-size=1 "$work/store"/catalogue.sqlite* "$work/store/index" | tail -n 1 | cut -f1)" 0
	row streams restic stored "$(folder_bytes "$work/restic")" 0
	row streams borg stored "$(folder_bytes "$work/borg")" 0
	# Restore before the duplicate run, so that `latest` is the newest generation.
	tar=$(tail -n 1 "$folder/tars")
	for tool in granary restic borg passthrough native; do
		streams_restore "$tool" "generation-$versions"
	done
	tar=$(head -n 1 "$folder/tars")
	cp "$tar" "$work/again/again.tar"
	bytes=$(stat -c %s "$tar")
	for tool in granary restic borg; do
		measure streams "$tool" duplicate "$bytes" streams_ingest "$tool" "$work/again/again.tar" again
	done
	row streams granary peak-memory "$(peak_memory "$(granary_pid)")" 0
	granary_stop
	passthrough_stop
}
