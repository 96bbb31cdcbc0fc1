# SPDX-License-Identifier: MIT
include tests/target/sense.mk
include tests/target/peers.mk
include tests/target/disk.mk
include tests/target/login.mk
include tests/target/vtl.mk
include tests/target/tape.mk
include tests/target/power.mk
