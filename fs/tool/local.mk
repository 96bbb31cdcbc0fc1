# SPDX-License-Identifier: MIT
sbin_PROGRAMS += fs/tool/mount.granary
fs_tool_mount_granary_SOURCES = \
	fs/tool/mount.c \
	fs/tool/mount_options.h fs/tool/mount_options.c \
	fs/tool/tool.h fs/tool/tool.c
fs_tool_mount_granary_LDADD = $(BASE_LIBS)

sbin_PROGRAMS += fs/tool/mkfs.granary
fs_tool_mkfs_granary_SOURCES = fs/tool/mkfs.c fs/tool/tool.h fs/tool/tool.c
fs_tool_mkfs_granary_LDADD = $(TREE_LIBS)

sbin_PROGRAMS += fs/tool/fsck.granary
fs_tool_fsck_granary_SOURCES = \
	fs/tool/check_data.c \
	fs/tool/check_lost.c \
	fs/tool/check_maps.c \
	fs/tool/check_place.c \
	fs/tool/check_segments.c \
	fs/tool/check_tree.c \
	fs/tool/db.c \
	fs/tool/dump.c \
	fs/tool/fsck.h fs/tool/fsck.c \
	fs/tool/packs.h fs/tool/packs.c \
	fs/tool/reader.h fs/tool/reader.c \
	fs/tool/rebuild.c \
	fs/tool/repair.c \
	fs/tool/restore.c \
	fs/tool/scan.h fs/tool/scan.c \
	fs/tool/tool.h fs/tool/tool.c
fs_tool_fsck_granary_LDADD = $(TREE_LIBS)

# Without these links "mount -t granary", fstab and fsck(8) do not find what is in /usr/local.
mount_links = mount.granary mkfs.granary fsck.granary
install-exec-hook:
	@test '$(mountdir)' = no || { $(MKDIR_P) '$(DESTDIR)$(mountdir)' && \
	for name in $(mount_links); do \
		ln -sf '$(sbindir)'/$$name '$(DESTDIR)$(mountdir)' || exit 1; \
	done; } || echo "note: no links in $(mountdir): mount -t granary will not work" >&2
uninstall-hook:
	@test '$(mountdir)' = no || for name in $(mount_links); do \
		if test -h '$(DESTDIR)$(mountdir)'/$$name; then \
			rm -f '$(DESTDIR)$(mountdir)'/$$name; fi; done
