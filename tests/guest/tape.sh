# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by the tests of the tape library with the kernel's own initiator (guest.sh): targetd,
# and open-iscsi with its configuration in the test's folder. Root, and a kernel with iSCSI, st, ch
# and sg: that of the guest.
#
#   login LIBRARY [INTERFACE]    logout LIBRARY      both wait until the devices have come and gone
#   $changer $drive $drive2      /dev/sgN of the robot, /dev/nstN of the first two drives
. "${top_srcdir:-.}/tests/target/targetd.sh"

for needed in iscsid iscsiadm mt mtx lsscsi sg_reset; do
	command -v "$needed" >/dev/null || skip "there is no $needed"
done
for needed in /sys/class/iscsi_transport /sys/bus/scsi/drivers/st; do
	[ -d "$needed" ] || skip "this kernel has no iSCSI initiator or no tapes"
done

iscsid_pid=
changer='' drive='' drive2=''

end_guest() {
	local status=$?
	trap - EXIT
	set +e
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		echo "--- iscsid" >&2
		tail -n 20 "$scratch/iscsid.log" >&2
		echo "--- the kernel" >&2
		dmesg | tail -n 20 >&2
	fi
	if [ -n "$iscsid_pid" ]; then
		iscsiadm -m node -u >/dev/null 2>&1
		kill "$iscsid_pid" 2>/dev/null
		wait "$iscsid_pid" 2>/dev/null
		umount -l /etc/iscsi
	fi
	end_targetd "$status"
}
trap end_guest EXIT
trap 'echo "--- ${BASH_SOURCE[0]}:$LINENO: $BASH_COMMAND" >&2' ERR

# "No sessions" is an answer.
initiator_answers() {
	local status=0
	iscsiadm -m session >/dev/null 2>&1 || status=$?
	[ "$status" = 21 ]
}

start_initiator() {
	mkdir -p "$scratch/iscsi" /run/lock/iscsi
	cp /etc/iscsi/iscsid.conf "$scratch/iscsi/"
	echo InitiatorName=iqn.2026-11.local.guest:one >"$scratch/iscsi/initiatorname.iscsi"
	# Emulated as it is, the guest is slow; a lost connection is to be seen soon all the same.
	sed -i 's/^node.session.timeo.replacement_timeout.*/node.session.timeo.replacement_timeout = 60/
		s/^node.conn\[0\].timeo.noop_out_interval.*/node.conn[0].timeo.noop_out_interval = 5/
		s/^node.conn\[0\].timeo.noop_out_timeout.*/node.conn[0].timeo.noop_out_timeout = 30/' \
		"$scratch/iscsi/iscsid.conf"
	mount --bind "$scratch/iscsi" /etc/iscsi
	setsid iscsid -f >"$scratch/iscsid.log" 2>&1 &
	iscsid_pid=$!
	wait_for 60 initiator_answers || fail "iscsid does not start: $(cat "$scratch/iscsid.log")"
}

devices_are() {
	[ "$(lsscsi | grep -c "$1")" = "$2" ]
}

# find_devices COUNT: of that many drives.
find_devices() {
	wait_for 60 devices_are 'tape ' "$1" || fail "$(lsscsi): $1 drives were expected"
	wait_for 60 devices_are mediumx 1 || fail "$(lsscsi): a changer was expected"
	wait_for 60 test -c /dev/nst0 || fail "there is no /dev/nst0"
	# shellcheck disable=SC2034 # the tests use them
	changer=$(lsscsi -g | awk '$2 == "mediumx" { print $NF }')
	# shellcheck disable=SC2034
	drive=/dev/n$(lsscsi | awk '$2 == "tape" { print $NF }' | sort | sed -n 's|/dev/||p' | sed -n 1p)
	# shellcheck disable=SC2034
	drive2=/dev/n$(lsscsi | awk '$2 == "tape" { print $NF }' | sort | sed -n 's|/dev/||p' | sed -n 2p)
}

login() {
	local library=$1 drives=${2:-2}
	iscsiadm -m discovery -t sendtargets -p "$portal" >"$scratch/discovered" || fail "discovery fails"
	grep -q ":$library\$" "$scratch/discovered" || fail "$(cat "$scratch/discovered"): no $library"
	iscsiadm -m node -T "$prefix:$library" -p "$portal" --login >/dev/null || fail "login fails"
	find_devices "$drives"
}

logout() {
	iscsiadm -m node -T "$prefix:$1" -p "$portal" --logout >/dev/null || fail "logout fails"
	wait_for 30 devices_are 'tape ' 0 || fail "the drives stay after logout"
}

# fails CMD...: whatever its status for that is.
fails() {
	! "$@" >"$scratch/failing" 2>&1 || fail "'$*' works"
}

# status_has WORD: mt's status of the drive says so.
status_has() {
	mt -f "$drive" status | finds "$1" || fail "mt status has no $1: $(mt -f "$drive" status)"
}

# file_number_is N [BLOCK]
file_number_is() {
	local text
	text=$(mt -f "$drive" status)
	case $text in
	*"File number=$1, block number=${2:-0},"*) ;;
	*) fail "file $1 block ${2:-0} was expected: $text" ;;
	esac
}
