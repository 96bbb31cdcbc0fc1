#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# The first process of the guest (guest.sh): loads the modules, makes the shared folder, the programs
# laid over it and memory over both the root for the tests, and switches the machine off after them.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
while read -r module; do
	insmod "/modules/$module"
done < /modules/order

# The build may lie below a folder that has a filesystem of its own here.
share() {
	[ -d "/root$1" ] || {
		mkdir -p "/root$1"
		mount --bind "/host$1" "/root$1"
	}
}

for tag in host programs; do
	mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=500000 "$tag" "/$tag"
done
mount -t tmpfs -o mode=755,size=80% tmpfs /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/programs:/host,upperdir=/memory/upper,workdir=/memory/work overlay /root
mount -t proc proc /root/proc
mount -t sysfs sys /root/sys
mount -t devtmpfs dev /root/dev
mkdir /root/dev/shm
ln -s /proc/self/fd /root/dev/fd # bash names its pipes so
for folder in dev/shm run mnt srv; do
	mount -t tmpfs -o mode=755,size=80% tmpfs "/root/$folder"
done
chmod 1777 /root/dev/shm # not only root's programs share memory
# Names, and an address besides 127.0.0.1: without one getaddrinfo() with AI_ADDRCONFIG finds no localhost.
ip link set lo up 2> /dev/null
ip address add 192.0.2.1/32 dev lo
hostname guest
printf '127.0.0.1 localhost\n192.0.2.1 guest\n' > /root/etc/hosts
# top_srcdir, top_builddir, GUEST_TEST_SECONDS and tests, written by guest.sh
# shellcheck source=/dev/null
. /job/variables
share "$top_srcdir"
share "$top_builddir"
export top_srcdir top_builddir GUEST_TEST_SECONDS
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# shellcheck disable=SC2086,SC2154
TMPDIR=/mnt HOME=/mnt chroot /root /bin/bash "$top_srcdir/tests/guest/inside.sh" $tests > /dev/ttyS0 2>&1
/bin/poweroff -f
