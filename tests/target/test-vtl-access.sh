#!/bin/bash
# SPDX-License-Identifier: MIT
# Who may log in is changed while others are logged in, survives a restart, and no secret is to be
# seen: not in lists, logs, files that others may read, or the arguments of processes.
. "${top_srcdir:-.}/tests/target/targetd.sh"
need iscsi-inq iscsi-ls

export MALLOC_PERTURB_=0 # what is freed stays as it was, for those who look
secret=Winter-Quarters-17 other=Summer-Quarters-18
url=iscsi://$portal
login() { # [USER%SECRET@]
	iscsi-inq "iscsi://${1:-}$portal/$prefix:main/0" >"$scratch/inquiry" 2>&1
}
start_targetd
targetd vtl create main --tapes 1 --drives 1 >/dev/null
targetd vtl create hidden --tapes 1 --drives 1 >/dev/null
url=iscsi://$portal
login || fail "an open library refuses"
grep -q MEDIA_CHANGER "$scratch/inquiry" || fail "LUN 0 is no changer"
iscsi-ls -s "$url" >"$scratch/ls"
grep -q "$prefix:main" "$scratch/ls" || fail "SendTargets has no main"
check_equal "$(grep -c SEQUENTIAL_ACCESS "$scratch/ls")" 2 "drives that iscsi-ls sees"

# Nobody but one name; this initiator has another.
expect_status 0 targetd vtl access hidden --allow iqn.2020-01.example.backup:server
iscsi-ls "$url" >"$scratch/ls"
grep -q "$prefix:hidden" "$scratch/ls" && fail "a library is shown to whom it refuses"
grep -q "$prefix:main" "$scratch/ls" || fail "a library is not shown to whom it lets in"

echo "$secret" >"$scratch/secret"
expect_status 0 targetd vtl access main --allow '*' --user joe --secret-file "$scratch/secret"
login && fail "a login without a secret"
login "joe%$other@" && fail "a login with a wrong secret"
login "joe%$secret@" || fail "a login with the right secret"
expect_status 0 targetd vtl access main
expect_output 'one-way  *joe'
# From standard input, for another network, and mutual.
printf '%s\n%s\n' "$other" "$secret" | targetd vtl access main --allow 'iqn.2020-01.example:*' \
	--network 192.0.2.0/24 --user ann --secret-file - --mutual-user box --mutual-secret-file - >"$scratch/output"
expect_output 'mutual  *ann  *box'

expect_status 1 targetd vtl access main --allow '*' --user joe --secret-file "$scratch/none"
echo short >"$scratch/short"
expect_status 1 targetd vtl access main --allow '*' --user joe --secret-file "$scratch/short"
expect_output '12 to 255 characters'
# A row that is refused after its secrets have been read leaves nothing of them.
refused=RefusedSecretOfTheTest
printf '%s\n%s\n' "$refused" "$refused" | targetd vtl access main --allow '*' --user joe --secret-file - \
	--mutual-user box --mutual-secret-file - >"$scratch/output" 2>&1 && fail "one secret for both directions"
expect_output 'must not be the same in both directions'
"$top_srcdir/tests/target/dumped.py" "$targetd_pid" "$refused" >"$scratch/dumped" || [ $? = 77 ] ||
	fail "nobody can look into the memory of the daemon"
! grep -q "^$refused" "$scratch/dumped" || check_equal "$(cat "$scratch/dumped")" "$refused 0 0" "what is left of a refused secret"
expect_status 1 targetd vtl access main --allow '*' --network 192.0.2.0/33
expect_status 1 targetd vtl access main --allow 'not an initiator'
expect_status 1 targetd vtl access main --remove iqn.2020-01.example:none
expect_status 2 targetd vtl access main --allow '*' --user joe
expect_status 2 targetd vtl access main --allow '*' --open
login "joe%$secret@" || fail "what was refused has changed something"

kill_targetd
start_targetd
login "joe%$secret@" || fail "the secret is forgotten after a restart"
login && fail "an open library after a restart"

# The secret is changed.
echo "$other" >"$scratch/secret"
expect_status 0 targetd vtl access main --allow '*' --user joe --secret-file "$scratch/secret"
login "joe%$secret@" && fail "the old secret still opens"
login "joe%$other@" || fail "the new secret does not open"

# no_dump WHAT SECRET...: a core dump of the daemon would have none of them, though it knows each of them
# (two rows: in the library's configuration, and where logins look).
no_dump() {
	local what=$1 word dumped kept
	shift
	"$top_srcdir/tests/target/dumped.py" "$targetd_pid" "$@" >"$scratch/dumped" || {
		[ $? = 77 ] && return
		fail "nobody can look into the memory of the daemon"
	}
	while read -r word dumped kept; do
		[ "$dumped" = 0 ] || fail "$what: $dumped times in a core dump: $word"
		[ "$kept" -ge 2 ] || fail "$what: only $kept times in the daemon's memory: $word"
	done <"$scratch/dumped"
}
no_dump "after logins" "$secret" "$other"
restart_targetd
no_dump "after a restart" "$secret" "$other"
login "joe%$other@" || fail "the new secret does not open after a restart"
no_dump "after a login" "$secret" "$other"

# Nothing shows them.
check_equal "$(stat -c %a "$target_state/libraries/main.secrets")" 600 "mode of the secrets"
for file in $(grep -rlE "$secret|$other" "$target_root" "$scratch"/*.log); do
	check_equal "$file" "$target_state/libraries/main.secrets" "a file with a secret in it"
done
targetd vtl access main --json | grep -E "$secret|$other" && fail "a list shows the secret"
tr '\0' ' ' <"/proc/$targetd_pid/cmdline" | grep -E "$secret|$other" && fail "the arguments show the secret"

# Discovery has a list of its own.
expect_status 0 targetd vtl access discovery --allow iqn.2020-01.example:none
iscsi-ls "$url" >"$scratch/ls" 2>&1 && grep -q "$prefix" "$scratch/ls" && fail "discovery is open"
restart_targetd
url=iscsi://$portal
iscsi-ls "$url" >"$scratch/ls" 2>&1 && grep -q "$prefix" "$scratch/ls" && fail "discovery is open after a restart"
expect_status 0 targetd vtl access discovery --open
iscsi-ls "$url" >/dev/null || fail "discovery is not open again"

expect_status 0 targetd vtl access main --remove '*'
login "joe%$other@" && fail "a login that no row matches"
expect_status 0 targetd vtl access main --remove 'iqn.2020-01.example:*' --network 192.0.2.0/24
expect_output 'main is closed'
login && fail "a library is open without its last row"
restart_targetd
url=iscsi://$portal
login && fail "a library without rows is open after a restart"
check_equal "$(targetd vtl list | awk '$1 == "main" && /listed/' | wc -l)" 1 "closed libraries in the list"
expect_status 0 targetd vtl access main --open
expect_output 'main is open'
login || fail "a library that was opened again refuses"

# Another user takes the place of one, but the disk fails after the secrets: it is as it was, now and
# after a restart; and what cannot be tidied up behind the change does not stop it.
other_user() {
	targetd vtl access main --allow '*' --user eve --secret-file "$scratch/secret" >/dev/null
}
targetd vtl access main --allow '*' --user joe --secret-file "$scratch/secret" >/dev/null
stop_targetd
GRANARY_FAULT=fdatasync:2 start_targetd
other_user && fail "a change that could not be saved is told to be made"
login "joe%$other@" || fail "a change that failed has shut a user out"
restart_targetd
login "joe%$other@" || fail "after a restart a change that failed has shut a user out"
stop_targetd
GRANARY_FAULT=fdatasync:3 start_targetd
other_user || fail "a change that was saved is told to have failed"
login "joe%$other@" && fail "the user before is still let in"
login "eve%$other@" || fail "the new user is not let in"
restart_targetd
login "eve%$other@" || fail "the new user is not let in after a restart"

# A lost file of secrets closes the rows that need it.
targetd vtl access main --allow '*' --user joe --secret-file "$scratch/secret" >/dev/null
stop_targetd
rm "$target_state/libraries/main.secrets"
start_targetd
grep -q 'no secret of user "joe"' "$targetd_log" || fail "the lost secret is not told"
login && fail "a lost secret has opened the library"
login "joe%$other@" && fail "a lost secret is known"
stop_targetd
