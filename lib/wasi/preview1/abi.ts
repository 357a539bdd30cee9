/**
 * The numbers of WASI preview 1, and THE table of its functions.
 *
 * Source: the witx files of `wasi_snapshot_preview1` (WebAssembly/WASI, legacy/preview1). All structures are little endian.
 */

/** Error numbers, in witx order. */
export const ERRNO_NAMES = [
  "success",
  "2big",
  "acces",
  "addrinuse",
  "addrnotavail",
  "afnosupport",
  "again",
  "already",
  "badf",
  "badmsg",
  "busy",
  "canceled",
  "child",
  "connaborted",
  "connrefused",
  "connreset",
  "deadlk",
  "destaddrreq",
  "dom",
  "dquot",
  "exist",
  "fault",
  "fbig",
  "hostunreach",
  "idrm",
  "ilseq",
  "inprogress",
  "intr",
  "inval",
  "io",
  "isconn",
  "isdir",
  "loop",
  "mfile",
  "mlink",
  "msgsize",
  "multihop",
  "nametoolong",
  "netdown",
  "netreset",
  "netunreach",
  "nfile",
  "nobufs",
  "nodev",
  "noent",
  "noexec",
  "nolck",
  "nolink",
  "nomem",
  "nomsg",
  "noprotoopt",
  "nospc",
  "nosys",
  "notconn",
  "notdir",
  "notempty",
  "notrecoverable",
  "notsock",
  "notsup",
  "notty",
  "nxio",
  "overflow",
  "ownerdead",
  "perm",
  "pipe",
  "proto",
  "protonosupport",
  "prototype",
  "range",
  "rofs",
  "spipe",
  "srch",
  "stale",
  "timedout",
  "txtbsy",
  "xdev",
  "notcapable",
] as const;

/** Error numbers by name. */
export const Errno = Object.fromEntries(ERRNO_NAMES.map((name, number) => [name, number])) as {
  readonly [N in typeof ERRNO_NAMES[number]]: number;
};

/** Linux's numbering (include/uapi/asm-generic/errno*.h) of the same names; what has no row is `io`. */
const LINUX: Partial<Record<typeof ERRNO_NAMES[number], number>> = {
  perm: 1,
  noent: 2,
  srch: 3,
  intr: 4,
  io: 5,
  nxio: 6,
  "2big": 7,
  noexec: 8,
  badf: 9,
  child: 10,
  again: 11,
  nomem: 12,
  acces: 13,
  fault: 14,
  busy: 16,
  exist: 17,
  nodev: 19,
  notdir: 20,
  isdir: 21,
  inval: 22,
  nfile: 23,
  mfile: 24,
  notty: 25,
  txtbsy: 26,
  fbig: 27,
  nospc: 28,
  spipe: 29,
  rofs: 30,
  mlink: 31,
  pipe: 32,
  dom: 33,
  range: 34,
  deadlk: 35,
  nametoolong: 36,
  nolck: 37,
  nosys: 38,
  notempty: 39,
  loop: 40,
  nomsg: 42,
  idrm: 43,
  nolink: 67,
  proto: 71,
  multihop: 72,
  badmsg: 74,
  overflow: 75,
  ilseq: 84,
  notsock: 88,
  destaddrreq: 89,
  msgsize: 90,
  prototype: 91,
  noprotoopt: 92,
  protonosupport: 93,
  notsup: 95,
  afnosupport: 97,
  addrinuse: 98,
  addrnotavail: 99,
  netdown: 100,
  netunreach: 101,
  netreset: 102,
  connaborted: 103,
  connreset: 104,
  nobufs: 105,
  isconn: 106,
  notconn: 107,
  timedout: 110,
  connrefused: 111,
  hostunreach: 113,
  already: 114,
  inprogress: 115,
  stale: 116,
  dquot: 122,
  canceled: 125,
  ownerdead: 130,
  notrecoverable: 131,
};

const FROM_LINUX = new Uint8Array(134).fill(Errno.io);
for (const [name, linux] of Object.entries(LINUX)) FROM_LINUX[linux] = Errno[name as keyof typeof Errno];
// Leaving the tree beneath a preopen is how `openat2` reports an escape.
FROM_LINUX[18] = Errno.perm;

/** The WASI error number of a system call result `-errno`. */
export function errnoOf(result: number): number {
  return -result < FROM_LINUX.length ? FROM_LINUX[-result] : Errno.io;
}

/** File types. */
export const FileType = {
  unknown: 0,
  blockDevice: 1,
  characterDevice: 2,
  directory: 3,
  regularFile: 4,
  socketDgram: 5,
  socketStream: 6,
  symbolicLink: 7,
} as const;

/** File descriptor flags. */
export const FdFlags = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const;
/** Flags of `path_open`. */
export const OFlags = { creat: 1, directory: 2, excl: 4, trunc: 8 } as const;
/** Flags of path look-ups. */
export const LookupFlags = { symlinkFollow: 1 } as const;
/** Flags that say which times to set, and whether to the present. */
export const FstFlags = { atim: 1, atimNow: 2, mtim: 4, mtimNow: 8 } as const;

/** Rights, in the order of their bits in a 64-bit mask. */
export const RIGHT_NAMES = [
  "fd_datasync",
  "fd_read",
  "fd_seek",
  "fd_fdstat_set_flags",
  "fd_sync",
  "fd_tell",
  "fd_write",
  "fd_advise",
  "fd_allocate",
  "path_create_directory",
  "path_create_file",
  "path_link_source",
  "path_link_target",
  "path_open",
  "fd_readdir",
  "path_readlink",
  "path_rename_source",
  "path_rename_target",
  "path_filestat_get",
  "path_filestat_set_size",
  "path_filestat_set_times",
  "fd_filestat_get",
  "fd_filestat_set_size",
  "fd_filestat_set_times",
  "path_symlink",
  "path_remove_directory",
  "path_unlink_file",
  "poll_fd_readwrite",
  "sock_shutdown",
  "sock_accept",
] as const;

/** The name of a right. */
export type RightName = typeof RIGHT_NAMES[number];

/** The mask of each right. */
export const Right = Object.fromEntries(RIGHT_NAMES.map((name, bit) => [name, 1n << BigInt(bit)])) as {
  readonly [N in RightName]: bigint;
};

/** The mask of the named rights. */
export function rights(...names: RightName[]): bigint {
  return names.reduce((mask, name) => mask | Right[name], 0n);
}

/** All rights. */
export const ALL_RIGHTS: bigint = (1n << BigInt(RIGHT_NAMES.length)) - 1n;

/** Rights that mean something for a regular file. */
export const FILE_RIGHTS: bigint = rights(
  "fd_datasync",
  "fd_read",
  "fd_seek",
  "fd_fdstat_set_flags",
  "fd_sync",
  "fd_tell",
  "fd_write",
  "fd_advise",
  "fd_allocate",
  "fd_filestat_get",
  "fd_filestat_set_size",
  "fd_filestat_set_times",
  "poll_fd_readwrite",
);

/** Rights that mean something for a directory. */
export const DIRECTORY_RIGHTS: bigint = rights(
  "fd_fdstat_set_flags",
  "fd_sync",
  "fd_datasync",
  "fd_advise",
  "path_create_directory",
  "path_create_file",
  "path_link_source",
  "path_link_target",
  "path_open",
  "fd_readdir",
  "path_readlink",
  "path_rename_source",
  "path_rename_target",
  "path_filestat_get",
  "path_filestat_set_size",
  "path_filestat_set_times",
  "fd_filestat_get",
  "fd_filestat_set_times",
  "path_symlink",
  "path_remove_directory",
  "path_unlink_file",
);

/** Rights of a stream, beyond the one to read or to write it. No rights on paths: a stream that turns out to be a folder is no grant. */
const STREAM_RIGHTS: bigint = rights("fd_fdstat_set_flags", "fd_filestat_get", "poll_fd_readwrite", "sock_shutdown");
/** Rights of standard input. */
export const INPUT_RIGHTS: bigint = STREAM_RIGHTS | rights("fd_read");
/** Rights of standard output and standard error. */
export const OUTPUT_RIGHTS: bigint = STREAM_RIGHTS | rights("fd_write", "fd_sync", "fd_datasync");
/** Rights of an accepted connection. */
export const SOCKET_RIGHTS: bigint = INPUT_RIGHTS | OUTPUT_RIGHTS;

/** Rights that change something: absent from a read-only grant. */
export const WRITE_RIGHTS: bigint = rights(
  "fd_datasync",
  "fd_sync",
  "fd_write",
  "fd_allocate",
  "path_create_directory",
  "path_create_file",
  "path_link_source",
  "path_link_target",
  "path_rename_source",
  "path_rename_target",
  "path_filestat_set_size",
  "path_filestat_set_times",
  "fd_filestat_set_size",
  "fd_filestat_set_times",
  "path_symlink",
  "path_remove_directory",
  "path_unlink_file",
);

/**
 * The functions: name and parameters (i: i32, l: i64). Each returns an error number, but `proc_exit`, which does not return.
 */
export const WASI_FUNCTIONS = [
  ["args_get", "ii"],
  ["args_sizes_get", "ii"],
  ["environ_get", "ii"],
  ["environ_sizes_get", "ii"],
  ["clock_res_get", "ii"],
  ["clock_time_get", "ili"],
  ["fd_advise", "illi"],
  ["fd_allocate", "ill"],
  ["fd_close", "i"],
  ["fd_datasync", "i"],
  ["fd_fdstat_get", "ii"],
  ["fd_fdstat_set_flags", "ii"],
  ["fd_fdstat_set_rights", "ill"],
  ["fd_filestat_get", "ii"],
  ["fd_filestat_set_size", "il"],
  ["fd_filestat_set_times", "illi"],
  ["fd_pread", "iiili"],
  ["fd_prestat_get", "ii"],
  ["fd_prestat_dir_name", "iii"],
  ["fd_pwrite", "iiili"],
  ["fd_read", "iiii"],
  ["fd_readdir", "iiili"],
  ["fd_renumber", "ii"],
  ["fd_seek", "ilii"],
  ["fd_sync", "i"],
  ["fd_tell", "ii"],
  ["fd_write", "iiii"],
  ["path_create_directory", "iii"],
  ["path_filestat_get", "iiiii"],
  ["path_filestat_set_times", "iiiilli"],
  ["path_link", "iiiiiii"],
  ["path_open", "iiiiillii"],
  ["path_readlink", "iiiiii"],
  ["path_remove_directory", "iii"],
  ["path_rename", "iiiiii"],
  ["path_symlink", "iiiii"],
  ["path_unlink_file", "iii"],
  ["poll_oneoff", "iiii"],
  ["proc_exit", "i"],
  ["proc_raise", "i"],
  ["sched_yield", ""],
  ["random_get", "ii"],
  ["sock_accept", "iii"],
  ["sock_recv", "iiiiii"],
  ["sock_send", "iiiii"],
  ["sock_shutdown", "ii"],
] as const;

/** What differs between the editions of the interface: the numbers of `fd_seek`, and two structures. Offsets and sizes in bytes. */
export interface Layout {
  /** Linux's `whence` by the guest's. */
  readonly whence: readonly number[];
  readonly filestat: {
    readonly bytes: number;
    readonly links: number;
    readonly linksBytes: 4 | 8;
    readonly size: number;
    /** Access time; the times of modification and status change follow it. */
    readonly times: number;
  };
  readonly subscription: {
    readonly bytes: number;
    readonly clock: number;
    readonly timeout: number;
    readonly flags: number;
  };
}

const [SEEK_SET, SEEK_CUR, SEEK_END] = [0, 1, 2];

/** The editions by the module name that guests import them under. */
export const LAYOUTS = {
  wasi_snapshot_preview1: {
    whence: [SEEK_SET, SEEK_CUR, SEEK_END],
    filestat: { bytes: 64, links: 24, linksBytes: 8, size: 32, times: 40 },
    subscription: { bytes: 48, clock: 16, timeout: 24, flags: 40 },
  },
  // Snapshot 0: narrower link counts, another order of `whence`, and clocks with an identifier of their own before the id.
  wasi_unstable: {
    whence: [SEEK_CUR, SEEK_END, SEEK_SET],
    filestat: { bytes: 56, links: 20, linksBytes: 4, size: 24, times: 32 },
    subscription: { bytes: 56, clock: 24, timeout: 32, flags: 48 },
  },
} as const satisfies Record<"wasi_snapshot_preview1" | "wasi_unstable", Layout>;

/** The name of a WASI function. */
export type WasiFunctionName = typeof WASI_FUNCTIONS[number][0];

type Values<P extends string> = P extends `i${infer Rest}` ? [number, ...Values<Rest>]
  : P extends `l${infer Rest}` ? [bigint, ...Values<Rest>]
  : [];

/** The parameter tuple of a WASI function: i32 as number, i64 as bigint. */
export type WasiParams<N extends WasiFunctionName> = Values<
  Extract<typeof WASI_FUNCTIONS[number], readonly [N, string]>[1]
>;

/** A record that implements some of the functions; together the parts must name every one. */
export type WasiImplementation<N extends WasiFunctionName> = { readonly [K in N]: (...args: WasiParams<K>) => number };
