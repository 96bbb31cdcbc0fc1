#!/bin/bash
# SPDX-License-Identifier: MIT
# Eight writers and eight readers at once, with commits, clones, deletes and cleaning meanwhile, each
# see exactly what they wrote; so does the next mount.
#
# APPS_FULL=1 goes on for ten minutes.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
need python3

cat >"$scratch/worker.py" <<'END'
import hashlib, os, random, sys, time

folder, name, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
rng = random.Random(name)
common = random.Random(99).randbytes(400000)  # the same in all of them
mine = os.path.join(folder, str(name))
os.makedirs(mine, exist_ok=True)
sums, end, count = {}, time.monotonic() + seconds, 0

def content():
    cut = rng.randrange(len(common))
    return common[cut:] + rng.randbytes(rng.randrange(60000)) + bytes(rng.randrange(20000)) + common[:cut]

def check(path, wanted):
    with open(path, "rb") as file:
        got = hashlib.sha256(file.read()).hexdigest()
    assert got == wanted, f"{path} differs"

while time.monotonic() < end or count < 8:
    path, data = os.path.join(mine, f"{rng.randrange(12)}"), content()
    if rng.random() < 0.5 and path in sums:  # over what is there, in odd pieces
        with open(path, "r+b") as file:
            file.truncate(len(data))
            at = list(range(0, len(data), 30011))
            rng.shuffle(at)
            for offset in at:
                file.seek(offset)
                file.write(data[offset:offset + 30011])
    else:
        with open(path + ".new", "wb") as file:
            file.write(data)
            if rng.random() < 0.1:
                os.fsync(file.fileno())
        os.rename(path + ".new", path)
    sums[path] = hashlib.sha256(data).hexdigest()
    for other in rng.sample(sorted(sums), min(2, len(sums))):
        check(other, sums[other])
    if rng.random() < 0.1:
        victim = rng.choice(sorted(sums))
        os.unlink(victim)
        del sums[victim]
    count += 1
for path, wanted in sorted(sums.items()):
    print(f"{wanted}  {os.path.relpath(path, folder)}")
END

# reader N: whatever a file that nobody changes holds, it holds all the time.
reader() {
	until [ -e "$scratch/stop" ]; do
		cmp "$scratch/still" "$mount/still" || return 1
		find "$mount" -name '[0-9]*' -exec cat {} + >/dev/null 2>&1 || true # files come and go
	done
}

seconds=${APPS_FULL:+600}
mount_store
head -c 3000000 /dev/urandom >"$scratch/still"
cp "$scratch/still" "$mount/still"
pids=() readers=()
for n in 1 2 3 4 5 6 7 8; do
	python3 "$scratch/worker.py" "$mount" "$n" "${seconds:-6}" >"$scratch/sums.$n" &
	pids+=($!)
	reader &
	readers+=($!)
done
for n in 1 2 3; do
	sleep 1
	granary fs clone "$mount/still" "$mount/clone.$n"
	granary fs clean "$mount" >/dev/null
	granary fs sync "$mount" >/dev/null
done
for pid in "${pids[@]}"; do
	wait "$pid" || fail "a writer read what it had not written"
done
touch "$scratch/stop"
for pid in "${readers[@]}"; do
	wait "$pid" || fail "a file that nobody changes has changed"
done
cat "$scratch"/sums.* >"$scratch/sums"
[ "$(wc -l <"$scratch/sums")" -gt 16 ] || fail "only $(wc -l <"$scratch/sums") files are left"
(cd "$mount" && sha256sum -c --quiet "$scratch/sums") || fail "files have changed"
remount_store
(cd "$mount" && sha256sum -c --quiet "$scratch/sums") || fail "files have changed over the remount"
cmp "$scratch/still" "$mount/clone.3"
umount_store
fsck_store
