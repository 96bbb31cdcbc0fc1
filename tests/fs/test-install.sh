#!/bin/bash
# SPDX-License-Identifier: MIT
# What `make install DESTDIR=` brings works without the build tree, also for mount(8), which finds the
# helper through the links; uninstall leaves no file.
. "${top_srcdir:-.}/tests/functions.sh"
# shellcheck source=tests/fs/mount8.sh
. "$top_srcdir/tests/fs/mount8.sh"
need make
[ "$(id -u)" != 0 ] || own_mounts

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

if [ "$prefix:$mountdir" = /usr/local:/sbin ]; then
	check_equal "$(readlink "$dest/sbin/mount.granary")" /usr/local/sbin/mount.granary "the link"
	need_fuse
	need_root
	sbin=$(readlink -f /sbin)
	mount --bind "$dest/usr/local" /usr/local
	mount --bind "$dest/sbin" "$sbin"
	(
		PATH=/usr/local/sbin:/usr/local/bin:/usr/bin:/bin
		check_mount8
		mount -t granary "$store" "$mount"
		expect_status 0 granary fs status "$mount"
		expect_output '^uuid'
		unmount "$mount"
	)
	unmount "$sbin"
	# The last granary-fsd, which runs from there, may still be on its way out.
	wait_for 30 umount /usr/local || fail "something still runs from /usr/local"
fi
make_quietly uninstall
check_equal "$(find "$dest" ! -type d | wc -l)" 0 "files that uninstall left"
