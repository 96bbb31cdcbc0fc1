/* SPDX-License-Identifier: MIT */
/*
 * The catalogue's statements: one row each. The connection says who may run it:
 * the writer's belong to the committer, the reader's are run under
 * catalogue_read_lock() and see the last commit.
 */
#ifndef FS_STORE_CATALOGUE_SQL_H
#define FS_STORE_CATALOGUE_SQL_H

enum catalogue_connection { CATALOGUE_WRITER, CATALOGUE_READER };

/* clang-format off */
/* X(id, connection, SQL) */
#define CATALOGUE_STORE_STATEMENTS(X) \
	X(SQL_META_GET, CATALOGUE_READER, \
	  "SELECT value FROM meta WHERE key=?1") \
	X(SQL_META_SET, CATALOGUE_WRITER, \
	  "INSERT INTO meta(key,value) VALUES(?1,?2) ON CONFLICT(key) DO UPDATE SET value=?2") \
	\
	/* packs */ \
	X(SQL_PACK_GET, CATALOGUE_READER, \
	  "SELECT pack,version,kind,segment,offset,length,slots,raw FROM pack WHERE pack=?1") \
	X(SQL_PACK_NEXT, CATALOGUE_READER, \
	  "SELECT pack,version,kind,segment,offset,length,slots,raw FROM pack WHERE pack>=?1" \
	  " ORDER BY pack LIMIT ?2") \
	X(SQL_PACK_IN_SEGMENT, CATALOGUE_READER, \
	  "SELECT pack,version,kind,segment,offset,length,slots,raw FROM pack WHERE segment=?1" \
	  " ORDER BY offset") \
	X(SQL_PACK_LEFT, CATALOGUE_WRITER, \
	  "SELECT 1 FROM pack WHERE segment=?1 LIMIT 1") \
	X(SQL_PACK_LAST, CATALOGUE_READER, \
	  "SELECT coalesce(max(pack),0) FROM pack") \
	X(SQL_PACK_PUT, CATALOGUE_WRITER, \
	  "INSERT INTO pack(pack,version,kind,segment,offset,length,slots,raw)" \
	  " VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT(pack) DO UPDATE SET version=?2,kind=?3," \
	  "segment=?4,offset=?5,length=?6,slots=?7,raw=?8") \
	X(SQL_PACK_DELETE, CATALOGUE_WRITER, \
	  "DELETE FROM pack WHERE pack=?1") \
	\
	/* segments */ \
	X(SQL_SEGMENT_ALL, CATALOGUE_READER, \
	  "SELECT segment,size,freed,state,tier FROM segment ORDER BY segment") \
	X(SQL_SEGMENT_PUT, CATALOGUE_WRITER, \
	  "INSERT INTO segment(segment,size,freed,state) VALUES(?1,?2,?3,?4)" \
	  " ON CONFLICT(segment) DO UPDATE SET size=?2,freed=?3,state=?4") \
	X(SQL_SEGMENT_DELETE, CATALOGUE_WRITER, \
	  "DELETE FROM segment WHERE segment=?1") \
	\
	/* damage */ \
	X(SQL_DAMAGE_ALL, CATALOGUE_READER, \
	  "SELECT pack,slot,heal_pack,heal_slot,found FROM damage ORDER BY pack,slot") \
	X(SQL_DAMAGE_PUT, CATALOGUE_WRITER, \
	  "INSERT INTO damage(pack,slot,heal_pack,heal_slot,found) VALUES(?1,?2,?3,?4,?5)" \
	  " ON CONFLICT(pack,slot) DO UPDATE SET heal_pack=?3,heal_slot=?4") \
	X(SQL_DAMAGE_DELETE, CATALOGUE_WRITER, \
	  "DELETE FROM damage WHERE pack=?1 AND slot=?2")

/* What the tree runs: inodes, entries, attributes, containers, orphans, jobs. */
#define CATALOGUE_TREE_STATEMENTS(X) \
	X(SQL_INODE_GET, CATALOGUE_READER, \
	  "SELECT generation,mode,links,uid,gid,rdev,size,allocated,atime,mtime,ctime,btime,flags," \
	  "container,parent,map FROM inode WHERE inode=?1") \
	X(SQL_INODE_PUT, CATALOGUE_WRITER, \
	  "INSERT OR REPLACE INTO inode(inode,generation,mode,links,uid,gid,rdev,size,allocated,atime," \
	  "mtime,ctime,btime,flags,container,parent,map)" \
	  " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)") \
	X(SQL_INODE_DELETE, CATALOGUE_WRITER, \
	  "DELETE FROM inode WHERE inode=?1") \
	\
	X(SQL_ENTRY_RANGE, CATALOGUE_READER, \
	  "SELECT hash,name,inode,type FROM entry WHERE parent=?1 AND hash BETWEEN ?2 AND ?3" \
	  " ORDER BY hash LIMIT ?4") \
	X(SQL_ENTRY_PUT, CATALOGUE_WRITER, \
	  "INSERT OR REPLACE INTO entry(parent,hash,name,inode,type) VALUES(?1,?2,?3,?4,?5)") \
	X(SQL_ENTRY_DELETE, CATALOGUE_WRITER, \
	  "DELETE FROM entry WHERE parent=?1 AND hash=?2") \
	\
	X(SQL_XATTR_ALL, CATALOGUE_READER, \
	  "SELECT name,value FROM xattr WHERE inode=?1 ORDER BY name") \
	X(SQL_XATTR_CLEAR, CATALOGUE_WRITER, \
	  "DELETE FROM xattr WHERE inode=?1") \
	X(SQL_XATTR_PUT, CATALOGUE_WRITER, \
	  "INSERT INTO xattr(inode,name,value) VALUES(?1,?2,?3)") \
	\
	X(SQL_ORPHAN_ALL, CATALOGUE_READER, \
	  "SELECT inode FROM orphan ORDER BY inode") \
	X(SQL_ORPHAN_PUT, CATALOGUE_WRITER, \
	  "INSERT OR IGNORE INTO orphan(inode) VALUES(?1)") \
	X(SQL_ORPHAN_DELETE, CATALOGUE_WRITER, \
	  "DELETE FROM orphan WHERE inode=?1") \
	\
	X(SQL_CONTAINER_ALL, CATALOGUE_READER, \
	  "SELECT inode,quota,files,logical,deduplicated,stored FROM container ORDER BY inode") \
	X(SQL_CONTAINER_PUT, CATALOGUE_WRITER, \
	  "INSERT OR REPLACE INTO container(inode,quota,files,logical,deduplicated,stored)" \
	  " VALUES(?1,?2,?3,?4,?5,?6)") \
	X(SQL_CONTAINER_DELETE, CATALOGUE_WRITER, \
	  "DELETE FROM container WHERE inode=?1") \
	\
	X(SQL_JOB_GET, CATALOGUE_READER, \
	  "SELECT state FROM job WHERE name=?1") \
	X(SQL_JOB_PUT, CATALOGUE_WRITER, \
	  "INSERT OR REPLACE INTO job(name,state) VALUES(?1,?2)")
/* clang-format on */

#define CATALOGUE_STATEMENTS(X) CATALOGUE_STORE_STATEMENTS(X) CATALOGUE_TREE_STATEMENTS(X)

#define CATALOGUE_SQL_ID(id, connection, sql) id,
enum catalogue_sql { CATALOGUE_STATEMENTS(CATALOGUE_SQL_ID) CATALOGUE_SQL_COUNT };
#undef CATALOGUE_SQL_ID

#endif
