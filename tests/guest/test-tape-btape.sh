#!/bin/bash
# SPDX-License-Identifier: MIT
# Bacula's own test of tape drives and changers is content with the library.
. "${top_srcdir:-.}/tests/guest/tape.sh"
PATH=$PATH:/usr/sbin
command -v btape >/dev/null || skip "there is no btape (Debian: bacula-sd)"

start_targetd
targetd vtl create lib --drives 1 --slots 4 --tapes 3 --tape-size 2G >/dev/null
start_initiator
login lib 1

cat >"$scratch/bacula-sd.conf" <<END
Storage {
  Name = guest-sd
  WorkingDirectory = "$scratch"
  PidDirectory = "$scratch"
}
Director {
  Name = guest-dir
  Password = "unused"
}
Messages {
  Name = Standard
  console = all
}
Autochanger {
  Name = Library
  Device = Drive
  Changer Device = $changer
  Changer Command = "/etc/bacula/scripts/mtx-changer %c %o %S %a %d"
}
Device {
  Name = Drive
  Drive Index = 0
  Media Type = LTO-8
  Archive Device = $drive
  Changer Device = $changer
  Changer Command = "/etc/bacula/scripts/mtx-changer %c %o %S %a %d"
  AutomaticMount = yes
  AlwaysOpen = yes
  RemovableMedia = yes
  RandomAccess = no
  AutoChanger = yes
  Maximum File Size = 1GB
}
END
# What mtx-changer waits by and where it writes.
mount --bind "$scratch" /var/lib/bacula 2>/dev/null || true
mtx -f "$changer" load 1 0 >/dev/null

# The one question is whether slot 1 has a blank tape.
timeout 900 btape -c "$scratch/bacula-sd.conf" "$drive" >"$scratch/test.log" 2>&1 <<END || true
test
y

quit
END
umount /var/lib/bacula 2>/dev/null || true
for words in 'Block re-read correct. Test succeeded' 'We should be in file 5. I am at file 5. This is correct' \
	'End Forward space files test' 'The test autochanger worked'; do
	grep -qF "$words" "$scratch/test.log" || fail "no '$words': $(tail -n 100 "$scratch/test.log")"
done
if grep -qiE 'not correct|incorrect|failed|wrong|cannot' "$scratch/test.log"; then
	fail "$(tail -n 100 "$scratch/test.log")"
fi
logout lib
stop_targetd
