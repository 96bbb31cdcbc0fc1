# SPDX-License-Identifier: MIT
# GRANARY_WARNINGS: the warnings this compiler knows, into WARN_CFLAGS;
# --enable-werror makes them errors.
AC_DEFUN([GRANARY_WARNINGS], [
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [treat compiler warnings as errors])],
    [], [enable_werror=no])
  WARN_CFLAGS=
  for flag in -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
      -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wimplicit-fallthrough -Wundef \
      -Wno-missing-field-initializers -Wno-sign-compare -Wno-format-nonliteral; do
    AX_GRANARY_TRY_FLAG([$flag], [WARN_CFLAGS="$WARN_CFLAGS $flag"])
  done
  AS_IF([test "x$enable_werror" = xyes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
  AC_SUBST([WARN_CFLAGS])
])

# AX_GRANARY_TRY_FLAG(FLAG, IF-ACCEPTED)
AC_DEFUN([AX_GRANARY_TRY_FLAG], [
  granary_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -Werror $1"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [$2], [])
  CFLAGS=$granary_save_CFLAGS
])

# GRANARY_SANITIZERS: --enable-sanitizers=LIST into SAN_CFLAGS and SAN_LDFLAGS.
AC_DEFUN([GRANARY_SANITIZERS], [
  AC_ARG_ENABLE([sanitizers], [AS_HELP_STRING([--enable-sanitizers=LIST],
      [build with these sanitizers: address,undefined or thread])], [], [enable_sanitizers=no])
  AS_CASE([$enable_sanitizers],
    [no], [SAN_CFLAGS= SAN_LDFLAGS=],
    [yes], [enable_sanitizers=address,undefined
            SAN_CFLAGS="-fsanitize=address,undefined"],
    [SAN_CFLAGS="-fsanitize=$enable_sanitizers"])
  AS_IF([test "x$SAN_CFLAGS" != x], [
    SAN_LDFLAGS=$SAN_CFLAGS
    SAN_CFLAGS="$SAN_CFLAGS -fno-omit-frame-pointer -fno-sanitize-recover=undefined"
  ])
  AC_SUBST([SAN_CFLAGS])
  AC_SUBST([SAN_LDFLAGS])
])
