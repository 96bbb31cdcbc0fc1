#!/bin/bash
# SPDX-License-Identifier: MIT
# Data that cannot be put into a damaged file after the file was closed is not lost in silence: the
# next fsync of each handle says so once, `granary fs sync` does, and `granary fs status` counts it.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need python3 sqlite3

# A handle that is held: "sync" or "write" on its standard input, what became of it in $scratch/NAME.
cat >"$scratch/hold.py" <<'END'
import errno, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
print("open", flush=True)
for line in sys.stdin:
    if line == "end\n":
        break
    try:
        if line == "sync\n":
            os.fsync(fd)
        elif line == "fork\n": # a child that ends closes the handle, and looks at nothing
            child = os.fork()
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)
        else:
            os.pwrite(fd, b"more", 0)
        print("done", flush=True)
    except OSError as error:
        print(errno.errorcode[error.errno], flush=True)
END

sync_new() {
	python3 - "$1" <<-'END'
		import errno, os, sys
		fd = os.open(sys.argv[1], os.O_RDONLY)
		for i in range(2):
		    try:
		        os.fsync(fd)
		        print("done", end=" ")
		    except OSError as error:
		        print(errno.errorcode[error.errno], end=" ")
	END
}

# ask COMMAND: the held handle's answer.
ask() {
	local answer
	echo "$1" >&"${held[1]}"
	read -r answer <&"${held[0]}"
	echo "$answer"
}

has_losses() {
	granary fs status "$mount" | finds "^losses  *$1,"
}

make_store "$store" --chunk-average=4K
mount_store
head -c 12000000 /dev/urandom >"$scratch/data"
cp "$scratch/data" "$mount/file"
echo other >"$mount/other"
granary fs sync "$mount"
umount_store
# The pack with the nodes of the file's map: the largest of its kind.
read -r segment offset length < <(sqlite3 -separator ' ' "$store/catalogue.sqlite" \
	'SELECT segment, offset, length FROM pack WHERE kind = 2 ORDER BY length DESC LIMIT 1')
dd if=/dev/zero bs=512 seek=$(((offset + length / 2) / 512)) count=4 conv=notrunc status=none \
	of="$(printf '%s/segments/%02d/%010d.seg' "$store" $((segment % 100)) "$segment")"
mount_store "$store" "$mount" --commit-seconds=1
granary fs status --json "$mount" | finds '"count": 0' || fail "losses before there was one"

coproc held { exec python3 "$scratch/hold.py" "$mount/file"; }
held_pid=$!
read -r line <&"${held[0]}"
check_equal "$line" open "the held handle"
# In one piece: what is left of it after a commit would be told of the loss.
printf 'cannot be kept' | dd of="$mount/file" bs=14 seek=6000000 iflag=fullblock oflag=seek_bytes conv=notrunc status=none ||
	fail "the write itself was refused"
wait_for 10 has_losses 1 || fail "no loss is counted: $(granary fs status "$mount")"

check_equal "$(sync_new "$mount/other")" "done done " "fsync of another file"
check_equal "$(ask write)" EIO "a write through a handle that has not been told"
check_equal "$(sync_new "$mount/file")" "EIO done " "fsync of a handle opened after the loss"
check_equal "$(sync_new "$mount/file")" "done done " "fsync of a handle opened after the telling"
check_equal "$(ask fork)" "done" "a child that ends"
check_equal "$(ask sync)" EIO "fsync of a handle opened before the loss"
check_equal "$(ask sync)" "done" "its second fsync"
expect_status 1 granary fs sync "$mount"
expect_output 'has been lost: Input/output error'
expect_status 0 granary fs sync "$mount"
has_losses 1 || fail "the loss is no longer counted"
# Another loss, another telling.
check_equal "$(ask write)" "done" "a write after the telling"
check_equal "$(ask sync)" EIO "its fsync"
has_losses 2 || fail "the second loss is not counted: $(granary fs status "$mount")"
check_equal "$(sync_new "$mount/file")" "done done " "fsync of a handle opened after that"
check_equal "$(cat "$mount/other")" other "the other file"
echo end >&"${held[1]}"
wait "$held_pid"
umount_store
