#!/bin/sh
# SPDX-License-Identifier: MIT
# `make fuzz`: builds every target of this folder with libFuzzer under AddressSanitizer and UBSan
# and runs each for SECONDS_EACH seconds (default 60), starting from its seeds.
# usage: fuzz.sh SOURCE FOLDER [TARGET...]
set -eu

source=$1
folder=$2
shift 2
: "${SECONDS_EACH:=60}" "${CC:=clang}"

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ ! -f "$folder/Makefile" ]; then
	(cd "$folder" && "$source/configure" --quiet CC="$CC" CFLAGS="-g -O1 -fsanitize=fuzzer-no-link" \
		--enable-sanitizers=address,undefined > configure.out 2>&1) || { cat "$folder/configure.out"; exit 1; }
fi
make -C "$folder" -j "$(nproc)" --no-print-directory > "$folder/make.out" 2>&1 || { tail "$folder/make.out"; exit 1; }

libraries="target/tool/libsource.a target/service/libservice.a target/tape/libcartridge.a target/iscsi/libiscsitarget.a target/scsi/libscsi.a fs/tree/libtree.a fs/store/libstore.a fs/chunk/libchunk.a lib/daemon/libdaemon.a lib/base/libbase.a target/changer/libchanger.a target/tape/libtape.a"
present=
for library in $libraries; do
	[ ! -f "$folder/$library" ] || present="$present $folder/$library"
done
outside="$(pkg-config --libs libcrypto sqlite3 libzstd liblz4 libxxhash libconfig jansson libevent libevent_pthreads) $(pkg-config --libs zlib 2>/dev/null || true)"

[ $# -gt 0 ] || set -- "$source"/tests/fuzz/fuzz-*.c
for target in "$@"; do
	name=$(basename "$target" .c)
	# shellcheck disable=SC2086
	"$CC" -g -O1 -std=gnu11 -D_GNU_SOURCE -I"$source" -I"$folder" -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -o "$folder/$name" "$source/tests/fuzz/$name.c" \
		-Wl,--start-group $present -Wl,--end-group $outside -lm -pthread
	mkdir -p "$folder/corpus-$name"
	echo "== $name, $SECONDS_EACH seconds"
	"$folder/$name" -max_total_time="$SECONDS_EACH" -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$folder/$name-" "$folder/corpus-$name" "$source/tests/fuzz/seeds/${name#fuzz-}" \
		2> "$folder/$name.log" || { tail -n 40 "$folder/$name.log"; exit 1; }
	grep -E 'stat::(number_of_executed_units|new_units_added|peak_rss_mb)' "$folder/$name.log"
done
