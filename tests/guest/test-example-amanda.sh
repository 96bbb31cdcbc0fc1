#!/bin/bash
# SPDX-License-Identifier: MIT
# examples/amanda.conf with the whole of Amanda: tapes found and labelled by their barcodes, a full
# over two tapes, another over two new ones, and both fetched back, in the two ways that there are.
. "${top_srcdir:-.}/tests/guest/programs.sh"
for needed in amdump amtape amcheckdump amfetchdump amrecover; do
	command -v "$needed" >/dev/null || skip "there is no $needed"
done

start_targetd
# So large that the early warning comes two of Amanda's blocks before the end.
targetd vtl create main --drives 2 --slots 40 --tapes 5 --tape-size 32M >/dev/null
start_initiator
start_udev
login main 2
named_devices main

# What the scripts of the packages would have done.
usermod -a -G tape,disk backup
mkdir -p /var/log/amanda
touch /var/lib/amanda/amandates
chown backup:backup /var/lib/amanda/amandates /var/log/amanda /etc/amandahosts

mkdir -p /etc/amanda/granary /srv/fetched
example amanda.conf main >/etc/amanda/granary/amanda.conf
echo 'localhost /srv/data global' >/etc/amanda/granary/disklist
chown -R backup:backup /etc/amanda /srv/fetched
make_tree /srv/data 36

# amanda PROGRAM ARGUMENT...: as its user; what it answers is in $scratch/answer.
amanda() {
	(cd /srv/fetched && timeout 900 setpriv --reuid backup --regid backup --init-groups -- "$@") \
		>"$scratch/answer" 2>&1 ||
		fail "$*: $(cat "$scratch/answer" /var/lib/amanda/granary/log/log.*)"
}
has() {
	grep -qE "$1" "$scratch/answer" || fail "no '$1' in: $(cat "$scratch/answer")"
}

# What the example says is to be there.
sed -n 's/^#   \(mkdir\|touch\) /\1 /p' "$top_srcdir/examples/amanda.conf" >"$scratch/folders"
amanda sh "$scratch/folders"
amanda amgetconf granary --list changer
has '^granary-robot$'
amanda amtape granary inventory
for number in 1 2 3 4 5; do
	has "^slot $number: .*barcode G0000${number}L8"
done
has '^slot 40: empty'
amanda amlabel granary G00005L8 slot 5
amanda amcheck granary
has "Will write label 'G00001L8' to new volume"
has 'Client check: 1 host checked .* 0 problems found'

# dump TAPE TAPE: a full, on those two; its time is in $dumped.
dump() {
	amanda amadmin granary force localhost
	amanda amdump granary
	amanda amreport granary
	has "^These dumps were to tapes $1, $2\.$"
	has '^DLEs Taped +1 +1 '
	has '^Parts Taped +2 +2 '
	! grep -E 'FAIL|STRANGE|ERROR|error' "$scratch/answer" || fail "Amanda complains: $(cat "$scratch/answer")"
	amanda amtape granary inventory
	has "^slot ${1:5:1}: label $1 barcode $1 "
	has "^slot ${2:5:1}: label $2 barcode $2 "
	dumped=$(awk -v tape="$1" '$2 == tape { print $1 }' /var/lib/amanda/granary/tapelist)
}

dump G00001L8 G00002L8
amanda amcheckdump granary --timestamp "$dumped"
has '^Reading volume G00002L8 file 1'
has '^All image \(1\) successfully validated'
# It names the tapes first and wants to hear that they are there.
echo | amanda amfetchdump -a granary localhost '^/srv/data$' "$dumped"
mkdir /srv/restored
tar -xpf /srv/fetched/localhost._srv_data."$dumped".0 --numeric-owner -C /srv/restored
check_same /srv/data /srv/restored
rm -r /srv/restored /srv/fetched/*

touch /srv/data/of-the-second-dump
dump G00003L8 G00004L8
mkdir /srv/restored
# In the example's own words.
recover=$(sed -n 's/^#   \(amrecover .*auth=local\).*/\1/p' "$top_srcdir/examples/amanda.conf")
[ -n "$recover" ] || fail "the example has no amrecover"
# shellcheck disable=SC2086 # a line of words
(cd /srv/restored && printf '%s\n' 'setdisk /srv/data' 'add .' extract Y Y exit | timeout 900 $recover) \
	>"$scratch/answer" 2>&1 || fail "$recover: $(cat "$scratch/answer")"
has 'The following tapes are needed: G00003L8 G00004L8$'
check_same /srv/data /srv/restored

amanda amtape granary inventory
has '^slot 5: label G00005L8 '
logout main
stop_targetd
