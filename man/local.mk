# SPDX-License-Identifier: MIT
dist_man_MANS += man/granary-architecture.7
