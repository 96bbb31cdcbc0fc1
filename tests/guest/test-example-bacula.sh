#!/bin/bash
# SPDX-License-Identifier: MIT
# examples/bacula-sd.conf with the whole of Bacula: tapes are labelled by their barcodes, a full goes
# over two tapes, another too, and both are restored; btape fills a tape.
. "${top_srcdir:-.}/tests/guest/programs.sh"
for needed in bacula-dir bacula-sd bacula-fd bconsole btape sqlite3; do
	command -v "$needed" >/dev/null || skip "there is no $needed"
done

# Less than the tree, so that it needs two.
tape_size=16M megabytes=18
start_targetd
targetd vtl create main --drives 2 --slots 40 --tapes 4 --tape-size $tape_size >/dev/null
start_initiator
start_udev
login main 2
named_devices main

make_tree /srv/data "$megabytes"
mkdir -p /run/bacula /var/lib/bacula
chown bacula:tape /run/bacula /var/lib/bacula
sed 's/XXX_DBNAME_XXX/bacula/g' /usr/share/bacula-director/make_sqlite3_tables >"$scratch/tables"
bash "$scratch/tables" >/dev/null
chown bacula:bacula /var/lib/bacula/bacula.db

example bacula-sd.conf main | sed "s/put the director's password here/secret/" >/etc/bacula/bacula-sd.conf
cat >/etc/bacula/bacula-fd.conf <<'END'
Director { Name = backup-dir; Password = "secret" }
FileDaemon { Name = guest-fd; WorkingDirectory = /var/lib/bacula; Pid Directory = /run/bacula }
Messages { Name = Standard; director = backup-dir = all }
END
cat >/etc/bacula/bconsole.conf <<'END'
Director { Name = backup-dir; DIRport = 9101; address = 127.0.0.1; Password = "secret" }
END
cat >/etc/bacula/bacula-dir.conf <<'END'
Director {
  Name = backup-dir
  QueryFile = /etc/bacula/scripts/query.sql
  WorkingDirectory = /var/lib/bacula
  Pid Directory = /run/bacula
  Password = "secret"
  Messages = Standard
  DirAddress = 127.0.0.1
}
Catalog { Name = Catalog; dbname = bacula; dbuser = ""; dbpassword = "" }
Messages { Name = Standard; append = "/var/lib/bacula/log" = all; catalog = all }
Client { Name = guest-fd; Address = 127.0.0.1; Password = "secret"; Catalog = Catalog }
FileSet { Name = Data; Include { Options { signature = SHA1 } File = /srv/data } }
Pool { Name = Scratch; Pool Type = Backup }
Pool { Name = Full; Pool Type = Backup; Scratch Pool = Scratch; Recycle = no }
JobDefs {
  Name = Defaults
  Client = guest-fd
  FileSet = Data
  Pool = Full
  Storage = Granary
  Messages = Standard
}
Job { Name = Backup; JobDefs = Defaults; Type = Backup; Level = Full }
Job { Name = Restore; JobDefs = Defaults; Type = Restore; Where = /srv/restored }
END
# What the example says belongs there.
sed -n '/^# In bacula-dir.conf:/,/^#   }/s/^#   //p' "$top_srcdir/examples/bacula-sd.conf" |
	sed 's/the same password/secret/' >>/etc/bacula/bacula-dir.conf
grep -q '^Storage {' /etc/bacula/bacula-dir.conf || fail "the example has no Storage for the director"

bacula-sd -t -c /etc/bacula/bacula-sd.conf || fail "bacula-sd does not take the example"
bacula-dir -t -c /etc/bacula/bacula-dir.conf || fail "bacula-dir does not take its part of it"

run_daemon "$scratch/dir.log" bacula-dir -f -u bacula -g bacula -c /etc/bacula/bacula-dir.conf
run_daemon "$scratch/sd.log" bacula-sd -f -u bacula -g tape -c /etc/bacula/bacula-sd.conf
run_daemon "$scratch/fd.log" bacula-fd -f -c /etc/bacula/bacula-fd.conf

# console LINE...: what bconsole answers, in $scratch/console too.
console() {
	printf '%s\n' "$@" quit | timeout 300 bconsole -c /etc/bacula/bconsole.conf >"$scratch/console" 2>&1 ||
		fail "bconsole: $(cat "$scratch/console")"
	cat "$scratch/console" >>"$scratch/console.log"
}
director_answers() {
	echo quit | timeout 20 bconsole -c /etc/bacula/bconsole.conf 2>&1 | finds '1000 OK'
}
wait_for 60 director_answers || fail "bacula-dir does not answer: $(cat "$scratch"/*.log)"

# The example's own words, for fewer slots.
line=$(sed -n "s/.*printf '%s.nyes.n' '\(label barcodes.*\)' | bconsole/\1/p" "$top_srcdir/examples/bacula-sd.conf")
console "${line/1-40/1-4}" yes
for tape in G00001L8 G00004L8; do
	console 'list volumes pool=Scratch'
	grep -q "$tape" "$scratch/console" || fail "$tape was not labelled: $(cat "$scratch/console.log" "$scratch"/*d.log)"
done

run_job() {
	local ok=0
	console "$1" 'wait' 'messages'
	ok=$(grep -c 'Termination: *\(Backup\|Restore\) OK$' /var/lib/bacula/log) || true
	check_equal "$ok" "$2" "jobs that are OK; $(tail -n 60 /var/lib/bacula/log)"
}
run_job 'run job=Backup yes' 1
volumes=$(sed -n 's/.*Volume name(s): *//p' /var/lib/bacula/log | head -n 1)
case $volumes in
*"|"*) ;;
*) fail "one full is on '$volumes', not on several tapes" ;;
esac
run_job 'run job=Backup yes' 2
for job in 1 2; do
	run_job "restore jobid=$job client=guest-fd where=/srv/restored all done yes" $((job + 2))
	check_same /srv/data /srv/restored/srv/data
	rm -rf /srv/restored
done
console 'umount storage=Granary drive=0' 'umount storage=Granary drive=1' 'status storage=Granary'
! grep -E '(Error|Warning):|error on|failed' /var/lib/bacula/log || fail "Bacula complains: $(cat /var/lib/bacula/log)"
kill "${daemons[@]:1}"
wait "${daemons[@]:1}" 2>/dev/null || true

# btape fills the tape in slot 1 to its end, and finds its last block there. What it reads after that
# is for tapes of more than 10,000 records.
targetd vtl unload main 500 >/dev/null 2>&1 || true
targetd vtl unload main 501 >/dev/null 2>&1 || true
mtx -f "$changer" load 1 0 >/dev/null
fills() {
	timeout 300 btape -c /etc/bacula/bacula-sd.conf Drive-1 >"$scratch/fill.log" 2>&1 || true
	grep -qF "$1" "$scratch/fill.log" ||
		fail "no '$1': $(grep -vE 'Orphaned|Last block at|End of tape' "$scratch/fill.log")"
}
printf '%s\n' fill s '' quit | fills 'Re-read of last block succeeded'
logout main
stop_targetd
