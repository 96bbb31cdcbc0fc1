#!/bin/bash
# SPDX-License-Identifier: MIT
# The example of granary.conf is accepted as it is and with every setting switched on, and the
# page names all of them; Bacula accepts the one for it, and those for tapes name the same library.
. "${top_srcdir:-.}/tests/functions.sh"
need granary-fsd

example=$top_srcdir/examples/granary.conf
log=$scratch/granary.log
sed -E 's/^(\t*)# ([a-z_]+ = .*;)$/\1\2/; s|/var/log/granary/granary.log|'"$log"'|' "$example" >"$scratch/all.conf"
settings=$(grep -oE '^\s+[a-z_]+ =' "$scratch/all.conf" | tr -d '\t =')
[ "$(wc -l <<<"$settings")" -ge 8 ] || fail "the example has too few settings"

# The store does not exist: status 1. A wrong configuration would be 2.
expect_status 1 granary-fsd --config "$example" "$scratch/none" "$scratch"
expect_status 1 granary-fsd --config "$scratch/all.conf" "$scratch/none" "$scratch"
[ -s "$log" ] || fail "log_file was not used"

for setting in $settings; do
	grep -qx "\.It Cm $setting" "$top_srcdir/man/granary.conf.5" || fail "granary.conf(5) has no $setting"
done

# And the page names nothing that is not there.
page_settings() { # SECTION
	awk -v section="$1" '/^\.S[sh] / { inside = $0 == ".Ss Section " section } inside' \
		"$top_srcdir/man/granary.conf.5" | sed -n 's/^\.It Cm //p'
}
for section in fsd targetd; do
	[ -n "$(page_settings "$section")" ] || fail "granary.conf(5) has no section $section"
	for setting in $(page_settings "$section"); do
		printf '%s: { %s = [ ]; };\n' "$section" "$setting" >"$scratch/one.conf"
		if [ "$section" = fsd ]; then
			expect_status 2 granary-fsd --config "$scratch/one.conf" "$scratch/none" "$scratch"
		else
			expect_status 2 granary-targetd --config "$scratch/one.conf" --root "$scratch/none"
		fi
		expect_output "$section.$setting must be "
	done
done

# granary-targetd takes the example too; the file in the way of its state folder ends it with 1.
: >"$scratch/file"
expect_status 1 granary-targetd --config "$top_srcdir/examples/granary.conf" --root "$scratch" \
	--state "$scratch/file/state"
expect_output 'the state folder cannot be used'

# Bacula's storage daemon reads its example, but for folders that only its package makes.
if bacula_sd=$(PATH=$PATH:/usr/sbin command -v bacula-sd); then
	mkdir "$scratch/bacula"
	sed -E "s|= /(var/lib\|run\|usr/lib)/bacula$|= $scratch/bacula|" \
		"$top_srcdir/examples/bacula-sd.conf" >"$scratch/bacula.conf"
	expect_status 0 "$bacula_sd" -t -c "$scratch/bacula.conf"
fi

# Every device that the examples for tapes name is one of the three that they tell to put in.
for example in bacula-sd.conf bareos-sd.conf amanda.conf; do
	names=$(grep -v '^#' "$top_srcdir/examples/$example" | grep -oE '/dev/tape/by-id/[A-Za-z0-9-]+' | sort -u)
	check_equal "$(echo $names)" "$(echo /dev/tape/by-id/scsi-SERIAL{0,1-nst,2-nst})" "devices in $example"
done

# The units have no line that systemd does not know.
if command -v systemd-analyze >/dev/null; then
	mkdir "$scratch/units"
	for unit in granary-targetd.service granary-fsd@.service; do
		sed "s|/usr/local/sbin/granary-[a-z]*|$(command -v true)|; /^Documentation=/d" \
			"$top_srcdir/examples/$unit" >"$scratch/units/$unit"
		SYSTEMD_LOG_LEVEL=warning systemd-analyze verify "$scratch/units/$unit" >"$scratch/output" 2>&1 || true
		! grep "^.*$unit:[0-9]*: " "$scratch/output" || fail "systemd does not take $unit"
	done
fi
