#!/bin/sh
# SPDX-License-Identifier: MIT
# `make check-guest`: runs tests under a stock Debian 12 kernel, whatever kernel this machine has.
#
# QEMU boots the kernel of the package linux-image-amd64 with a small initrd made here of the
# packages of the kernel and of busybox-static, fetched once and kept in FOLDER. The guest has no
# disk of its own: its root is this machine's, shared read-only over 9p, so that the built tree
# and every tool are there under the same names; what tests write goes to its memory. Whole programs
# that tests use (SETUP_GUEST_PROGRAMS) are not installed here, where their daemons and users do not
# belong: their packages are unpacked in FOLDER and laid over the root.
#
# usage: guest.sh FOLDER TEST...    with top_srcdir and top_builddir set
#   GUEST_KERNEL=linux-image-...    another kernel package than the newest
#   GUEST_MODULES="..."             modules to load besides
#   GUEST_MEMORY=2048               MiB
#   GUEST_SECONDS=3600              until it is given up
#   GUEST_TEST_SECONDS=1500         until one test is
#   GUEST_ACCEL=tcg                 kvm where that works
#   GUEST_CPU=max                   "max,-arch-capabilities" where KVM refuses an MSR
set -eu

: "${top_srcdir:?}" "${top_builddir:?}"
# shellcheck source=examples/setup.sh
. "$top_srcdir/examples/setup.sh"
[ $# -ge 2 ] || { echo "usage: guest.sh FOLDER TEST..." >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift

# shellcheck disable=SC2086
setup_install $SETUP_GUEST_PACKAGES
kernel=${GUEST_KERNEL:-$(apt-cache depends linux-image-amd64 |
	sed -n 's/^ *Depends: \(linux-image-[0-9].*-amd64\)$/\1/p' | head -n 1)}
[ -n "$kernel" ] || { echo "guest: apt knows no linux-image-amd64; run apt-get update" >&2; exit 1; }
version=${kernel#linux-image-}
modules="virtio_pci 9pnet_virtio 9p fuse overlay crc32c_generic iscsi_tcp st ch sg ${GUEST_MODULES:-}"

# fetch PACKAGE: unpacked in $folder/PACKAGE.
fetch() {
	[ ! -d "$folder/$1" ] || return 0
	setup_say "fetching $1"
	rm -rf "$folder/new"
	mkdir "$folder/new"
	# _apt cannot write into a private folder; root may.
	(cd "$folder/new" && apt-get -qq -o APT::Sandbox::User=root download "$1" &&
		dpkg-deb -x "$1"_*.deb . && rm "$1"_*.deb)
	mv "$folder/new" "$folder/$1"
}

# missing_programs: the packages of $SETUP_GUEST_PROGRAMS and those they need, as far as this machine
# has not got them. Nothing mails in the guest.
missing_programs() {
	# shellcheck disable=SC2086
	apt-get -s -qq install --no-install-recommends $SETUP_GUEST_PROGRAMS |
		sed -n 's/^Inst \([^ ]*\).*/\1/p' | grep -vE '^(exim4|bsd-mailx)'
}

# The folders of the root that are links stay so: /lib laid over it would hide all libraries.
fetch_programs() {
	[ "$(cat "$folder/programs/packages" 2> /dev/null)" != "$SETUP_GUEST_PROGRAMS" ] || return 0
	setup_say "fetching the programs of the guest"
	rm -rf "$folder/new" "$folder/programs"
	mkdir -p "$folder/new/packages" "$folder/new/root/usr"
	for name in bin sbin lib lib64; do
		mkdir "$folder/new/root/usr/$name"
		ln -s "usr/$name" "$folder/new/root/$name"
	done
	missing_programs > "$folder/new/names"
	(cd "$folder/new/packages" && xargs -r apt-get -qq -o APT::Sandbox::User=root download < ../names)
	for package in "$folder"/new/packages/*.deb; do
		[ ! -f "$package" ] || dpkg-deb --fsys-tarfile "$package" |
			tar -x --keep-directory-symlink -C "$folder/new/root"
	done
	rm -r "$folder/new/packages"
	echo "$SETUP_GUEST_PROGRAMS" > "$folder/new/packages"
	mv "$folder/new" "$folder/programs"
}

# The modules in the order in which they are to be loaded, each once.
module_files() {
	for module in $modules; do
		modprobe -d "$folder/$kernel" -S "$version" --show-depends "$module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# make_archive ROOT: as the kernel wants it.
make_archive() {
	(cd "$1" && find . | cpio -o -H newc --quiet)
}

make_system() {
	root=$folder/root
	rm -rf "$root"
	mkdir -p "$root/bin" "$root/modules" "$root/proc" "$root/dev" "$root/host" "$root/programs" "$root/memory" \
		"$root/root"
	cp "$folder/busybox-static/bin/busybox" "$root/bin/busybox"
	cp "$top_srcdir/tests/guest/init.sh" "$root/init"
	chmod 755 "$root/init"
	depmod -b "$folder/$kernel" "$version"
	module_files > "$folder/modules"
	while read -r file; do
		cp "$file" "$root/modules"
		basename "$file"
	done < "$folder/modules" > "$root/modules/order"
	make_archive "$root" > "$folder/system.cpio"
}

# What this run is to do, in an archive of its own behind that of the system.
make_job() {
	rm -rf "$folder/job-root"
	mkdir -p "$folder/job-root/job"
	{
		printf 'top_srcdir=%s\ntop_builddir=%s\n' "$top_srcdir" "$top_builddir"
		printf 'GUEST_TEST_SECONDS=%s\n' "${GUEST_TEST_SECONDS:-1500}"
		printf 'tests="%s"\n' "$*"
	} > "$folder/job-root/job/variables"
	make_archive "$folder/job-root" | cat "$folder/system.cpio" - > "$folder/initrd"
}

run_guest() {
	exec timeout "${GUEST_SECONDS:-3600}" qemu-system-x86_64 -accel "${GUEST_ACCEL:-tcg}" -cpu "${GUEST_CPU:-max}" -smp 2 \
		-m "${GUEST_MEMORY:-2048}" -nodefaults -display none -no-reboot \
		-kernel "$folder/$kernel/boot/vmlinuz-$version" -initrd "$folder/initrd" \
		-append "console=ttyS1 panic=-1 mitigations=off" \
		-serial "file:$folder/tests.log" -serial "file:$folder/console.log" \
		-virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
		-virtfs "local,path=$folder/programs/root,mount_tag=programs,security_model=none,readonly=on"
}

fetch busybox-static
fetch "$kernel"
fetch_programs
make_system
make_job "$@"
: > "$folder/tests.log"
setup_say "booting $version"
run_guest &
guest=$!
trap 'kill "$guest" 2> /dev/null || true' EXIT
trap 'exit 130' INT TERM
# Until the guest has gone, and all that it has said.
tail -n +1 -f --pid="$guest" "$folder/tests.log"
status=0
wait "$guest" || status=$?
trap - EXIT
case $(tail -n 1 "$folder/tests.log" | tr -d '\r') in
"guest: 0 failed") exit 0 ;;
"guest: "*) exit 1 ;;
esac
echo "guest: it did not come to an end (QEMU's status $status); the end of its console:" >&2
tail -n 20 "$folder/console.log" >&2
exit 1
