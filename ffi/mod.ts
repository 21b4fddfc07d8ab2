/**
 * libc through Deno's FFI: what a launcher and a supervisor need, checked and typed. Knows nothing
 * of blockyard. Nothing is opened at import.
 *
 * @module
 */
export * from "./constants.ts";
export * from "./credentials.ts";
export * from "./cstring.ts";
export * from "./errno.ts";
export * from "./fds.ts";
export * from "./functions.ts";
export * from "./keyring.ts";
export * from "./landlock.ts";
export * from "./libc.ts";
export * from "./memory.ts";
export * from "./path_fd.ts";
export * from "./pidfd.ts";
export * from "./process.ts";
export * from "./socket.ts";
export { LIBC_SYMBOLS } from "./symbols.ts";
export * from "./unix_peer.ts";
export * from "./user_processes.ts";
export * from "./xattr.ts";
