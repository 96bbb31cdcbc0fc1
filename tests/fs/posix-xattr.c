/* SPDX-License-Identifier: MIT */
/* Extended attributes, and POSIX ACLs in the form in which the kernel takes them. */
#include "tests/fs/posix.h"

#include <endian.h>
#include <sys/xattr.h>

static void xattr_keeps_values(void)
{
	char value[70000], got[70000];
	make_file("f", 0644);
	OK(setxattr("f", "user.a", "one", 3, 0));
	TRUE(getxattr("f", "user.a", got, sizeof(got)) == 3 && memcmp(got, "one", 3) == 0);
	OK(setxattr("f", "user.a", "longer", 6, 0));
	TRUE(getxattr("f", "user.a", NULL, 0) == 6);
	OK(setxattr("f", "user.empty", "", 0, 0));
	TRUE(getxattr("f", "user.empty", got, sizeof(got)) == 0);
	memcpy(value, "bin\0ary", 7);
	OK(setxattr("f", "user.binary", value, 7, 0));
	TRUE(getxattr("f", "user.binary", got, sizeof(got)) == 7 && memcmp(got, value, 7) == 0);
	ERR(ERANGE, getxattr("f", "user.a", got, 5));
	ERR(ENODATA, getxattr("f", "user.missing", got, sizeof(got)));
	ERR(ENODATA, removexattr("f", "user.missing"));
	memset(value, 'v', 2000);
	OK(setxattr("f", "user.large", value, 2000, 0));
	TRUE(getxattr("f", "user.large", got, sizeof(got)) == 2000);
	ERR2(E2BIG, ENOSPC, setxattr("f", "user.huge", value, 65537, 0));
}

static void xattr_flags(void)
{
	make_file("f", 0644);
	ERR(ENODATA, setxattr("f", "user.a", "x", 1, XATTR_REPLACE));
	OK(setxattr("f", "user.a", "x", 1, XATTR_CREATE));
	ERR(EEXIST, setxattr("f", "user.a", "y", 1, XATTR_CREATE));
	OK(setxattr("f", "user.a", "z", 1, XATTR_REPLACE));
	struct stat before = stat_of("f");
	tick();
	OK(removexattr("f", "user.a"));
	TRUE(ns_of(stat_of("f").st_ctim) > ns_of(before.st_ctim));
}

static bool listed(const char *path, const char *name)
{
	char list[8192];
	ssize_t size = OK(llistxattr(path, list, sizeof(list)));
	for (char *p = list; p < list + size; p += strlen(p) + 1)
		if (strcmp(p, name) == 0)
			return true;
	return false;
}

static void xattr_lists(void)
{
	char list[8192];
	make_file("f", 0644);
	OK(setxattr("f", "user.one", "1", 1, 0));
	OK(setxattr("f", "user.two", "2", 1, 0));
	TRUE(listed("f", "user.one") && listed("f", "user.two"));
	ssize_t size = OK(listxattr("f", NULL, 0));
	TRUE(size >= 18);
	ERR(ERANGE, listxattr("f", list, 4));
	OK(removexattr("f", "user.one"));
	TRUE(!listed("f", "user.one") && listed("f", "user.two"));
	/* They belong to the file, not to the name. */
	OK(link("f", "g"));
	OK(unlink("f"));
	TRUE(listed("g", "user.two"));
}

static void xattr_names(void)
{
	char name[300] = "user.";
	make_file("f", 0644);
	memset(name + 5, 'n', 250);
	name[255] = 0;
	OK(setxattr("f", name, "x", 1, 0));
	memset(name + 5, 'n', 251);
	name[256] = 0;
	ERR(ERANGE, setxattr("f", name, "x", 1, 0));
	ERR(EOPNOTSUPP, setxattr("f", "nonsense.a", "x", 1, 0));
	ERR(EOPNOTSUPP, setxattr("f", "a", "x", 1, 0));
}

static void xattr_kinds(void)
{
	char got[64];
	OK(mkdir("d", 0755));
	make_file("f", 0644);
	OK(symlink("f", "l"));
	OK(setxattr("d", "user.dir", "x", 1, 0));
	TRUE(getxattr("d", "user.dir", got, sizeof(got)) == 1);
	ERR(EPERM, lsetxattr("l", "user.link", "x", 1, 0));
	OK(setxattr("l", "user.through", "x", 1, 0));
	TRUE(getxattr("f", "user.through", got, sizeof(got)) == 1);
	OK(setxattr("f", "trusted.t", "secret", 6, 0));
	TRUE(getxattr("f", "trusted.t", got, sizeof(got)) == 6);
	OK(lsetxattr("l", "trusted.link", "x", 1, 0));
	TRUE(lgetxattr("l", "trusted.link", got, sizeof(got)) == 1);
	OK(setxattr("f", "security.granary", "label", 5, 0));
	TRUE(getxattr("f", "security.granary", got, sizeof(got)) == 5);
	TRUE(listed("f", "trusted.t") && listed("f", "security.granary"));
}

static void stranger_sees_user_only(void)
{
	char got[64];
	TRUE(getxattr("f", "user.u", got, sizeof(got)) == 1);
	ERR2(ENODATA, EPERM, getxattr("f", "trusted.t", got, sizeof(got)));
	ERR2(EACCES, EPERM, setxattr("f", "user.u", "y", 1, 0));
	TRUE(!listed("f", "trusted.t"));
}

static void xattr_permissions(void)
{
	make_file("f", 0644);
	OK(setxattr("f", "user.u", "x", 1, 0));
	OK(setxattr("f", "trusted.t", "x", 1, 0));
	as_user(65501, 65501, stranger_sees_user_only);
}

static void xattr_many(void)
{
	char name[32], got[32];
	make_file("f", 0644);
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "user.n%02d", i);
		OK(setxattr("f", name, name, strlen(name), 0));
	}
	for (int i = 0; i < 60; i += 2) {
		snprintf(name, sizeof(name), "user.n%02d", i);
		OK(removexattr("f", name));
	}
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "user.n%02d", i);
		ssize_t n = getxattr("f", name, got, sizeof(got));
		TRUE(i % 2 ? n == (ssize_t)strlen(name) : n == -1 && errno == ENODATA);
	}
}

const struct posix_case posix_xattr_cases[] = {
	{"xattr-keeps-values", xattr_keeps_values},
	{"xattr-flags", xattr_flags},
	{"xattr-lists", xattr_lists},
	{"xattr-names", xattr_names},
	{"xattr-kinds", xattr_kinds, true},
	{"xattr-permissions", xattr_permissions, true},
	{"xattr-many", xattr_many},
	{NULL},
};

/* ---- ACLs: struct posix_acl_xattr of the kernel's user interface, version 2 ---- */

#define TAG_USER_OBJ  0x01
#define TAG_USER      0x02
#define TAG_GROUP_OBJ 0x04
#define TAG_GROUP     0x08
#define TAG_MASK      0x10
#define TAG_OTHER     0x20
#define NO_ID         0xffffffffu

struct acl_entry {
	uint16_t tag, permissions;
	uint32_t id;
};

static size_t acl_bytes(unsigned char *out, const struct acl_entry *entries, size_t count)
{
	uint32_t version = htole32(2);
	memcpy(out, &version, 4);
	for (size_t i = 0; i < count; i++) {
		struct acl_entry e = {htole16(entries[i].tag), htole16(entries[i].permissions), htole32(entries[i].id)};
		memcpy(out + 4 + 8 * i, &e, 8);
	}
	return 4 + 8 * count;
}

static int acl_set(const char *path, const char *name, const struct acl_entry *entries, size_t count)
{
	unsigned char bytes[256];
	size_t size = acl_bytes(bytes, entries, count);
	int result = setxattr(path, name, bytes, size, 0);
	if (result < 0 && errno == EOPNOTSUPP)
		posix_skip("this filesystem has no ACLs");
	return result;
}

/* The permissions of one entry, -1 when there is none. */
static int acl_get(const char *path, const char *name, uint16_t tag, uint32_t id)
{
	unsigned char bytes[256];
	ssize_t size = getxattr(path, name, bytes, sizeof(bytes));
	for (ssize_t at = 4; at + 8 <= size; at += 8) {
		struct acl_entry e;
		memcpy(&e, bytes + at, 8);
		if (le16toh(e.tag) == tag && (id == NO_ID || le32toh(e.id) == id))
			return le16toh(e.permissions);
	}
	return -1;
}

#define ACCESS  "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

static const struct acl_entry alice_may_read[] = {
	{TAG_USER_OBJ, 6, NO_ID}, {TAG_USER, 4, 65501}, {TAG_GROUP_OBJ, 0, NO_ID},
	{TAG_MASK, 4, NO_ID},     {TAG_OTHER, 0, NO_ID},
};

static void read_f(void)
{
	OK(close(OK(open("f", O_RDONLY))));
	ERR(EACCES, open("f", O_WRONLY));
}

static void read_f_denied(void)
{
	ERR(EACCES, open("f", O_RDONLY));
}

static void acl_grants(void)
{
	make_file("f", 0600);
	OK(acl_set("f", ACCESS, alice_may_read, 5));
	/* The group bits of the mode are the mask. */
	TRUE((stat_of("f").st_mode & 07777) == 0640);
	as_user(65501, 65501, read_f);
	as_user(65502, 65502, read_f_denied);
	OK(chmod("f", 0600));
	TRUE(acl_get("f", ACCESS, TAG_MASK, NO_ID) == 0);
	TRUE(acl_get("f", ACCESS, TAG_USER, 65501) == 4);
	as_user(65501, 65501, read_f_denied);
	OK(chmod("f", 0660));
	TRUE(acl_get("f", ACCESS, TAG_MASK, NO_ID) == 6);
	as_user(65501, 65501, read_f);
	OK(removexattr("f", ACCESS));
	as_user(65501, 65501, read_f_denied);
}

static void acl_minimal_is_the_mode(void)
{
	static const struct acl_entry minimal[] = {
		{TAG_USER_OBJ, 7, NO_ID}, {TAG_GROUP_OBJ, 5, NO_ID}, {TAG_OTHER, 1, NO_ID}};
	make_file("f", 0600);
	OK(acl_set("f", ACCESS, minimal, 3));
	TRUE((stat_of("f").st_mode & 07777) == 0751);
}

static void acl_default_is_inherited(void)
{
	static const struct acl_entry defaults[] = {
		{TAG_USER_OBJ, 7, NO_ID}, {TAG_USER, 6, 65501}, {TAG_GROUP_OBJ, 5, NO_ID},
		{TAG_MASK, 7, NO_ID},     {TAG_OTHER, 0, NO_ID},
	};
	umask(077);
	OK(mkdir("d", 0755));
	OK(acl_set("d", DEFAULT, defaults, 5));
	OK(close(OK(open("d/f", O_CREAT | O_WRONLY, 0666))));
	/* The default ACL takes the umask's place. */
	TRUE((stat_of("d/f").st_mode & 07777) == 0660);
	TRUE(acl_get("d/f", ACCESS, TAG_USER, 65501) == 6);
	TRUE(acl_get("d/f", ACCESS, TAG_MASK, NO_ID) == 6);
	TRUE(acl_get("d/f", ACCESS, TAG_GROUP_OBJ, NO_ID) == 5);
	OK(mkdir("d/e", 0777));
	TRUE((stat_of("d/e").st_mode & 07777) == 0770);
	TRUE(acl_get("d/e", DEFAULT, TAG_USER, 65501) == 6);
	TRUE(acl_get("d/e", ACCESS, TAG_USER, 65501) == 6);
	OK(close(OK(open("outside", O_CREAT | O_WRONLY, 0666))));
	TRUE((stat_of("outside").st_mode & 07777) == 0600);
	OK(removexattr("d", DEFAULT));
	OK(close(OK(open("d/plain", O_CREAT | O_WRONLY, 0666))));
	TRUE((stat_of("d/plain").st_mode & 07777) == 0600);
}

static void acl_errors(void)
{
	static const struct acl_entry no_owner[] = {{TAG_GROUP_OBJ, 5, NO_ID}, {TAG_OTHER, 0, NO_ID}};
	static const struct acl_entry no_mask[] = {{TAG_USER_OBJ, 7, NO_ID}, {TAG_USER, 4, 65501},
						   {TAG_GROUP_OBJ, 5, NO_ID}, {TAG_OTHER, 0, NO_ID}};
	make_file("f", 0644);
	OK(acl_set("f", ACCESS, alice_may_read, 5));
	ERR(EINVAL, acl_set("f", ACCESS, no_owner, 2));
	ERR(EINVAL, acl_set("f", ACCESS, no_mask, 4));
	ERR(EACCES, acl_set("f", DEFAULT, alice_may_read, 5));
	TRUE(acl_get("f", ACCESS, TAG_USER, 65501) == 4);
}

const struct posix_case posix_acl_cases[] = {
	{"acl-grants", acl_grants, true},
	{"acl-minimal-is-the-mode", acl_minimal_is_the_mode},
	{"acl-default-is-inherited", acl_default_is_inherited},
	{"acl-errors", acl_errors},
	{NULL},
};
