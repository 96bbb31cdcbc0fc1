#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian's mtx, tapeinfo, loaderinfo, sg3-utils and stenc find everything they ask a library for, and
# what they print of it is true.
. "${top_srcdir:-.}/tests/target/targetd.sh"

need mtx tapeinfo loaderinfo stenc sg_inq sg_vpd sg_modes sg_logs sg_opcodes sg_persist sg_read_attr \
	sg_luns sg_turs sg_requests sg_timestamp sg_senddiag sg_raw

start_targetd
targetd vtl create plain --drives 2 --slots 8 --ie-slots 2 --tapes 4 --tape-size 64M >/dev/null
targetd vtl create secret --encryption --drives 1 --slots 4 --tapes 1 --tape-size 64M --barcode SEC >/dev/null

changer=/dev/sg0 drive=/dev/sg1 secret=/dev/sg2
export SGIO_URL_0=iscsi://$portal/$prefix:plain/0 SGIO_URL_1=iscsi://$portal/$prefix:plain/1
export SGIO_URL_2=iscsi://$portal/$prefix:secret/1 SGIO_URL_3=iscsi://$portal/$prefix:secret/0
other=iqn.2026-11.test:other

# peer COMMAND...: it sees the devices above, and succeeds; what it says is in $scratch/output.
peer() {
	expect_status 0 env LD_PRELOAD="$top_builddir/tests/target/sgio.so" "$@"
}

# peer_fails STATUS COMMAND...
peer_fails() {
	local status=$1
	shift
	expect_status "$status" env LD_PRELOAD="$top_builddir/tests/target/sgio.so" "$@"
}

# says LINE...: the output has each of them, blanks aside.
says() {
	local line
	for line in "$@"; do
		sed 's/[[:space:]]\+/ /g; s/^ //; s/ $//' "$scratch/output" | finds -xF -e "$line" || {
			cat "$scratch/output" >&2
			fail "nothing says '$line'"
		}
	done
}

says_no() {
	! grep -iE "$1" "$scratch/output" >&2 || fail "the output has '$1'"
}

word() {
	targetd vtl drives "$1" --json | sed -n 's/.*"serial": "\([^"]*\)".*/\1/p' | head -n 1
}
serial=$(word plain)
[ "${#serial}" = 10 ] || fail "serial number of the drive: '$serial'"

# ---- the changer ----
peer mtx -f $changer inquiry
says 'Product Type: Medium Changer' "Vendor ID: 'STK '" "Product ID: 'L700 '"
peer loaderinfo -f $changer
says 'Number of Medium Transport Elements: 1' 'Number of Storage Elements: 8' \
	'Number of Import/Export Elements: 2' 'Number of Data Transfer Elements: 2' \
	'Transfer Storage: ->Data Transfer, ->Import/Export, ->Storage' \
	'Exchange Storage: <>Data Transfer, <>Import/Export, <>Storage' 'EAAP: Yes' 'Invertable: No'
peer mtx -f $changer status
says 'Storage Changer /dev/sg0:2 Drives, 10 Slots ( 2 Import/Export )' 'Data Transfer Element 0:Empty' \
	'Storage Element 1:Full :VolumeTag=G00001L8' 'Storage Element 5:Empty' \
	'Storage Element 10 IMPORT/EXPORT:Empty'
peer mtx -f $changer inventory
peer mtx -f $changer load 2 1
peer mtx -f $changer load 1 0
peer mtx -f $changer transfer 3 9
peer mtx -f $changer exchange 4 9
peer mtx -f $changer position 5
peer_fails 1 mtx -f $changer load 4 0
peer_fails 1 mtx -f $changer load 6 0
peer_fails 1 mtx -f $changer transfer 7 8
peer mtx -f $changer status
says 'Data Transfer Element 0:Full (Storage Element 1 Loaded):VolumeTag = G00001L8' \
	'Data Transfer Element 1:Full (Storage Element 2 Loaded):VolumeTag = G00002L8' \
	'Storage Element 1:Empty' 'Storage Element 3:Empty' 'Storage Element 4:Full :VolumeTag=G00003L8' \
	'Storage Element 9 IMPORT/EXPORT:Full :VolumeTag=G00004L8'
check_equal "$(place_of plain G00004L8)" 10 "place of what mtx has moved"
peer mtx -f $changer unload 8 1
peer mtx -f $changer status
says 'Data Transfer Element 1:Empty' 'Storage Element 8:Full :VolumeTag=G00002L8'

# Element descriptors say what a tape is by its own word: this barcode says nothing.
targetd tape create secret --barcode ONLYONCE --medium LTO-8-WORM --size 64M >/dev/null
place=$(printf %04x "$(place_of secret ONLYONCE)")
peer sg_raw -r 32 /dev/sg3 b8 00 "${place:0:2}" "${place:2:2}" 00 01 00 00 00 20 00 00
grep -q "^ 10 *${place:0:2} ${place:2:2} 09 00 00 00 00 00 *00 04 00 00 " "$scratch/output" || {
	cat "$scratch/output" >&2
	fail "ONLYONCE is no WORM tape"
}

# ---- the drive, with a tape ----
peer tapeinfo -f $drive
says 'Product Type: Tape Drive' "Vendor ID: 'IBM '" "Product ID: 'ULT3580-TD8 '" "SerialNumber: '$serial'" \
	'MinBlock: 1' 'MaxBlock: 8388608' 'Ready: yes' 'BufferedMode: yes' 'Medium Type: 0x88' \
	'Density Code: 0x5e' 'BlockSize: 0' 'DataCompEnabled: yes' 'DataCompCapable: yes' 'BOP: yes' \
	'Block Position: 0' 'Partition 0 Size in Kbytes: 64' 'ActivePartition: 0' 'MaxPartitions: 1'
says_no TapeAlert
peer_fails 0 tapeinfo -f $secret
says 'Ready: no'

peer sg_luns $changer
says 'Lun list length = 24 which imples 3 lun entries' 0000000000000000 0001000000000000 0002000000000000
peer sg_inq $drive
says 'length=96 (0x60) Peripheral device type: tape' "Unit serial number: $serial" 'Vendor identification: IBM'
peer sg_inq $changer
grep -q 'Peripheral device type: medium changer' "$scratch/output" || fail "not a changer"
for page in sn di ei sad mas tas dtde 0xc0 0xc1; do
	peer sg_vpd --page=$page $drive
done
peer sg_vpd --page=sn $drive
says "Unit serial number: $serial"
peer sg_vpd --page=di $drive
says "vendor specific: ULT3580-TD8 $serial" 'designator type: NAA, code set: Binary' "$prefix:plain,t,0x0001" \
	'Relative target port: 0x1' 'Target port group: 0x1'
peer sg_vpd --page=di $changer
says 'vendor id: STK' "$prefix:plain,t,0x0001"
peer sg_vpd --page=dtde $drive
says 'Data transfer device element address: 0x01f4'
peer_fails 5 sg_raw -r 64 $changer 12 01 b0 00 40 00
peer sg_requests $drive
peer sg_turs $drive
peer_fails 2 sg_turs $secret
peer sg_senddiag -t $drive
peer sg_timestamp $drive

# Each page that is listed can be read alone, in all four ways, and is found by its name.
for device in $drive $changer; do
	peer sg_modes -a $device
	says_no 'illegal|fail|error[^ ]* in|invalid|bad'
	pages=$(sed -n 's/^>> .*//; s/^ 00 *\([0-9a-f][0-9a-f]\) .*/\1/p' "$scratch/output" | tail -n +1)
	[ "$(echo "$pages" | wc -l)" -ge 5 ] || fail "mode pages of $device: $pages"
	for page in $pages; do
		[ "$page" != 5e ] || continue # the block descriptor
		for control in 0 1 2; do
			peer sg_modes -c $control -p "0x$page" $device
			says_no 'illegal|invalid|bad'
			peer sg_modes -6 -c $control -p "0x$page" $device
		done
		peer_fails 5 sg_modes -c 3 -p "0x$page" $device
	done
	peer sg_logs -a $device
	says_no 'illegal request|bad field|log_sense'
	peer sg_logs -l $device
	pages=$(sed -n 's/^ *\(0x[0-9a-f]*\) .*/\1/p' "$scratch/output")
	[ "$(echo "$pages" | wc -l)" -ge 3 ] || fail "log pages of $device: $pages"
	for page in $pages; do
		peer sg_logs -p "$page" $device
	done
	peer sg_opcodes -R $device
	says_no illegal
	awk '/^ [0-9a-f][0-9a-f] / { n = $(NF > 4 ? 3 : 2); total++
		if ($0 !~ /^ [0-9a-f][0-9a-f] +[0-9a-f]* +(6|10|12|16|32) +[1-9][0-9]* +[1-9][0-9]* /) bad = bad $0 "\n" }
		END { if (total < 30 || bad) { print total, bad; exit 1 } }' "$scratch/output" >"$scratch/bad" ||
		fail "timeouts of $device: $(cat "$scratch/bad")"
	peer sg_opcodes -t $device
	says 'Abort task' 'Abort task set' 'Clear task set' 'Logical unit reset'
done
peer sg_logs -p 0x2e $drive
check_equal "$(grep -c ': 0$' "$scratch/output")" 64 "TapeAlert flags that are not raised"
peer sg_opcodes -R -o 0xa5 $changer
says 'Command is supported [conforming to SCSI standard]' 'nominal timeout: 300 secs, recommended timeout: 600 secs'
peer sg_opcodes -o 0x28 $changer
says 'Command is NOT supported'
peer sg_opcodes -R -o 0x92 $drive
says 'Command is supported [conforming to SCSI standard]'
peer_fails 9 sg_raw $drive 28 00 00 00 00 00 00 00 01 00
grep -q 'Invalid command operation code' "$scratch/output" || fail "$(cat "$scratch/output")"

# What is written is counted, in the pages and in the cartridge's memory.
head -c 1048576 /dev/urandom >"$scratch/data"
for _ in 1 2 3; do
	peer sg_raw -s 1048576 -i "$scratch/data" $drive 0a 00 10 00 00 00
done
peer sg_raw $drive 10 00 00 00 01 00
peer sg_raw $drive 01 00 00 00 00 00
for _ in 1 2 3; do
	peer sg_raw -r 1048576 -o "$scratch/back" $drive 08 00 10 00 00 00
	cmp "$scratch/data" "$scratch/back" || fail "what was read is not what was written"
done
peer tapeinfo -f $drive
says 'Block Position: 3' 'Partition 0 Remaining Kbytes: 60'
peer sg_logs -p 0x31 $drive
says 'Main partition remaining capacity (in MiB): 60' 'Main partition maximum capacity (in MiB): 64'
peer sg_logs -p 0x17 $drive
says 'Last mount megabytes written: 3' 'Last mount megabytes read: 3' 'Volume barcode: G00001L8' \
	'Volume personality: Ultrium 8' 'WORM: 0'
peer sg_read_attr $drive
# All ones: there is no encrypted block, so that none comes after it.
says 'Logical position of first encrypted block: <unknown> [ff]' 'after first encrypted block: <unknown> [ff]'
sed -i '/first encrypted block: <unknown> \[ff\]/d' "$scratch/output"
says_no 'unknown|expected|differs'
says 'Remaining capacity in partition [MiB]: 60' 'Maximum capacity in partition [MiB]: 64' 'Load count: 1' \
	'Volume identifier: G00001L8' 'Medium manufacturer: GRANARY' 'Medium density code: 0x5e' \
	'Current amount of data written [MiB]: 3' 'Current amount of data read [MiB]: 3' \
	'Previous amount of data read [MiB]: 0' 'Total amount of data written [MiB]: 3' 'Total read retry count: 0'
for action in 1 3 5; do
	peer sg_read_attr -s $action $drive
done

# ---- reservations, of two initiators that log in anew for each command ----
peer sg_persist -o -G -S 0xabc $drive
SGIO_INITIATOR=$other peer sg_persist -o -G -S 0xdef $drive
peer sg_persist -k $drive
says '0xabc' '0xdef' 'PR generation=0x2, 2 registered reservation keys follow:'
peer sg_persist -c $drive
says 'Type Mask Valid(TMV): 1' 'Exclusive Access, registrants only: 1'
peer sg_persist -o -R -K 0xabc -T 3 $drive
peer sg_persist -r $drive
says 'Key=0xabc' 'scope: LU_SCOPE, type: Exclusive Access'
SGIO_INITIATOR=$other peer_fails 24 sg_modes $drive
SGIO_INITIATOR=$other peer_fails 24 sg_raw $drive 01 00 00 00 00 00
SGIO_INITIATOR=$other peer_fails 24 sg_persist -o -R -K 0xdef -T 3 $drive
SGIO_INITIATOR=$other peer sg_inq $drive
peer_fails 24 sg_persist -o -L -K 0xdef -T 3 $drive
peer sg_persist -s $drive
grep -q "$other" "$scratch/output" || fail "full status does not name $other"
says 'PR generation=0x2' '<< Reservation holder >>'
SGIO_INITIATOR=$other peer sg_persist -o -P -K 0xdef -S 0xabc -T 3 $drive
peer sg_persist -r $drive
says 'Key=0xdef'
peer_fails 24 sg_raw $drive 01 00 00 00 00 00
SGIO_INITIATOR=$other peer sg_persist -o -L -K 0xdef -T 3 $drive
peer sg_raw $drive 01 00 00 00 00 00
SGIO_INITIATOR=$other peer sg_persist -o -C -K 0xdef $drive
peer sg_persist -k $drive
grep -q 'NO registered reservation keys' "$scratch/output" || fail "keys after the clear"
peer sg_persist -k $changer

# ---- encryption ----
peer stenc -f $drive
says 'Sense Code: Illegal Request (0x05)' 'ASC: 0x20'
SGIO_URL_0=iscsi://$portal/$prefix:secret/0 peer mtx -f $changer load 1 0
peer stenc -f $secret --detail
says 'Product ID: ULT3580-TD8' 'Drive Encryption: off' 'Drive Input: Not encrypting' 'Key Instance Counter: 0'
(umask 077 && printf '%064d\ntest key\n' 7 >"$scratch/key")
peer stenc -f $secret -e on -k "$scratch/key" -a 1
peer stenc -f $secret --detail
says 'Drive Encryption: on' 'Drive Output: Decrypting' 'Drive Input: Encrypting' 'Encryption Algorithm: 1'
peer stenc -f $secret -e off -a 1
peer stenc -f $secret --detail
says 'Drive Encryption: off'

peer mtx -f $changer unload 1 0
check_equal "$(place_of plain G00001L8)" 1000 "place after mtx unload"
stop_targetd
