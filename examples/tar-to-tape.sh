#!/bin/sh
# SPDX-License-Identifier: MIT
# Plain tapes with plain tools: logs in to a library of granary-targetd with open-iscsi, has mtx put a
# tape into a drive, writes a tar with tar, and reads it back.
#
#   granary vtl create main                 on the host of granary-targetd, which prints the portal
#   tar-to-tape.sh PORTAL LIBRARY FOLDER    as root, on a host with open-iscsi, mtx, mt-st, lsscsi
#
#   tar-to-tape.sh 192.0.2.7:3260 main /etc
set -eu

portal=${1:?usage: tar-to-tape.sh PORTAL LIBRARY FOLDER}
library=${2:?usage: tar-to-tape.sh PORTAL LIBRARY FOLDER}
folder=${3:?usage: tar-to-tape.sh PORTAL LIBRARY FOLDER}

# Which libraries this host may see; the name of ours ends with the library's.
iqn=$(iscsiadm -m discovery -t sendtargets -p "$portal" | awk -v name=":$library" '
	substr($2, length($2) - length(name) + 1) == name { print $2; exit }')
[ -n "$iqn" ] || {
	echo "$portal shows no library $library to this host" >&2
	exit 1
}

# With CHAP, before the login:
#   iscsiadm -m node -T "$iqn" -p "$portal" -o update -n node.session.auth.authmethod -v CHAP
#   ... -n node.session.auth.username -v USER   ... -n node.session.auth.password -v SECRET
# A drive that flushes or rewinds may take its time: be patient with it.
iscsiadm -m node -T "$iqn" -p "$portal" -o update -n node.conn[0].timeo.noop_out_timeout -v 60
iscsiadm -m node -T "$iqn" -p "$portal" --login
udevadm settle

# The devices of this session: LUN 0 is the changer, LUN 1 the first drive.
by_path=/dev/tape/by-path/ip-$portal-iscsi-$iqn
tape=$(readlink -f "$by_path-lun-1-nst")
changer=$(lsscsi -g --transport | awk -v iqn="$iqn" 'index($0, iqn) && $2 == "mediumx" { print $NF; exit }')

mtx -f "$changer" status
# The first slot into the first drive; mtx counts slots from 1 and drives from 0.
mtx -f "$changer" load 1 0
mt -f "$tape" rewind

# 256 KiB a block: the larger the blocks, the less of each is their host's header.
tar -C / -b 512 -cf "$tape" "${folder#/}"
mt -f "$tape" status

# Back at the beginning, what is on it is what was written.
mt -f "$tape" rewind
tar -C / -b 512 --compare -f "$tape"

mt -f "$tape" offline
mtx -f "$changer" unload 1 0
iscsiadm -m node -T "$iqn" -p "$portal" --logout
