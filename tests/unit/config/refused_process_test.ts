import { assertEquals } from "#tests/support/assert.ts";
import { inSection, problemsOf } from "./load_text.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

/** Each is given without the name of the file: `line:column key: what is wrong`. */
const PROCESS: readonly [what: string, lines: string, problems: string[]][] = [
  ["a relative bwrap_path", "bwrap_path: ./bwrap", [
    '2:15 process.bwrap_path: cannot use the relative path "./bwrap": want an absolute one that starts with "/"',
  ]],
  ["an empty r_path", "r_path: ''", [
    '2:11 process.r_path: cannot use "" as a path: want a path that is not empty',
  ]],
  ["a relative rig_base", "rig_base: opt/R", [
    '2:13 process.rig_base: cannot use the relative path "opt/R": want an absolute one that starts with "/"',
  ]],
  ["a privileged port", "port_range_start: 80", [
    "2:21 process.port_range_start: 80 is too small, want a whole number from 1024 to 65535",
  ]],
  ["a port above 65535", "port_range_end: 70000", [
    "2:19 process.port_range_end: 70000 is too large, want a whole number from 1024 to 65535",
  ]],
  ["a first port above the default last one", "port_range_start: 20000", [
    "2:21 process.port_range_start: the range 20000 to 10999 is empty, want its start at or below its end",
  ]],
  ["a port range that starts after its end", "port_range_start: 20000\nport_range_end: 19000", [
    "3:19 process.port_range_end: the range 20000 to 19000 is empty, want its start at or below its end",
  ]],
  ["fewer ports than workers", "port_range_start: 20000\nport_range_end: 20010", [
    "3:19 process.port_range_end: the range 20000 to 20010 has 11 ports, want at least proxy.max_workers, 100",
  ]],
  ["a relative seccomp_profile", "seccomp_profile: filters/strict.bpf", [
    '2:20 process.seccomp_profile: cannot use "filters/strict.bpf": want default, none, or the absolute path of a compiled filter',
  ]],
  ["an empty seccomp_profile", 'seccomp_profile: ""', [
    '2:20 process.seccomp_profile: cannot use "": want default, none, or the absolute path of a compiled filter',
  ]],
  ["root as a worker", "worker_uid_range_start: 0", [
    "2:27 process.worker_uid_range_start: 0 is too small, want a whole number from 1000 to 4294967294",
  ]],
  ["a system uid as a worker", "worker_uid_range_start: 999", [
    "2:27 process.worker_uid_range_start: 999 is too small, want a whole number from 1000 to 4294967294",
  ]],
  ["nobody as a worker", "worker_uid_range_start: 60000\nworker_uid_range_end: 70000", [
    "2:27 process.worker_uid_range_start: the range 60000 to 70000 holds the special ids 65534 and 65535, want a range without them",
  ]],
  ["a uid that means no change", "worker_uid_range_end: 4294967295", [
    "2:25 process.worker_uid_range_end: 4294967295 is too large, want a whole number from 1000 to 4294967294",
  ]],
  [
    "a uid range that starts after its end",
    "worker_uid_range_start: 2000\nworker_uid_range_end: 1999",
    ["3:25 process.worker_uid_range_end: the range 2000 to 1999 is empty, want its start at or below its end"],
  ],
  ["fewer uids than workers", "worker_uid_range_start: 2000\nworker_uid_range_end: 2001", [
    "3:25 process.worker_uid_range_end: the range 2000 to 2001 has 2 uids, want at least proxy.max_workers, 100",
  ]],
  ["too many uids", "worker_uid_range_start: 1000000\nworker_uid_range_end: 2000000", [
    "3:25 process.worker_uid_range_end: the range 1000000 to 2000000 has 1000001 uids, want 100000 at most",
  ]],
  ["the group of root", "worker_gid: 0", [
    "2:15 process.worker_gid: 0 is too small, want a whole number from 1 to 4294967294",
  ]],
  ["the group of nobody", "worker_gid: 65534", [
    "2:15 process.worker_gid: 65534 is a special id, want the gid of a group that nobody else uses",
  ]],
  ["a negative number of launchers", "standby_launchers: -1", [
    "2:22 process.standby_launchers: -1 is too small, want a whole number from 0 to 64",
  ]],
  ["a skip that is neither yes nor no", "skip_metadata_check: maybe", [
    '2:24 process.skip_metadata_check: "maybe" is text, want true or false',
  ]],
];
const PROXY: readonly [what: string, lines: string, problems: string[]][] = [
  ["a session that ends at once", "session_idle_ttl: 50ms", [
    '2:21 proxy.session_idle_ttl: cannot wait for "50ms": want 100ms to 24d',
  ]],
  ["health checks without a pause", "health_interval: 0s", [
    '2:20 proxy.health_interval: cannot wait for "0s": want 100ms to 24d',
  ]],
  ["a worker that may not take any time", "worker_start_timeout: 0s", [
    '2:25 proxy.worker_start_timeout: cannot wait for "0s": want 100ms to 24d',
  ]],
  ["a worker that is never used", "idle_worker_timeout: 1ms", [
    '2:24 proxy.idle_worker_timeout: cannot wait for "1ms": want 100ms to 24d',
  ]],
  ["no workers at all", "max_workers: 0", [
    "2:16 proxy.max_workers: 0 is too small, want a whole number from 1 to 10000",
  ]],
  ["more workers than slots", "max_workers: 2000", [
    "2:16 proxy.max_workers: the range 10000 to 10999 has 1000 ports, want at least proxy.max_workers, 2000",
    "2:16 proxy.max_workers: the range 1900000000 to 1900000999 has 1000 uids, want at least proxy.max_workers, 2000",
  ]],
];
for (const [what, lines, problems] of PROCESS) {
  Deno.test(`loadConfig() refuses ${what}`, SANE, () => {
    assertEquals(
      problemsOf(inSection("process", lines)),
      problems.map((problem) => `/etc/c.yaml:${problem}`),
    );
  });
}
for (const [what, lines, problems] of PROXY) {
  Deno.test(`loadConfig() refuses ${what}`, SANE, () => {
    assertEquals(
      problemsOf(inSection("proxy", lines)),
      problems.map((problem) => `/etc/c.yaml:${problem}`),
    );
  });
}
