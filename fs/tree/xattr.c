/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes. An inode's are loaded together and written together;
 * INODE_XATTRS in its flags says whether there are any, so that asking an
 * inode without them (the kernel does so at each write) costs nothing.
 *
 * user.granary.* is the filesystem's own: `layout` may be set, the rest tell.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "fs/tree/internal.h"
#include "lib/base/clock.h"

#define XATTR_VALUE_MAX 65536u
#define XATTR_TOTAL_MAX (1u << 20)
#define XATTR_KEEP_MAX  512u /* of a clean inode */
#define XATTR_OWN       "user.granary."

void xattrs_free(struct xattrs **pointer)
{
	struct xattrs *xattrs = TAKE(*pointer);
	if (!xattrs)
		return;
	for (size_t i = 0; i < xattrs->count; i++) {
		free(xattrs->list[i].name);
		free(xattrs->list[i].value);
	}
	free(xattrs->list);
	free(xattrs);
}

static size_t xattrs_size(const struct xattrs *xattrs)
{
	size_t size = 0;
	for (size_t i = 0; xattrs && i < xattrs->count; i++)
		size += strlen(xattrs->list[i].name) + xattrs->list[i].size + sizeof(struct xattr);
	return size;
}

bool xattrs_are_large(const struct xattrs *xattrs)
{
	return xattrs_size(xattrs) > XATTR_KEEP_MAX;
}

void inode_hold_bytes_locked(struct inode *inode)
{
	size_t size = inode->xattrs_dirty ? xattrs_size(inode->xattrs) : 0;
	if (inode->target_dirty)
		size += inode->map_size;
	atomic_fetch_add(&inode->tree->held, size - inode->bytes_held); /* modulo 2^64 */
	inode->bytes_held = size;
}

void inode_hold_target_locked(struct inode *inode)
{
	if (!S_ISLNK(inode->row.mode) || inode->target_dirty)
		return;
	inode->target_dirty = true;
	inode_hold_bytes_locked(inode);
}

int xattrs_load_locked(struct inode *inode)
{
	if (inode->xattrs || !(inode->row.flags & INODE_XATTRS))
		return 0;
	struct xattrs *xattrs = mem_try_zalloc(1, sizeof(*xattrs));
	if (!xattrs)
		return -ENOMEM;
	int error = rows_load_xattrs(inode->tree, inode->row.number, &xattrs);
	if (!error)
		inode->xattrs = xattrs;
	return error;
}

struct xattr *xattrs_find(struct xattrs *xattrs, const char *name)
{
	for (size_t i = 0; xattrs && i < xattrs->count; i++)
		if (strcmp(xattrs->list[i].name, name) == 0)
			return &xattrs->list[i];
	return NULL;
}

static int xattrs_add(struct xattrs *xattrs, const char *name, const void *value, size_t size)
{
	if (mem_reserve(&xattrs->list, &xattrs->capacity, xattrs->count + 1, sizeof(*xattrs->list)))
		return -ENOMEM;
	struct xattr new = {.name = strdup(name), .value = mem_try_alloc(size, 1), .size = size};
	if (!new.name || !new.value) {
		free(new.name);
		free(new.value);
		return -ENOMEM;
	}
	if (size)
		memcpy(new.value, value, size);
	xattrs->list[xattrs->count++] = new;
	return 0;
}

int xattrs_copy(const struct xattrs *from, struct xattrs **to)
{
	struct xattrs *copy = NULL;
	if (from) {
		copy = mem_try_zalloc(1, sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		for (size_t i = 0; i < from->count; i++) {
			const struct xattr *x = &from->list[i];
			if (xattrs_add(copy, x->name, x->value, x->size)) {
				xattrs_free(&copy);
				return -ENOMEM;
			}
		}
	}
	*to = copy;
	return 0;
}

int xattrs_set_locked(struct inode *inode, const char *name, const void *value, size_t size)
{
	int error = xattrs_load_locked(inode);
	if (!error && !inode->xattrs) {
		inode->xattrs = mem_try_zalloc(1, sizeof(*inode->xattrs));
		error = inode->xattrs ? 0 : -ENOMEM;
	}
	if (error)
		return error;
	size_t total = strlen(name) + size;
	for (size_t i = 0; i < inode->xattrs->count; i++)
		total += strlen(inode->xattrs->list[i].name) + inode->xattrs->list[i].size;
	if (total > XATTR_TOTAL_MAX)
		return -ENOSPC;
	struct xattr *old = xattrs_find(inode->xattrs, name);
	if (!old) {
		error = xattrs_add(inode->xattrs, name, value, size);
	} else {
		uint8_t *copy = mem_try_alloc(size, 1);
		if (!copy)
			return -ENOMEM;
		if (size)
			memcpy(copy, value, size);
		free(old->value);
		old->value = copy;
		old->size = size;
	}
	if (!error) {
		inode->row.flags |= INODE_XATTRS;
		inode->xattrs_dirty = true;
		inode_hold_bytes_locked(inode);
	}
	return error;
}

int xattrs_remove_locked(struct inode *inode, const char *name)
{
	int error = xattrs_load_locked(inode);
	if (error)
		return error;
	struct xattr *old = xattrs_find(inode->xattrs, name);
	if (!old)
		return -ENODATA;
	free(old->name);
	free(old->value);
	*old = inode->xattrs->list[--inode->xattrs->count];
	if (inode->xattrs->count == 0)
		inode->row.flags &= ~INODE_XATTRS;
	inode->xattrs_dirty = true;
	inode_hold_bytes_locked(inode);
	return 0;
}

/* ---- the filesystem's own ---- */

static int own_layout(const struct inode *inode, char *text, size_t room)
{
	return snprintf(text, room, "%s", inode->row.flags & INODE_FIXED ? "fixed" : "stream");
}

static int own_allocated(const struct inode *inode, char *text, size_t room)
{
	return snprintf(text, room, "%" PRIu64, inode->row.allocated);
}

static int own_container(const struct inode *inode, char *text, size_t room)
{
	return snprintf(text, room, "%" PRIu64, inode->row.container);
}

static const struct own_xattr {
	const char *name;
	int (*tell)(const struct inode *inode, char *text, size_t room);
} own_xattrs[] = {
	{XATTR_OWN "layout", own_layout},
	{XATTR_OWN "allocated", own_allocated},
	{XATTR_OWN "container", own_container},
};

static bool name_is_own(const char *name)
{
	return strncmp(name, XATTR_OWN, strlen(XATTR_OWN)) == 0;
}

static ssize_t value_copy(const void *from, size_t length, void *value, size_t size)
{
	if (size == 0)
		return (ssize_t)length;
	if (length > size)
		return -ERANGE;
	if (length)
		memcpy(value, from, length);
	return (ssize_t)length;
}

static ssize_t own_get(const struct inode *inode, const char *name, void *value, size_t size)
{
	char text[64];
	for (size_t i = 0; i < sizeof(own_xattrs) / sizeof(own_xattrs[0]); i++)
		if (strcmp(own_xattrs[i].name, name) == 0 && S_ISREG(inode->row.mode))
			return value_copy(text, (size_t)own_xattrs[i].tell(inode, text, sizeof(text)),
					  value, size);
	return -ENODATA;
}

static int own_set_locked(struct inode *inode, const char *name, const void *value, size_t size)
{
	if (strcmp(name, XATTR_OWN "layout") != 0)
		return -EPERM;
	if (!S_ISREG(inode->row.mode))
		return -EINVAL;
	uint32_t flags = inode->row.flags & ~INODE_FIXED;
	if (size == 5 && memcmp(value, "fixed", 5) == 0)
		flags |= INODE_FIXED;
	else if (size != 6 || memcmp(value, "stream", 6) != 0)
		return -EINVAL;
	inode->row.flags = flags | INODE_LAYOUT_SET;
	return 0;
}

/* ---- the calls ---- */

static int name_check_xattr(const char *name)
{
	static const char *const prefixes[] = {"user.", "trusted.", "security."};
	if (strlen(name) > TREE_NAME_MAX)
		return -ERANGE;
	if (strcmp(name, XATTR_ACL_ACCESS) == 0 || strcmp(name, XATTR_ACL_DEFAULT) == 0)
		return 0;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return name[strlen(prefixes[i])] ? 0 : -EINVAL;
	return -EOPNOTSUPP;
}

ssize_t tree_getxattr(struct tree *t, uint64_t number, const char *name, void *value, size_t size)
{
	CLEANUP_INODE struct inode *inode = NULL;
	int error = name_check_xattr(name);
	if (!error)
		error = inode_get(t, number, &inode);
	if (error)
		return error;
	LOCK_SCOPE(&inode->lock);
	if (name_is_own(name))
		return own_get(inode, name, value, size);
	error = xattrs_load_locked(inode);
	if (error)
		return error;
	const struct xattr *xattr = xattrs_find(inode->xattrs, name);
	return xattr ? value_copy(xattr->value, xattr->size, value, size) : -ENODATA;
}

ssize_t tree_listxattr(struct tree *t, uint64_t number, char *list, size_t size)
{
	CLEANUP_INODE struct inode *inode = NULL;
	size_t total = 0;
	int error = inode_get(t, number, &inode);
	if (error)
		return error;
	LOCK_SCOPE(&inode->lock);
	error = xattrs_load_locked(inode);
	for (size_t i = 0; !error && inode->xattrs && i < inode->xattrs->count; i++) {
		size_t length = strlen(inode->xattrs->list[i].name) + 1;
		if (size && total + length > size)
			return -ERANGE;
		if (size)
			memcpy(list + total, inode->xattrs->list[i].name, length);
		total += length;
	}
	return error ? error : (ssize_t)total;
}

static int setxattr_locked(struct inode *inode, const char *name, const void *value, size_t size,
			   int flags)
{
	if (inode->deleted)
		return -ESTALE;
	if (name_is_own(name))
		return own_set_locked(inode, name, value, size);
	int error = xattrs_load_locked(inode);
	if (error)
		return error;
	bool there = xattrs_find(inode->xattrs, name) != NULL;
	if (there && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!there && (flags & XATTR_REPLACE))
		return -ENODATA;
	if (strncmp(name, "system.", 7) == 0)
		return acl_set_locked(inode, name, value, size);
	return xattrs_set_locked(inode, name, value, size);
}

/* One changing call on an inode's attributes; value NULL removes. */
static int xattr_change(struct tree *t, uint64_t number, const char *name, const void *value,
			size_t size, int flags)
{
	CLEANUP_INODE struct inode *inode = NULL;
	int error = name_check_xattr(name);
	if (!error)
		error = inode_get(t, number, &inode);
	if (!error)
		error = value ? change_begin(t) : change_begin_freeing(t);
	if (error)
		return error;
	pthread_mutex_lock(&inode->lock);
	if (value)
		error = setxattr_locked(inode, name, value, size, flags);
	else
		error = name_is_own(name) ? -EPERM : xattrs_remove_locked(inode, name);
	if (!error)
		inode->row.ctime = clock_real_ns();
	pthread_mutex_unlock(&inode->lock);
	if (!error)
		inode_mark(inode);
	change_end(t);
	return error;
}

int tree_setxattr(struct tree *t, uint64_t number, const char *name, const void *value, size_t size,
		  int flags)
{
	if (size > XATTR_VALUE_MAX)
		return -E2BIG;
	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	return xattr_change(t, number, name, size ? value : "", size, flags);
}

int tree_removexattr(struct tree *t, uint64_t number, const char *name)
{
	return xattr_change(t, number, name, NULL, 0, 0);
}
