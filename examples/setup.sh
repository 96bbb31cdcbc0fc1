#!/bin/sh
# SPDX-License-Identifier: MIT
# Sourced by quickstart.sh and tests/run.sh: installs the Debian packages that are missing and
# builds the tree. Does nothing that has been done already.

setup_say() {
	printf '\033[1m==>\033[0m %s\n' "$*"
}

# shellcheck disable=SC2034 # these lists are for the scripts that source this one
# What configure and the programs need.
SETUP_BUILD_PACKAGES="build-essential autoconf automake pkg-config libfuse3-dev fuse3 libsqlite3-dev
	libssl-dev libzstd-dev liblz4-dev libxxhash-dev libconfig-dev libjansson-dev libevent-dev uthash-dev
	libiscsi-dev libarchive-dev zlib1g-dev"
# shellcheck disable=SC2034
# What the tests use besides.
SETUP_TEST_PACKAGES="libcmocka-dev attr acl rsync git sqlite3 zstd python3 mandoc shellcheck
	universal-ctags xz-utils procps util-linux bsdutils xxd openssl tar gzip cpio
	iproute2 samba samba-vfs-modules smbclient nfs-ganesha nfs-ganesha-vfs libnfs-dev libiscsi-bin
	mtx sg3-utils stenc bacula-sd tgt"
# shellcheck disable=SC2034
# What the guest of make check-guest boots with.
SETUP_GUEST_PACKAGES="qemu-system-x86 cpio kmod open-iscsi mt-st mtx lsscsi sg3-utils bacula-sd"
# shellcheck disable=SC2034
# What is unpacked for that guest alone, and not installed.
SETUP_GUEST_PROGRAMS="udev bacula-director bacula-director-sqlite3 bacula-fd bacula-console
	amanda-server amanda-client libencode-locale-perl"
# shellcheck disable=SC2034
# What the benchmark compares with and draws by.
SETUP_BENCH_PACKAGES="restic borgbackup gnuplot-nox fio time zstd tgt"

setup_as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo > /dev/null; then
		sudo "$@"
	else
		echo "setup: installing packages needs root or sudo: $*" >&2
		return 1
	fi
}

# setup_units: what systemd starts, where it runs.
setup_units() {
	[ -d /run/systemd/system ] || return 0
	systemctl list-unit-files --state=enabled --no-legend | cut -d ' ' -f 1
}

# setup_idle COMMAND...: what it installs is not started, now or later: the tests run servers themselves.
setup_idle() {
	units=$(setup_units)
	policy=/usr/sbin/policy-rc.d
	if [ -e "$policy" ]; then
		policy=
	else
		printf '#!/bin/sh\nexit 101\n' | setup_as_root sh -c "cat > $policy && chmod 755 $policy"
	fi
	status=0
	setup_as_root "$@" || status=1
	[ -z "$policy" ] || setup_as_root rm -f "$policy"
	for unit in $(setup_units); do
		echo "$units" | grep -qxF "$unit" || setup_as_root systemctl --quiet disable "$unit"
	done
	return "$status"
}

# setup_install PACKAGE...: installs those that are missing.
setup_install() {
	missing=
	for package in "$@"; do
		dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' ||
			missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	setup_say "installing$missing"
	setup_as_root apt-get update -qq
	# shellcheck disable=SC2086
	setup_idle env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing > /dev/null
}

# setup_build SOURCE BUILD [CONFIGURE-OPTION...]: configures once, then makes what has changed.
setup_build() {
	source=$1
	build=$2
	shift 2
	[ -x "$source/configure" ] || (cd "$source" && autoreconf -i > /dev/null 2>&1) || {
		(cd "$source" && autoreconf -i)
		return 1
	}
	mkdir -p "$build"
	if [ ! -f "$build/Makefile" ]; then
		setup_say "configuring $build"
		(cd "$build" && "$source/configure" --quiet "$@" > configure.out 2>&1) || {
			cat "$build/configure.out" >&2
			return 1
		}
	fi
	setup_say "building in $build"
	make -C "$build" -j "$(nproc)" --no-print-directory > "$build/make.out" 2>&1 || {
		tail -n 40 "$build/make.out" >&2
		return 1
	}
}
