#!/bin/sh
# SPDX-License-Identifier: MIT
# Part of bench.sh: unpacking and deleting a tree of 15,000 small files of /usr on Granary,
# passthrough and the native filesystem.
# shellcheck disable=SC2154

files_input() {
	[ -f "$folder/files.tar" ] && return 0
	find /usr/share /usr/include /usr/lib/python3 -xdev -type f -size -16k 2> /dev/null | LC_ALL=C sort |
		head -n 15000 > "$folder/files.list"
	tar -cf "$folder/files.tar" -T "$folder/files.list" 2> /dev/null
}

files_place() {
	case $1 in
	granary) echo "$work/mount/files" ;;
	passthrough) echo "$work/pass/files" ;;
	native) echo "$work/native/files" ;;
	esac
}

bench_files() {
	files_input
	granary_new
	mkdir -p "$work/native"
	passthrough_start
	bytes=$(stat -c %s "$folder/files.tar")
	warm "$folder/files.tar"
	for tool in granary passthrough native; do
		place=$(files_place $tool)
		mkdir -p "$place"
		measure files $tool unpack "$bytes" tar -xf "$folder/files.tar" -C "$place"
		measure files $tool walk "$bytes" find "$place" -newermt 2100-01-01
	done
	for tool in granary passthrough native; do
		measure files $tool delete "$bytes" rm -rf "$(files_place $tool)"
	done
	granary_stop
	passthrough_stop
}
