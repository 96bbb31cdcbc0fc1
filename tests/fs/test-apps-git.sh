#!/bin/bash
# SPDX-License-Identifier: MIT
# A git repository lives on the mount as anywhere else: clone, fsck, checkout, commit, gc and a
# clone back out all work, and every object is the same.
#
# APPS_FULL=1 takes ten times the commits.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need git

export HOME=$scratch GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=Tester GIT_AUTHOR_EMAIL=tester@localhost
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
git config --global safe.directory '*'
git config --global init.defaultBranch main
git config --global advice.detachedHead false
commits=${APPS_FULL:+600}
commits=${commits:-60}

# A commit adds a folder's worth of headers, changes one of before and moves another.
make_repository() {
	local -a headers
	local n i
	mapfile -t headers < <(find "$top_srcdir/lib" "$top_srcdir/fs" "$top_srcdir/man" "$top_srcdir/tests" \
		/usr/include/linux -type f -size -200k 2>/dev/null | head -n 600)
	[ ${#headers[@]} -gt 100 ] || fail "only ${#headers[@]} files to start with"
	git init -q "$1"
	for ((n = 0; n < commits; n++)); do
		mkdir -p "$1/$((n % 7))/$n"
		for ((i = 0; i < 12; i++)); do
			cp "${headers[(n * 12 + i) % ${#headers[@]}]}" "$1/$((n % 7))/$n/$i.h"
		done
		echo "line $n" >>"$1/always"
		((n % 5)) || git -C "$1" branch "topic-$n" 2>/dev/null || [ "$n" = 0 ]
		((n < 8)) || git -C "$1" mv "$(((n - 8) % 7))/$((n - 8))/3.h" "moved-$n.h"
		git -C "$1" add -A
		git -C "$1" commit -q -m "Commit $n"
	done
}

# whole REPOSITORY: all of its objects are readable and what their names say.
whole() {
	git -C "$1" fsck --full --strict --no-progress >"$scratch/git.log" 2>&1 || {
		cat "$scratch/git.log" >&2
		fail "git fsck found something in $1"
	}
	[ -z "$(git -C "$1" status --porcelain)" ] || fail "$1 is not clean: $(git -C "$1" status --porcelain | head)"
}

# objects REPOSITORY: every branch and tag, and all objects with type and size.
objects() {
	git -C "$1" rev-list --objects --all | cut -d ' ' -f 1 | sort
	git -C "$1" cat-file --batch-all-objects --batch-check | sort
}

make_repository "$scratch/origin"
mount_store
git clone -q --no-hardlinks "$scratch/origin" "$mount/clone"
whole "$mount/clone"
same_tree_of() {
	diff -r --exclude=.git "$1" "$2" || fail "$1 and $2 differ"
}
same_tree_of "$scratch/origin" "$mount/clone"

for branch in $(git -C "$scratch/origin" branch --format='%(refname:short)' | grep topic | head -n 4); do
	git -C "$scratch/origin" checkout -q "$branch"
	git -C "$mount/clone" checkout -q "$branch"
	whole "$mount/clone"
	same_tree_of "$scratch/origin" "$mount/clone"
done
git -C "$scratch/origin" checkout -q main
git -C "$mount/clone" checkout -q main

git -C "$mount/clone" checkout -q -b work
git -C "$mount/clone" rm -q -r 1
cp "$top_srcdir/README.md" "$mount/clone"
git -C "$mount/clone" add -A
git -C "$mount/clone" commit -q -m 'Work'
git -C "$mount/clone" tag -a -m 'A tag' v1
git -C "$mount/clone" gc -q --aggressive --prune=now
whole "$mount/clone"
remount_store
whole "$mount/clone"
git -C "$mount/clone" repack -q -a -d -f
git -C "$mount/clone" worktree add -q "$mount/other" main
git -C "$mount/clone" stash list >/dev/null

git clone -q --mirror --no-hardlinks "$mount/clone" "$scratch/back.git"
git -C "$scratch/back.git" fsck --full --strict --no-progress >/dev/null || fail "the clone back out is damaged"
git clone -q --mirror "$mount/clone" "$mount/linked.git" # with hard links
check_equal "$(git -C "$mount/linked.git" rev-list --objects --all | sort | sha256sum)" \
	"$(git -C "$scratch/back.git" rev-list --objects --all | sort | sha256sum)" "the objects"
git -C "$scratch/origin" fetch -q "$mount/clone" work:work
objects "$scratch/origin" | grep -vxF -f <(objects "$mount/clone") >"$scratch/missing" || true
[ ! -s "$scratch/missing" ] || fail "objects are missing: $(head -n 3 "$scratch/missing")"

# The project's own repository, where the tests run from it.
if git -C "$top_srcdir" rev-parse --git-dir >/dev/null 2>&1; then
	git clone -q --no-hardlinks "$top_srcdir" "$mount/self"
	whole "$mount/self"
	check_equal "$(git -C "$mount/self" rev-parse HEAD)" "$(git -C "$top_srcdir" rev-parse HEAD)" "HEAD"
fi
umount_store
fsck_store
