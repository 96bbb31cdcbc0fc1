#!/bin/bash
# SPDX-License-Identifier: MIT
# A user-space NFSv4 server exports a mount with the settings of examples/ganesha.conf: trees and files go
# in and come out bit for bit, names and errors are right, and the handles that a client holds mean the
# same files after both have been restarted, or are stale where the file is gone.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh"
# shellcheck source=tests/fs/servers.sh
. "$top_srcdir/tests/fs/servers.sh"
need_fuse
need_root
need ganesha.nfsd xxd
client=$top_builddir/tests/fs/nfs-client
[ -x "$client" ] || skip "libnfs was not there when configure ran"
own_network

ganesha=$(fresh_folder ganesha)
server_port=2049
{
	sed -e "s|Path = .*|Path = $mount;|" -e 's|Squash = .*|Squash = No_Root_Squash;|' "$top_srcdir/examples/ganesha.conf"
	cat <<END
NFSV4 {
	Graceless = true;
	RecoveryBackend = fs;
	RecoveryRoot = $ganesha;
	Only_Numeric_Owners = true;
}
END
} >"$scratch/ganesha.conf"

serve() {
	start_server ganesha ganesha.nfsd -F -f "$scratch/ganesha.conf" -L STDERR -p "$ganesha/pid"
}

# nfs: does the commands of standard input, words apart by blanks; output to $scratch/output.
nfs() {
	tr ' ' '\t' | "$client" "$server_port" /main >"$scratch/output" 2>"$scratch/errors" || {
		cat "$scratch/errors" >&2
		fail "nfs-client failed"
	}
}

# refused ERROR COMMAND: it fails like that.
refused() {
	! tr ' ' '\t' <<<"$2" | "$client" "$server_port" /main >"$scratch/output" 2>&1 || fail "'$2' works"
	expect_output "$1"
}

# tree_commands FOLDER PATH: what puts all that is in FOLDER below PATH.
tree_commands() {
	find "$1" -mindepth 1 -type d -printf "mkdir $2/%P\n"
	find "$1" -type f -printf "put %p $2/%P\n" -printf "chmod %m $2/%P\n"
	find "$1" -type l -printf "symlink %l $2/%P\n"
}

tree=$(fresh_folder tree)
cp -r "$top_srcdir/fs/fuse" "$top_srcdir/lib" "$tree"
chmod -R u=rwX,go=rX "$tree"
ln -s lib/base/wire.c "$tree/link"
: >"$tree/empty"
chmod 751 "$tree/empty"
head -c 4M /dev/urandom >"$tree/large"
cat "$tree/large" "$tree/large" >"$tree/twice"

mount_store
serve
{
	echo "mkdir /tree"
	tree_commands "$tree" /tree
} | nfs
diff -r --no-dereference "$tree" "$mount/tree" >&2 || fail "what came over NFS differs"
check_equal "$(stat -c %a "$mount/tree/empty")" 751 "permissions"
nfs <<<"get /tree/twice $scratch/twice"
cmp "$tree/twice" "$scratch/twice"

# Every entry of a folder that takes many requests to list.
mkdir "$mount/many"
for i in $(seq 3000); do echo >"$mount/many/a name that is somewhat long, number $i"; done
nfs <<<"list /many"
check_equal "$(sort -u "$scratch/output" | wc -l)" 3000 "entries"

# Names and sizes change, also by the machine itself.
nfs <<END
mkdir /part
put $tree/large /part/one
rename /part/one /part/two
link /part/two /part/three
truncate 1000000 /part/two
symlink nowhere /part/soft
readlink /part/soft
list /part
END
sort "$scratch/output" >"$scratch/sorted"
check_equal "$(grep -v '^l' "$scratch/sorted" | cut -d ' ' -f 1,3,4)" $'f 1000000 three\nf 1000000 two\nnowhere' "the folder"
check_equal "$(stat -c %h "$mount/part/two")" 2 "links"
cmp -n 1000000 "$tree/large" "$mount/part/three"
refused 'Directory not empty' 'rmdir /part'
refused 'No such file' 'unlink /part/none'
refused 'File exists' 'mkdir /part'
nfs <<<$'unlink /part/soft\nunlink /part/three\nmkdir /part/sub\nrmdir /part/sub'
check_equal "$(ls "$mount/part")" two "what is left"

# ---- handles over a restart ----

head -c 2000 "$tree/large" >"$mount/tree/lib/file"
echo gone >"$mount/part/gone"
nfs <<END
handle /tree/lib/file $scratch/file.handle
handle /part/gone $scratch/gone.handle
handle-read $scratch/file.handle
END
cmp "$mount/tree/lib/file" "$scratch/output"
device=$(stat -c %d "$mount")
stop_server ganesha
remount_store
rm "$mount/part/gone"
for i in $(seq 20); do echo new >"$mount/part/new$i"; done
# The kernel numbers mounts as they come, and other tests mount as well: the server puts this
# number, which is not ours, into its handles, as a minor number of 32 bits behind 10 bytes.
minor() {
	local number=$(($1 & 0xff | $1 >> 12 & 0xfff00))
	printf '%02x%02x%02x%02x' $((number & 255)) $((number >> 8 & 255)) $((number >> 16 & 255)) $((number >> 24))
}
for handle in file gone; do
	check_equal "$(xxd -s 10 -l 4 -p "$scratch/$handle.handle")" "$(minor "$device")" "the number in a handle"
	minor "$(stat -c %d "$mount")" | xxd -r -p | dd of="$scratch/$handle.handle" bs=1 seek=10 conv=notrunc status=none
done
serve
nfs <<END
handle-read $scratch/file.handle
handle-write $scratch/file.handle 5 written
END
cmp "$scratch/output" <(head -c 2000 "$tree/large")
check_equal "$(head -c 12 "$mount/tree/lib/file" | tail -c 7)" written "what was written by handle"
refused 'Stale file handle' "handle-read $scratch/gone.handle"
nfs <<<"get /tree/twice $scratch/twice"
cmp "$tree/twice" "$scratch/twice"
stop_server ganesha
umount_store
fsck_store
