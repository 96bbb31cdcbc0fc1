#!/bin/bash
# SPDX-License-Identifier: MIT
# An SQLite database on the mount, in WAL mode and with a rollback journal, keeps every row that was
# committed while several processes write to it, whether a writer or granary-fsd is killed.
#
# With a rollback journal the deletion of the journal commits, and only synchronous=EXTRA syncs that. But
# SQLite takes a folder that it cannot open for one that needs no sync (unixDelete() of its os_unix.c): who
# finds granary-fsd gone between the deletion and the opening of the folder still says "committed".
#
# APPS_FULL=1 kills ten times as often.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need sqlite3 stdbuf

rounds=${APPS_FULL:+20}
rounds=${rounds:-1}
writers=3

make_database() {
	check_equal "$(sqlite3 "$1" "PRAGMA journal_mode=$2")" "$2" "the journal mode"
	sqlite3 "$1" "CREATE TABLE row(writer, number, data, sum, PRIMARY KEY(writer, number));
		CREATE INDEX by_sum ON row(sum);"
}

# transactions NAME: a row each, and now and then an older one changes.
#
# SQLite's lock goes to whoever asks at the right moment: with fsyncs of milliseconds one of three
# writers waits for many seconds, on any filesystem, and on a busy machine for minutes.
transactions() {
	seq 1 1000000 | awk -v name="$1" '
		BEGIN { print ".bail on\n.timeout 600000\nPRAGMA synchronous='"$synchronous"';" }
		{
			printf "BEGIN IMMEDIATE; WITH new AS MATERIALIZED (SELECT randomblob(%d) AS data) ", 200 + $1 % 50 * 150
			printf "INSERT INTO row SELECT \"%s\", %d, data, sha3(data) FROM new; ", name, $1
			if ($1 % 7 == 0)
				printf "UPDATE row SET data=zeroblob(500), sum=sha3(zeroblob(500)) WHERE writer=\"%s\" AND number=%d; ", name, $1 - 5
			printf "COMMIT; SELECT \"%s\", %d, \"committed\";\n", name, $1
		}' 2>/dev/null
}

# writer NAME: becomes an sqlite3 that says the number of each row once its transaction is committed.
writer() {
	exec stdbuf -oL sqlite3 "$db" < <(transactions "$1") >"$scratch/said.$1" 2>"$scratch/errors.$1"
}

reader() {
	local wrong
	while wrong=$(sqlite3 -cmd '.timeout 60000' "$db" 'SELECT count(*) FROM row WHERE sum<>sha3(data)' 2>/dev/null); do
		[ "$wrong" = 0 ] || echo "$wrong rows differ" >>"$scratch/bad"
	done
}

# start NAME: the writers, and waits until each of them has committed.
start() {
	local n
	rm -f "$scratch"/errors.*
	pids=()
	for ((n = 0; n < writers; n++)); do
		writer "$1-$n" &
		pids+=($!)
	done
	for ((n = 0; n < writers; n++)); do
		wait_for 600 grep -q committed "$scratch/said.$1-$n" || fail "writer $n does not get on: $(cat "$scratch"/errors.*)"
	done
}

# stop_writers: none of them can have ended by itself, but one whose filesystem was gone.
stop_writers() {
	kill -KILL "${pids[@]}" 2>/dev/null || true
	wait "${pids[@]}" || true
}

# forgive_one: what is lost may be one row, if it is the last that its writer told of.
forgive_one() {
	local said
	[ "$(wc -l <"$scratch/lost")" = 1 ] || return 0
	said=$scratch/said.$(cut -d '|' -f 1 "$scratch/lost")
	[ "$(sed -n 's/|committed$//p' "$said" | tail -n 1)" = "$(cat "$scratch/lost")" ] || return 0
	echo "not synced, as nobody could: $(cat "$scratch/lost")"
	sed -i "/^$(cat "$scratch/lost")|committed\$/d" "$said"
	: >"$scratch/lost"
}

# check_database [unsynced]: whether the last one may have been told of without a sync.
check_database() {
	check_equal "$(sqlite3 -cmd '.timeout 60000' "$db" 'PRAGMA integrity_check')" ok "integrity_check of $db"
	check_equal "$(sqlite3 -cmd '.timeout 60000' "$db" 'SELECT count(*) FROM row WHERE sum<>sha3(data)')" 0 "rows that differ"
	sqlite3 -cmd '.timeout 60000' "$db" 'SELECT writer, number FROM row' | sort >"$scratch/rows"
	# Only whole lines count: the last one may be cut.
	find "$scratch" -name 'said.*' -exec sed -n 's/|committed$//p' {} + | sort >"$scratch/committed"
	comm -23 "$scratch/committed" "$scratch/rows" >"$scratch/lost"
	[ "${1:-}" != unsynced ] || forgive_one
	[ ! -s "$scratch/lost" ] || fail "of $(wc -l <"$scratch/committed") committed rows $(wc -l <"$scratch/lost") are lost, such as $(head -n 1 "$scratch/lost")"
	[ ! -e "$scratch/bad" ] || fail "a reader saw wrong rows: $(head -n 1 "$scratch/bad")"
}

mount_store
for mode in wal delete; do
	db=$mount/$mode.db
	synchronous=FULL
	unsynced=
	[ $mode = wal ] || synchronous=EXTRA
	rm -f "$scratch"/said.*
	make_database "$db" "$mode"
	for ((round = 0; round < rounds; round++)); do
		start "writer-$round"
		reader &
		reader_pid=$!
		sleep 1
		kill -KILL "${pids[round % writers]}"
		sleep 0.5
		stop_writers
		kill "$reader_pid" 2>/dev/null || true
		wait "$reader_pid" || true
		check_database

		start "crash-$round"
		sleep "0.$((RANDOM % 10))"
		kill_store
		stop_writers
		mount_store
		[ $mode = wal ] || unsynced=unsynced
		check_database "$unsynced"
	done
	echo "$mode: $(wc -l <"$scratch/committed") rows committed"
	sqlite3 -cmd '.timeout 60000' "$db" 'DELETE FROM row WHERE number % 3 = 0; VACUUM'
	rm -f "$scratch"/said.*
	check_database
done
remount_store
for db in "$mount"/*.db; do
	check_database
done
umount_store
fsck_store
