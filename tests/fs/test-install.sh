#!/bin/bash
# SPDX-License-Identifier: MIT
# What `make install DESTDIR=` brings works without the build tree; mount(8) finds the helper
# through the links, by type and from a line of fstab; uninstall leaves no file.
. "${top_srcdir:-.}/tests/functions.sh"
need make

make_quietly() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$top_builddir" --no-print-directory \
		DESTDIR="$dest" "$@" >"$scratch/make.log" 2>&1 || {
		tail -n 20 "$scratch/make.log" >&2
		fail "make $* failed"
	}
}

# variable NAME: as configure has set it.
variable() {
	sed -n "s/^$1 = //p" "$top_builddir/Makefile" | head -n 1
}

dest=$scratch/dest
make_quietly install
prefix=$(variable prefix)
mountdir=$(variable mountdir)
for name in sbin/granary-fsd sbin/mkfs.granary sbin/mount.granary sbin/fsck.granary bin/granary; do
	expect_status 0 "$dest$prefix/$name" --version
done
for page in man1/granary.1 man5/granary-format.5 man7/granary-control.7 man8/mount.granary.8; do
	[ -s "$dest$prefix/share/man/$page" ] || fail "$page was not installed"
done
[ -s "$dest$prefix/share/bash-completion/completions/granary" ] || fail "no completion for bash"

# The rest replaces folders of the system, so it happens in a namespace of its own.
mounts() {
	cat >"$scratch/inside.sh" <<-'END'
		set -eu
		mount --bind "$1/sbin" /sbin
		mount --bind "$1/usr/local" /usr/local
		PATH=/usr/local/sbin:/usr/local/bin:/usr/bin:/bin
		cd "$2"
		mkfs.granary -q -r 16M store
		mkdir dir
		mount -t granary -o memory=128M,compression=fast,noatime "$2/store" "$2/dir"
		echo text > dir/file
		granary fs status dir | grep -q '^uuid'
		umount dir
		flock -w 60 store/lock true
		echo "$2/store $2/dir granary defaults,nofail,ro,memory=128M 0 0" > fstab
		mount -T fstab dir
		test "$(cat dir/file)" = text
		! touch dir/other 2> /dev/null
		umount dir
		flock -w 60 store/lock true
		fsck.granary store
	END
	unshare -m sh "$scratch/inside.sh" "$dest" "$scratch" >"$scratch/output" 2>&1 || {
		cat "$scratch/output" >&2
		fail "the installed programs do not mount"
	}
}

if [ "$prefix:$mountdir" = /usr/local:/sbin ]; then
	check_equal "$(readlink "$dest/sbin/mount.granary")" /usr/local/sbin/mount.granary "the link"
	need_fuse
	need_root
	need unshare
	unshare -m true 2>/dev/null || skip "a namespace of mounts is not allowed here"
	mounts
fi
make_quietly uninstall
check_equal "$(find "$dest" ! -type d | wc -l)" 0 "files that uninstall left"
