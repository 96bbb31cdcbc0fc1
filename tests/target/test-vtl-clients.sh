#!/bin/bash
# SPDX-License-Identifier: MIT
# Clients of the control socket that hang up: before, while and after they are answered. What they have asked
# for is done all the same, whole, and nothing is left open for them.
. "${top_srcdir:-.}/tests/target/targetd.sh"

need python3

start_targetd
targetd vtl create main --tapes 20 --drives 1 --tape-size 64M >/dev/null
descriptors() {
	find "/proc/$targetd_pid/fd" -mindepth 1 | wc -l
}
# shellcheck disable=SC2317 # called by wait_for
as_before() {
	[ "$(descriptors)" -le "$before" ]
}
before=$(descriptors)

cat >"$scratch/rude.py" <<'END'
import json, socket, sys, time

def ask(text, read=0):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.sendall(text)
    if read:
        s.recv(read)
    s.close()

def call(method, params={}):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n"

# Until what was asked for before is not too much any more.
def calm():
    while True:
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(sys.argv[1])
            s.sendall(call("vtl.list"))
            if b'"result"' in s.recv(1 << 16):
                return
        except OSError:
            pass
        finally:
            s.close()
        time.sleep(0.05)

for i in range(10):
    ask(call("tape.list"))
    ask(call("tape.list") * 4)
    ask(call("tape.list"), read=1)
    ask(call("vtl.elements", {"name": "main"}) * 5, read=100)
    ask(call("tape.show", {"barcode": "G00001L8"})[:-1])
    ask(b"")
    ask(call("vtl.move", {"name": "main", "from": "G00001L8", "to": 1000 + 19 * (i % 2)}))
for i in range(20):
    calm()
    ask(call("tape.create", {"library": "main", "shelf": True}))
calm()
ask(call("vtl.create", {"name": "big", "tapes": 40, "slots": 40, "barcode": "B"}))
END
python3 "$scratch/rude.py" "$target_root/run/targetd.sock"
# shellcheck disable=SC2317 # called by wait_for
has_big() {
	targetd vtl show big
}
wait_for 60 has_big || fail "what was asked for is not done when its client has gone"
check_equal "$(targetd vtl elements big | grep -c 'B00...L8')" 40 "tapes of the library"
# shellcheck disable=SC2317 # called by wait_for
has_shelf() {
	[ "$(targetd tape list main | grep -c ' shelf')" = 20 ]
}
wait_for 60 has_shelf || fail "not every tape that was asked for is there"
check_equal "$(targetd vtl elements main | grep -c 'G0000*1L8')" 1 "places of a tape that was moved about"
expect_status 0 targetd vtl delete big --purge # which has some open
wait_for 60 as_before || {
	ls -l "/proc/$targetd_pid/fd" >&2
	fail "$(descriptors) descriptors, $before before"
}

# A client that is killed while it waits.
before=$(descriptors)
targetd vtl create huge --tapes 60 --slots 60 --barcode H >/dev/null 2>&1 &
client=$!
until [ "$(descriptors)" -gt "$before" ] || is_gone "$client"; do :; done
kill -KILL "$client" 2>/dev/null || true
wait "$client" 2>/dev/null || true
# shellcheck disable=SC2317 # called by wait_for
has_huge() {
	targetd vtl show huge
}
if wait_for 4 has_huge; then # else it was killed before it had asked
	check_equal "$(targetd vtl elements huge | grep -c 'H00...L8')" 60 "tapes of the library"
	expect_status 0 targetd vtl delete huge --purge
fi
stop_targetd
