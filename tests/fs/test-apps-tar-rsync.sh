#!/bin/bash
# SPDX-License-Identifier: MIT
# tar, rsync -aHAX and cp -a bring a real tree with links, ACLs, extended attributes, holes and special
# files in and out, and nothing differs: contents, owners, modes, times, links, attributes.
#
# APPS_FULL=1 takes the whole of /usr, or of APPS_TREE.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need rsync tar getfattr setfattr getfacl setfacl

# Times to the nanosecond: rsync takes those of one second for the same.
options=(-aHAX --modify-window=-1)

if [ -n "${APPS_FULL:-}" ]; then
	tree=${APPS_TREE:-/usr}
else
	tree=$scratch/tree
	mkdir "$tree"
	for folder in /usr/share/zoneinfo /usr/lib/systemd; do
		[ ! -d "$folder" ] || cp -a "$folder" "$tree/${folder##*/}"
	done
	cp -a "$top_srcdir/fs" "$tree"
fi

touch "$scratch/begun"

# What a distribution's files do not have.
special=$scratch/special
mkdir -p "$special/dir" "$special/$(printf 'n%.0s' {1..255})"
echo text >"$special/file"
ln "$special/file" "$special/dir/hard"
ln "$special/file" "$special/dir/hard2"
ln -s ../file "$special/dir/soft"
ln -s "$(printf 't%.0s' {1..1000})" "$special/dangling"
touch "$special/empty" "$special/$(printf 'new\nline \xc3\xa4 \xff')"
touch -h -d '1971-02-03 04:05:06.000000007' "$special/dir/soft"
touch -d '2040-01-01 00:00:00.999999999' "$special/empty"
mkfifo "$special/pipe"
setfattr -n user.text -v value "$special/file"
setfattr -n user.big -v "0x$(printf 'ab%.0s' {1..2000})" "$special/dir"
setfacl -m u:1234:rw,g:4321:r,m::rwx "$special/file"
setfacl -d -m u:1234:rwx "$special/dir"
setfacl -m u:1234:rwx "$special/dir"
chmod 3711 "$special/dir"
truncate -s 200M "$special/sparse"
for offset in 0 70 150; do
	dd if=/dev/urandom of="$special/sparse" bs=64K seek=$((offset * 16)) count=5 conv=notrunc status=none
done
if [ "$(id -u)" = 0 ]; then
	mknod "$special/character" c 1 3
	mknod "$special/block" b 7 200
	setfattr -n trusted.text -v value "$special/dir" 2>/dev/null || true
	chown -h 1234:4321 "$special/pipe" "$special/dir/soft"
	cp "$(type -P true)" "$special/capable"
	chown 77:88 "$special/capable"
	setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 "$special/capable" 2>/dev/null || true
	chmod 4755 "$special/dir/hard"
fi

# differ WHAT: fails, unless somebody has changed /usr itself meanwhile.
differ() {
	[ "$source" = "$special" ] || [ -z "${APPS_FULL:-}" ] || [ -z "$(find "$tree" -cnewer "$scratch/begun" -print -quit)" ] ||
		skip "$tree was changed while it was compared"
	fail "$@"
}

# describe TREE: everything about it but the contents.
describe() {
	(
		cd "$1"
		find . -printf '%P|%y|%m|%U|%G|%T@|%n|%l|' \( -type d -printf '\n' -o -printf '%s\n' \) | sort
		find . -type f -links +1 -printf '%i %P\n' | sort | awk '{ if ($1 != last) group++; last = $1; $1 = group; print }' |
			sort -k 2 | awk '{ if (!($1 in name)) name[$1] = $2; print name[$1], $2 }'
		find . \( -type b -o -type c \) -exec stat -c '%n %t %T' {} + | sort
		find . ! -type l -print0 | sort -z | xargs -0 getfacl -n -p --skip-base
		find . -print0 | sort -z | xargs -0 getfattr -h -d -m '^(user|trusted|security)\.' -e hex
	) 2>/dev/null
}

# same A B: the same in every respect.
same() {
	describe "$1" >"$scratch/one"
	describe "$2" >"$scratch/two"
	diff "$scratch/one" "$scratch/two" >"$scratch/diff" || {
		head -n 20 "$scratch/diff" >&2
		differ "$1 and $2 differ"
	}
	# rsync looks in its own way, at every byte; it cannot open a cycle of links or a device.
	rsync "${options[@]}" -ni --checksum --delete "$1/" "$2/" >"$scratch/diff" 2>&1 || fail "rsync: $(tail -n 3 "$scratch/diff")"
	[ ! -s "$scratch/diff" ] || differ "$1 and $2 differ: $(head -n 5 "$scratch/diff")"
}

taken() {
	granary fs sync "$mount" >/dev/null
	du -s --block-size=1 "$store/segments" | cut -f 1
}

mount_store
for source in "$special" "$tree"; do
	name=${source##*/}
	rsync "${options[@]}" "$source/" "$mount/$name.rsync/"
	same "$source" "$mount/$name.rsync"
	rsync "${options[@]}" -i --delete "$source/" "$mount/$name.rsync/" >"$scratch/second"
	[ ! -s "$scratch/second" ] || differ "a second rsync changes: $(head -n 5 "$scratch/second")"
	before=$(taken)

	tar -C "$source" -S --xattrs --xattrs-include='*' --acls -cf "$mount/$name.tar" .
	mkdir "$mount/$name.tar.d"
	tar -C "$mount/$name.tar.d" --numeric-owner --xattrs --xattrs-include='*' --acls -xpf "$mount/$name.tar"
	tar -C "$source" --compare -f "$mount/$name.tar" || differ "the tar differs from $source"
	cp -a --reflink=auto "$mount/$name.rsync" "$mount/$name.cp"
	# The second and third copy of the files cost next to nothing.
	after=$(taken)
	echo "$name: $before bytes taken, $after with a tar, its contents and a copy"
done
remount_store
for source in "$special" "$tree"; do
	name=${source##*/}
	same "$source" "$mount/$name.rsync"
	# A tar has whole seconds unless it is told otherwise; cp keeps all.
	same "$source" "$mount/$name.cp"
	tar -C "$mount/$name.tar.d" --compare -f "$mount/$name.tar" || fail "the tar's contents differ"
	mkdir "$scratch/out"
	rsync "${options[@]}" "$mount/$name.cp/" "$scratch/out/"
	same "$source" "$scratch/out"
	rm -rf "$scratch/out"
done

# Holes stay holes, whoever makes them.
for copy in rsync cp tar.d; do
	[ "$(stat -c %b "$mount/special.$copy/sparse")" -lt 10000 ] || fail "the holes of $copy are gone"
done
cp --sparse=always "$special/sparse" "$mount/always"
cp --sparse=never --reflink=never "$special/sparse" "$mount/never"
for file in always never; do
	cmp "$special/sparse" "$mount/$file"
	[ "$(stat -c %b "$mount/$file")" -lt 10000 ] || fail "zeros take space in $file"
done
umount_store
fsck_store
