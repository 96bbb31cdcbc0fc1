#!/bin/bash
# SPDX-License-Identifier: MIT
# A tape that Linux tgt has written is brought in from tgt's file, block for block, as it was sent.
. "${top_srcdir:-.}/tests/functions.sh"
# shellcheck source=tests/fs/servers.sh
. "$top_srcdir/tests/fs/servers.sh"

need tgtd tgtadm tgtimg python3
need_root
own_network
grep -q '^#define HAVE_ISCSI' "$top_builddir/config.h" || skip "built without libiscsi"

cd "$scratch"
TGT_IPC_SOCKET=$scratch/tgt
export TGT_IPC_SOCKET
server_port=3260
tgtd -f -C 7 --iscsi portal=127.0.0.1:$server_port >tgtd.log 2>&1 &
server_pid[tgtd]=$!
admin() {
	tgtadm -C 7 --lld iscsi "$@"
}
wait_for 10 admin --mode sys --op show || skip "tgtd does not run here: $(tail -n 1 tgtd.log)"
name=iqn.2026-11.test:tgt
tgtimg --op new --device-type tape --barcode A00001L8 --size 64 --type data --file tape.img >/dev/null
admin --mode target --op new --tid 1 -T $name
admin --mode logicalunit --op new --tid 1 --lun 1 -b "$scratch/tape.img" --device-type tape --bstype ssc
admin --mode logicalunit --op update --tid 1 --lun 1 --params online=1
admin --mode target --op bind --tid 1 -I ALL

url=iscsi://127.0.0.1:$server_port/$name/1
head -c 700000 /dev/urandom >first
seq 1 30000 >second
granary-tape write --file 0 --block-size 64K "$url" <first || fail "tgt's tape cannot be written"
granary-tape write --block-size 10K "$url" <second || fail "the second file cannot be written"
# It does not end on a milder signal while it has targets; what it wrote is in the file.
kill -KILL "${server_pid[tgtd]}"
wait "${server_pid[tgtd]}" 2>/dev/null || true
unset "server_pid[tgtd]"
mkdir tapes
expect_status 0 granary-tape import --size 64M tape.img tapes/A00001L8
granary-tape cat tapes/A00001L8:0 | cmp - first || fail "the first file differs"
granary-tape cat tapes/A00001L8:1 | cmp - second || fail "the second file differs"
granary-tape files --json tapes/A00001L8 | python3 -c 'import json, sys
files = json.load(sys.stdin)["files"]
assert [(f["blocks"], f["largest_block"], f["filemark"]) for f in files] == [(11, 65536, True), (17, 10240, True)], files'
