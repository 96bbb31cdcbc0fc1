# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by the tests of examples/ with whole programs: tape.sh, udev with its names below
# /dev/tape, and what the examples leave to be filled in. Only in the guest (guest.sh), whose root is
# laid over this machine's: these tests write below /etc, /var and /srv, which is memory.
. "${top_srcdir:-.}/tests/guest/tape.sh"

[ "$(stat -f -c %T / /srv | xargs)" = "overlayfs tmpfs" ] || skip "this is not the guest of make check-guest"
udevd=/usr/lib/systemd/systemd-udevd
[ -x "$udevd" ] || skip "there is no udev"
daemons=()
# udevadm does as it is told in a chroot, too.
export SYSTEMD_IGNORE_CHROOT=1

end_programs() {
	local status=$?
	set +e
	kill "${daemons[@]}" 2>/dev/null
	rm -rf /srv/*
	(exit "$status")
	end_guest
}
trap end_programs EXIT

# run_daemon LOG COMMAND...: until the test ends.
run_daemon() {
	setsid "${@:2}" >"$1" 2>&1 &
	daemons+=("$!")
}

udev_answers() {
	udevadm settle --timeout 1 2>/dev/null
}

start_udev() {
	run_daemon "$scratch/udevd.log" "$udevd"
	wait_for 60 test -S /run/udev/control || fail "udevd does not start: $(cat "$scratch/udevd.log")"
	wait_for 60 udev_answers || fail "udevd does not answer: $(cat "$scratch/udevd.log")"
}

# example FILE LIBRARY: that of examples/ with the serial numbers of the library and its two drives.
example() {
	local serials
	serials=$(targetd vtl show "$2" | sed -n 's/^serial *//p'
		targetd vtl drives "$2" --json | sed -n 's/.*"serial": *"\(.*\)".*/\1/p')
	# shellcheck disable=SC2086
	set -- "$1" $serials
	sed "s/SERIAL0/$2/g; s/SERIAL1/$3/g; s/SERIAL2/$4/g" "$top_srcdir/examples/$1"
}

# named_devices LIBRARY: those that the examples use are there.
named_devices() {
	local name
	for name in $(example bacula-sd.conf "$1" | sed -n 's|.*= \(/dev/tape/by-id/.*\)|\1|p'); do
		wait_for 60 test -e "$name" || fail "udev makes no $name: $(ls -l /dev/tape/*)"
	done
}

list_tree() {
	(cd "$1" && find . -printf '%P %y %m %U %G %l' \( ! -type d -printf ' %n' -o -true \) -printf '\n' | sort)
}

# check_same FOLDER RESTORED: every file, its bytes, kind, mode, owner and number of names.
check_same() {
	diff -r --no-dereference "$1" "$2" || fail "$2 is not what $1 is"
	list_tree "$1" >"$scratch/listed"
	list_tree "$2" | diff "$scratch/listed" - || fail "$2 has other modes than $1"
}

# make_tree FOLDER MEGABYTES: a few small files of several kinds, and larger ones of bytes that no drive
# and no store makes smaller. Copying many into the guest takes longer than all that is done with
# them afterwards.
make_tree() {
	local number
	mkdir -p "$1/empty" "$1/private"
	cp -a "$top_srcdir/examples" "$1"
	touch "$1/nothing"
	ln -s examples/setup.sh "$1/link"
	ln "$1/examples/setup.sh" "$1/other-name"
	cp -a "$top_srcdir/README.md" "$1/private"
	chmod 700 "$1/private"
	for ((number = 0; number < $2; number++)); do
		head -c 1M /dev/urandom >"$1/large-$number"
	done
	chown -R 1234:4321 "$1/private"
}
