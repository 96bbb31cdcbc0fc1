/* SPDX-License-Identifier: MIT */
/*
 * POSIX access control lists (POSIX.1e draft 17, acl(5)) in the kernel's xattr
 * form: version u32, then tag u16, permissions u16, id u32 an entry. The kernel
 * decides on access; here lists are checked, kept in step with the mode, and
 * handed down from a directory's default list to what is made in it.
 */
#include <errno.h>
#include <string.h>

#include "fs/tree/internal.h"
#include "lib/base/wire.h"

#define ACL_VERSION     2u
#define ACL_ENTRIES_MAX 1024u
#define ACL_ENTRY_SIZE  8u

enum acl_tag {
	ACL_USER_OBJ = 1, ACL_USER = 2, ACL_GROUP_OBJ = 4, ACL_GROUP = 8, ACL_MASK = 16, ACL_OTHER = 32,
};

struct acl_entry {
	uint16_t tag, permissions;
	uint32_t id;
};

struct acl {
	size_t count;
	struct acl_entry entries[ACL_ENTRIES_MAX];
};

#define CLEANUP_ACL CLEANUP_FREE struct acl *

static struct acl_entry *acl_find(struct acl *acl, enum acl_tag tag)
{
	for (size_t i = 0; i < acl->count; i++)
		if (acl->entries[i].tag == tag)
			return &acl->entries[i];
	return NULL;
}

/* Each of the three owners' entries once, named ones without repetition and only with a mask. */
static bool acl_is_valid(struct acl *acl)
{
	unsigned seen = 0, named = 0;
	for (size_t i = 0; i < acl->count; i++) {
		const struct acl_entry *e = &acl->entries[i];
		if (e->permissions & ~7u)
			return false;
		if (e->tag == ACL_USER || e->tag == ACL_GROUP) {
			named++;
			for (size_t j = 0; j < i; j++)
				if (acl->entries[j].tag == e->tag && acl->entries[j].id == e->id)
					return false;
			continue;
		}
		bool known = e->tag == ACL_USER_OBJ || e->tag == ACL_GROUP_OBJ ||
			     e->tag == ACL_MASK || e->tag == ACL_OTHER;
		if (!known || (seen & e->tag))
			return false;
		seen |= e->tag;
	}
	unsigned needed = ACL_USER_OBJ | ACL_GROUP_OBJ | ACL_OTHER;
	return (seen & needed) == needed && (!named || (seen & ACL_MASK));
}

static int acl_parse(const void *value, size_t size, struct acl **result)
{
	struct wire w;
	wire_reader(&w, value, size);
	uint32_t version = wire_get_u32(&w);
	if (w.error || version != ACL_VERSION || wire_left(&w) % ACL_ENTRY_SIZE)
		return -EINVAL;
	size_t count = wire_left(&w) / ACL_ENTRY_SIZE;
	if (count > ACL_ENTRIES_MAX)
		return -EINVAL;
	CLEANUP_ACL acl = mem_try_zalloc(1, sizeof(*acl));
	if (!acl)
		return -ENOMEM;
	acl->count = count;
	for (size_t i = 0; i < count; i++) {
		acl->entries[i].tag = wire_get_u16(&w);
		acl->entries[i].permissions = wire_get_u16(&w);
		acl->entries[i].id = wire_get_u32(&w);
	}
	if (w.error || (count && !acl_is_valid(acl)))
		return -EINVAL;
	*result = TAKE(acl);
	return 0;
}

static int acl_store_locked(struct inode *inode, const char *name, const struct acl *acl)
{
	uint8_t bytes[4 + ACL_ENTRIES_MAX * ACL_ENTRY_SIZE];
	struct wire w;
	wire_writer(&w, bytes, sizeof(bytes));
	wire_put_u32(&w, ACL_VERSION);
	for (size_t i = 0; i < acl->count; i++) {
		wire_put_u16(&w, acl->entries[i].tag);
		wire_put_u16(&w, acl->entries[i].permissions);
		wire_put_u32(&w, acl->entries[i].id);
	}
	ASSERT(w.error == 0);
	return xattrs_set_locked(inode, name, bytes, w.position);
}

/* The entry that stands for the group bits of the mode. */
static struct acl_entry *acl_group_class(struct acl *acl)
{
	struct acl_entry *mask = acl_find(acl, ACL_MASK);
	return mask ? mask : acl_find(acl, ACL_GROUP_OBJ);
}

static uint32_t acl_mode(struct acl *acl)
{
	return (uint32_t)acl_find(acl, ACL_USER_OBJ)->permissions << 6 |
	       (uint32_t)acl_group_class(acl)->permissions << 3 |
	       acl_find(acl, ACL_OTHER)->permissions;
}

static int acl_drop_locked(struct inode *inode, const char *name)
{
	int error = xattrs_remove_locked(inode, name);
	return error == -ENODATA ? 0 : error;
}

int acl_set_locked(struct inode *inode, const char *name, const void *value, size_t size)
{
	CLEANUP_ACL acl = NULL;
	bool access = strcmp(name, XATTR_ACL_ACCESS) == 0;
	if (S_ISLNK(inode->row.mode))
		return -EOPNOTSUPP;
	if (!access && !S_ISDIR(inode->row.mode))
		return -EACCES;
	int error = acl_parse(value, size, &acl);
	if (error)
		return error;
	if (acl->count == 0)
		return acl_drop_locked(inode, name);
	if (!access)
		return acl_store_locked(inode, name, acl);
	/* Three entries are the mode itself. */
	error = acl->count == 3 ? acl_drop_locked(inode, name) : acl_store_locked(inode, name, acl);
	if (!error)
		inode->row.mode = (inode->row.mode & ~0777u) | acl_mode(acl);
	return error;
}

static int acl_load_locked(struct inode *inode, const char *name, struct acl **acl)
{
	int error = xattrs_load_locked(inode);
	if (error)
		return error;
	const struct xattr *xattr = xattrs_find(inode->xattrs, name);
	if (!xattr)
		return -ENODATA;
	error = acl_parse(xattr->value, xattr->size, acl);
	/* What stands in the catalogue and is no list is taken for none. */
	if (error == -EINVAL || (!error && (*acl)->count == 0))
		error = -ENODATA;
	return error;
}

int acl_chmod_locked(struct inode *inode)
{
	CLEANUP_ACL acl = NULL;
	uint32_t mode = inode->row.mode;
	int error = acl_load_locked(inode, XATTR_ACL_ACCESS, &acl);
	if (error)
		return error == -ENODATA ? 0 : error;
	acl_find(acl, ACL_USER_OBJ)->permissions = mode >> 6 & 7;
	acl_group_class(acl)->permissions = mode >> 3 & 7;
	acl_find(acl, ACL_OTHER)->permissions = mode & 7;
	return acl_store_locked(inode, XATTR_ACL_ACCESS, acl);
}

/* The default list becomes the child's access list; it and the mode asked for limit each other. */
static int acl_apply_default(struct inode *child, struct acl *acl)
{
	uint32_t asked = child->row.mode;
	acl_find(acl, ACL_USER_OBJ)->permissions &= asked >> 6 & 7;
	acl_group_class(acl)->permissions &= asked >> 3 & 7;
	acl_find(acl, ACL_OTHER)->permissions &= asked & 7;
	child->row.mode = (asked & ~0777u) | acl_mode(acl);
	return acl->count == 3 ? 0 : acl_store_locked(child, XATTR_ACL_ACCESS, acl);
}

int acl_inherit(struct inode *directory, struct inode *child, mode_t umask)
{
	CLEANUP_ACL acl = NULL;
	if (S_ISLNK(child->row.mode))
		return 0;
	pthread_mutex_lock(&directory->lock);
	int error = acl_load_locked(directory, XATTR_ACL_DEFAULT, &acl);
	pthread_mutex_unlock(&directory->lock);
	LOCK_SCOPE(&child->lock);
	if (error == -ENODATA) {
		child->row.mode &= ~(umask & 0777u);
		return 0;
	}
	if (!error && S_ISDIR(child->row.mode))
		error = acl_store_locked(child, XATTR_ACL_DEFAULT, acl);
	return error ? error : acl_apply_default(child, acl);
}
