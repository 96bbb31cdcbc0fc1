#!/bin/bash
# SPDX-License-Identifier: MIT
# A program is configured and compiled on the mount with make -j, linked, run and tested there, and its
# objects are byte for byte those of a build on the machine's own filesystem.
# shellcheck disable=SC2119
. "${top_srcdir:-.}/tests/functions.sh"
need_fuse
compiler=$(sed -n 's/^CC = //p' "$top_builddir/Makefile" 2>/dev/null || true)
compiler=${compiler%% *}
compiler=${compiler:-cc}
need "$compiler" make ar

# A library of many sources, a program that each of them has a part in.
make_project() {
	local n
	mkdir -p "$1/src" "$1/include"
	for ((n = 0; n < 40; n++)); do
		cat >"$1/src/part$n.c" <<-END
			#include <stdio.h>
			#include <stdlib.h>
			#include <string.h>
			#include "common.h"
			static char text[$((n * 997 + 10))];
			int part$n(int value)
			{
				memset(text, value, sizeof(text));
				return text[sizeof(text) - 1] + $n;
			}
		END
	done
	seq -f 'int part%g(int value);' 0 39 >"$1/include/common.h"
	{
		echo '#include <stdio.h>'
		echo '#include "common.h"'
		printf 'int main(void)\n{\n\tint sum = 0;\n'
		seq -f '	sum += part%g(1);' 0 39
		printf '\tprintf("%%d\\n", sum);\n\treturn 0;\n}\n'
	} >"$1/src/main.c"
	cat >"$1/Makefile" <<-'END'
		.RECIPEPREFIX = >
		vpath %.c $(SOURCE)/src
		parts := $(patsubst $(SOURCE)/src/%.c,%.o,$(wildcard $(SOURCE)/src/part*.c))
		CFLAGS = -O1 -g -MMD -I$(SOURCE)/include -ffile-prefix-map=$(SOURCE)=. -fdebug-prefix-map=$(CURDIR)=.
		program: main.o libparts.a
		>$(CC) -Wl,--build-id=none -o $@ $^
		libparts.a: $(parts)
		>ar rcsD $@ $^
		check: program
		>test "$$(./program)" = 820
		clean:
		>rm -f *.o *.d libparts.a program
		-include *.d
		.PHONY: check clean
	END
}

# build SOURCE FOLDER
build() {
	make -C "$2" -f "$1/Makefile" SOURCE="$1" CC="$compiler" -j 4 check >"$scratch/make.log" 2>&1 || {
		tail -n 20 "$scratch/make.log" >&2
		fail "the build in $2 failed"
	}
}

make_project "$scratch/project"
mkdir "$scratch/native"
build "$scratch/project" "$scratch/native"

mount_store
cp -a "$scratch/project" "$mount/project"
mkdir "$mount/build"
build "$mount/project" "$mount/build"
diff -r --exclude='*.d' "$scratch/native" "$mount/build" || fail "the objects differ"
check_equal "$("$mount/build/program")" 820 "what the program says"

# make knows what is up to date, also after a remount; then what a changed header touches.
remount_store
build "$mount/project" "$mount/build"
! grep -q -- ' -c ' "$scratch/make.log" || fail "make compiles again what is up to date"
echo 'int unused(void);' >>"$mount/project/src/part7.c"
build "$mount/project" "$mount/build"
check_equal "$(grep -c -- ' -c ' "$scratch/make.log")" 1 "files compiled after one has changed"
make -C "$mount/build" -f "$mount/project/Makefile" clean >/dev/null
check_equal "$(ls -A "$mount/build")" "" "what make clean leaves"

# This project's own base library, out of its tree and by its own rules.
if [ -e "$top_srcdir/configure" ] && [ ! -e "$top_srcdir/config.status" ]; then
	mkdir "$mount/self"
	(
		cd "$mount/self"
		"$top_srcdir/configure" CC="$compiler" >"$scratch/configure.log" 2>&1 &&
			make -j 4 lib/base/libbase.a >"$scratch/make.log" 2>&1
	) || {
		tail -n 20 "$scratch/configure.log" "$scratch/make.log" >&2
		fail "configure or make on the mount failed"
	}
	ar t "$mount/self/lib/base/libbase.a" | finds 'wire\.o' || fail "the library is not whole"
fi
umount_store
fsck_store
