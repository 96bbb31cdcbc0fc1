#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the benchmark's input: several versions of Debian's kernel image, each as one tar file,
# as apt offers them. usage: corpus.sh FOLDER [VERSIONS]
# What is there already is kept. Prints the tar files, oldest first.
set -eu

folder=$1
versions=${2:-5}
mkdir -p "$folder"
cd "$folder"

packages=$(apt-cache search --names-only '^linux-image-6\.1\.0-[0-9]+-amd64$' | cut -d' ' -f1 |
	sort -V | tail -n "$versions")
[ "$(echo "$packages" | wc -w)" -ge "$versions" ] || {
	echo "corpus: apt offers fewer than $versions kernel images; run apt-get update" >&2
	exit 1
}
for package in $packages; do
	if [ ! -f "$package.tar" ]; then
		rm -rf unpack && mkdir unpack
		# _apt cannot write into a private folder; root may.
		apt-get -qq -o APT::Sandbox::User=root download "$package" >&2
		dpkg-deb --fsys-tarfile "$package"_*.deb > "$package.tar.new"
		mv "$package.tar.new" "$package.tar"
		rm -rf unpack "$package"_*.deb
	fi
	echo "$folder/$package.tar"
done
