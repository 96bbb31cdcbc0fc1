#!/bin/bash
# SPDX-License-Identifier: MIT
# Samba serves a mount with the settings of examples/smb.conf: trees and large files go in and come out
# bit for bit, names are found in any case, Windows' attributes and access lists are kept, all of it
# also after a restart of both.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh"
# shellcheck source=tests/fs/servers.sh
. "$top_srcdir/tests/fs/servers.sh"
need_fuse
need_root
PATH=$PATH:/usr/sbin:/sbin
need smbd smbclient smbcacls smbpasswd getfattr
own_network

samba=$(fresh_folder samba)
mkdir "$samba"/{private,lock,state,cache,pid,ncalrpc}
server_port=445 # smbcacls knows no other
cat >"$samba/conf" <<END
[global]
	server role = standalone server
	smb ports = $server_port
	disable netbios = yes
	disable spoolss = yes
	load printers = no
	rpc start on demand helpers = no
	passdb backend = tdbsam
	private dir = $samba/private
	lock directory = $samba/lock
	state directory = $samba/state
	cache directory = $samba/cache
	pid directory = $samba/pid
	ncalrpc dir = $samba/ncalrpc
	log file = $samba/log

$(sed "s|path = .*|path = $mount|" "$top_srcdir/examples/smb.conf")
END
printf 'secret\nsecret\n' | smbpasswd -c "$samba/conf" -s -a root >"$scratch/output" 2>&1 || fail "$(cat "$scratch/output")"

serve() {
	start_server smbd smbd --foreground --debug-stdout -s "$samba/conf"
}

# client COMMANDS: as smbclient(1) knows them. It says its failures only in words.
client() {
	local status=0
	smbclient -s "$samba/conf" -U root%secret //127.0.0.1/backup -c "$1" >"$scratch/output" 2>&1 || status=$?
	if [ "$status" != 0 ] || grep -q NT_STATUS "$scratch/output"; then
		cat "$scratch/output" >&2
		fail "smbclient failed: $1"
	fi
}

acls() {
	smbcacls -s "$samba/conf" -U root%secret //127.0.0.1/backup "$@" >"$scratch/output" 2>&1 || {
		cat "$scratch/output" >&2
		fail "smbcacls $* failed"
	}
}

# Files of all sizes, one of them large with data that is there twice, and one that is mostly a hole.
tree=$(fresh_folder tree)
cp -r "$top_srcdir/fs" "$top_srcdir/lib" "$tree"
mkdir "$tree/empty folder"
: >"$tree/empty"
head -c 12M /dev/urandom >"$tree/large"
cat "$tree/large" "$tree/large" >"$tree/twice"
truncate -s 40M "$tree/sparse"
printf end >>"$tree/sparse"

mount_store
serve
client "mkdir full; cd full; lcd $tree; recurse; prompt; mput *"
diff -r "$tree" "$mount/full" >&2 || fail "what Samba has written differs"
out=$(fresh_folder out)
client "cd full; lcd $out; recurse; prompt; mget *"
diff -r "$tree" "$out" >&2 || fail "what Samba reads differs"

# Names change, go and come; a file is written again, shorter.
client "mkdir work; put $tree/large work\\one; put $tree/empty work\\empty; rename work\\one work\\two"
client "get WORK\\Two $scratch/two; put $tree/fs/main.c work\\two; del work\\empty; mkdir work\\sub; rmdir work\\sub"
cmp "$tree/large" "$scratch/two"
cmp "$tree/fs/main.c" "$mount/work/two"
check_equal "$(ls "$mount/work")" two "what is left"
client "rename work moved; deltree full\\lib"
[ -f "$mount/moved/two" ] || fail "a folder cannot be renamed"
[ ! -e "$mount/full/lib" ] || fail "a tree cannot be deleted"
rm -r "${tree:?}/lib"

# What only Windows knows lives in extended attributes.
client 'setmode moved\two +hsr'
acls 'moved\two' -a 'ACL:S-1-5-21-1-2-3-1234:ALLOWED/0x0/READ'
getfattr --absolute-names -n user.DOSATTRIB "$mount/moved/two" >/dev/null || fail "no Windows attributes"
getfattr --absolute-names -n security.NTACL "$mount/moved/two" >/dev/null || fail "no Windows access list"

check_kept() {
	client 'allinfo moved\two'
	for attribute in R H S; do
		expect_output "^attributes: [A-Z]*$attribute"
	done
	acls 'moved\two'
	expect_output 'ACL:S-1-5-21-1-2-3-1234:ALLOWED/0x0/READ'
}
check_kept
stop_server smbd
remount_store
serve
check_kept
out=$(fresh_folder out)
client "cd full; lcd $out; recurse; prompt; mget *"
diff -r "$tree" "$out" >&2 || fail "what Samba reads after a restart differs"
client "deltree full; put $tree/large large; get large $scratch/two"
cmp "$tree/large" "$scratch/two"
stop_server smbd
umount_store
fsck_store
