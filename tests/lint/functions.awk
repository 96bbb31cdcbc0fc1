# SPDX-License-Identifier: MIT
# Finds the functions of a C file by their shape: a line at the margin that is neither
# a directive nor the start of data, a brace alone at the margin, a brace that ends it there.
# Prints FILE:LINE NAME LENGTH.
/^[A-Za-z_]/ && /\(/ && !/;[[:space:]]*$/ {
	name = $0
	sub(/\(.*/, "", name)
	sub(/.*[^A-Za-z0-9_]/, "", name)
}
/^{/ {
	start = FNR
}
/^}/ {
	if (start && name != "" && $0 !~ /;/)
		printf "%s:%d %s %d\n", FILENAME, start, name, FNR - start + 1
	start = 0
	name = ""
}
