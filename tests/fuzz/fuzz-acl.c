/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as an access list: set by a caller, or found in the catalogue. What is accepted is
 * kept as it came and agrees with the mode, also after chmod, and what is handed down to new
 * files gives them nothing that they had not asked for. The first two bytes are the mode.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/tree/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Attributes count against the memory of their tree. */
static struct tree tree;

static struct inode inode_of(uint32_t mode)
{
	return (struct inode){.tree = &tree, .row = {.mode = mode}, .lock = PTHREAD_MUTEX_INITIALIZER};
}

static const struct xattr *list_of(struct inode *inode, const char *name)
{
	return xattrs_find(inode->xattrs, name);
}

/* A list that is there is one that would be accepted, and says the same as the mode. */
static void check_access(struct inode *inode)
{
	struct inode other = inode_of(S_IFREG | 07000);
	const struct xattr *list = list_of(inode, XATTR_ACL_ACCESS);
	if (!list)
		return;
	ASSERT(acl_set_locked(&other, XATTR_ACL_ACCESS, list->value, list->size) == 0);
	ASSERT((other.row.mode & 0777) == (inode->row.mode & 0777) &&
	       (other.row.mode & 07000) == 07000);
	xattrs_free(&other.xattrs);
}

static void fuzz_access(uint32_t mode, const uint8_t *value, size_t size)
{
	struct inode inode = inode_of(S_IFREG | mode);
	int error = acl_set_locked(&inode, XATTR_ACL_ACCESS, value, size);
	ASSERT(error == 0 || error == -EINVAL);
	const struct xattr *list = list_of(&inode, XATTR_ACL_ACCESS);
	if (error)
		ASSERT(!list && inode.row.mode == (S_IFREG | mode));
	else if (list)
		ASSERT(list->size == size && memcmp(list->value, value, size) == 0);
	check_access(&inode);
	inode.row.mode = S_IFREG | (~mode & 07777);
	ASSERT(acl_chmod_locked(&inode) == 0 && inode.row.mode == (S_IFREG | (~mode & 07777)));
	check_access(&inode);
	xattrs_free(&inode.xattrs);
}

/* The bytes stand in the catalogue, checked by nobody. */
static void fuzz_stored(uint32_t mode, const uint8_t *value, size_t size)
{
	struct inode folder = inode_of(S_IFDIR | 0755), file = inode_of(S_IFREG | mode);
	struct inode below = inode_of(S_IFDIR | mode);
	ASSERT(xattrs_set_locked(&folder, XATTR_ACL_DEFAULT, value, size) == 0);
	ASSERT(xattrs_set_locked(&folder, XATTR_ACL_ACCESS, value, size) == 0);
	ASSERT(acl_chmod_locked(&folder) == 0);
	ASSERT(acl_inherit(&folder, &file, 022) == 0 && acl_inherit(&folder, &below, 022) == 0);
	ASSERT((file.row.mode & ~(S_IFREG | mode)) == 0 &&
	       (below.row.mode & ~(S_IFDIR | mode)) == 0);
	check_access(&file);
	check_access(&below);
	ASSERT(list_of(&file, XATTR_ACL_DEFAULT) == NULL);
	xattrs_free(&folder.xattrs);
	xattrs_free(&file.xattrs);
	xattrs_free(&below.xattrs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > 65538)
		return 0;
	uint32_t mode = (uint32_t)(data[0] | data[1] << 8) & 07777;
	fuzz_access(mode, data + 2, size - 2);
	fuzz_stored(mode, data + 2, size - 2);
	return 0;
}
