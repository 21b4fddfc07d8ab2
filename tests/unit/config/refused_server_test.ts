import { assertEquals } from "#tests/support/assert.ts";
import { inSection, problemsOf } from "./load_text.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

/** Each is given without the name of the file: `line:column key: what is wrong`. */
const SERVER: readonly [what: string, lines: string, problems: string[]][] = [
  ["an unknown key that is near a known one", "bnd: x", [
    '2:3 server.bnd: is not a known key, want "bind"',
  ]],
  ["an unknown key that is near none", "wallpaper: x", [
    "2:3 server.wallpaper: is not a known key, want one of bind, data_dir, admin_token_file, default_memory_limit, default_cpu_limit, default_pids_limit, shutdown_timeout, log_level, trusted_proxies",
  ]],
  ["an empty bind", "bind:", ["2:8 server.bind: is empty, want host:port such as 127.0.0.1:8080"]],
  ["a number as bind", "bind: 8080", [
    "2:9 server.bind: 8080 is a number, want host:port such as 127.0.0.1:8080",
  ]],
  ["a bind without a host", "bind: :8080", [
    '2:9 server.bind: cannot listen on ":8080": want host:port with a port from 0 to 65535, such as 127.0.0.1:8080 or [::1]:8080',
  ]],
  ["a bind without a port", "bind: 127.0.0.1", [
    '2:9 server.bind: cannot listen on "127.0.0.1": want host:port with a port from 0 to 65535, such as 127.0.0.1:8080 or [::1]:8080',
  ]],
  ["a port above 65535", "bind: 127.0.0.1:99999", [
    '2:9 server.bind: cannot listen on "127.0.0.1:99999": want host:port with a port from 0 to 65535, such as 127.0.0.1:8080 or [::1]:8080',
  ]],
  ["a bad IPv4 address", "bind: 256.0.0.1:80", [
    '2:9 server.bind: cannot listen on "256.0.0.1:80": want host:port with a port from 0 to 65535, such as 127.0.0.1:8080 or [::1]:8080',
  ]],
  ["a short IPv4 address", "bind: 127.1:80", [
    '2:9 server.bind: cannot listen on "127.1:80": want host:port with a port from 0 to 65535, such as 127.0.0.1:8080 or [::1]:8080',
  ]],
  ["an IPv6 address without brackets", "bind: '::1:8080'", [
    '2:9 server.bind: cannot listen on "::1:8080": want host:port with a port from 0 to 65535, such as 127.0.0.1:8080 or [::1]:8080',
  ]],
  ["a bad IPv6 address", "bind: '[::z]:8080'", [
    '2:9 server.bind: cannot listen on "[::z]:8080": want host:port with a port from 0 to 65535, such as 127.0.0.1:8080 or [::1]:8080',
  ]],
  ["a host name with a bad character", "bind: a_b:80", [
    '2:9 server.bind: cannot listen on "a_b:80": want host:port with a port from 0 to 65535, such as 127.0.0.1:8080 or [::1]:8080',
  ]],
  ["a bind among the ports for workers", "bind: 127.0.0.1:10500", [
    "2:9 server.bind: the server's port 10500 lies in the ports for workers, 10000 to 10999, want it outside of them",
  ]],
  ["a memory limit that is no size", "default_memory_limit: 5Q", [
    '2:25 server.default_memory_limit: cannot read "5Q" as a size: want bytes or a number with k, m or g',
  ]],
  ["a memory limit that nothing runs in", "default_memory_limit: 512k", [
    '2:25 server.default_memory_limit: cannot use "512k": want 16m or more',
  ]],
  ["a negative number of cores", "default_cpu_limit: -1", [
    "2:22 server.default_cpu_limit: cannot use -1: want a number of cores from 0.01 to 8192, or 0 for no limit",
  ]],
  ["fewer cores than the kernel can count", "default_cpu_limit: 0.001", [
    "2:22 server.default_cpu_limit: cannot use 0.001: want a number of cores from 0.01 to 8192, or 0 for no limit",
  ]],
  ["cores that are no number", "default_cpu_limit: two", [
    '2:22 server.default_cpu_limit: "two" is text, want a number of cores from 0.01 to 8192, or 0 for no limit',
  ]],
  ["a relative admin_token_file", "admin_token_file: token", [
    '2:21 server.admin_token_file: cannot use the relative path "token": want an absolute one that starts with "/"',
  ]],
  ["a relative data_dir", "data_dir: var/x", [
    '2:13 server.data_dir: cannot use the relative path "var/x": want an absolute one that starts with "/"',
  ]],
  ["a data_dir with a tilde", "data_dir: ~/x", [
    '2:13 server.data_dir: cannot use the path "~/x": "~" is not expanded here, want the whole path',
  ]],
  ["an empty data_dir", "data_dir: ''", [
    '2:13 server.data_dir: cannot use "" as a path: want a path that is not empty',
  ]],
  ["a data_dir with a NUL byte", 'data_dir: "/a\\0b"', [
    "2:13 server.data_dir: cannot use a text with a NUL byte in it: want one without",
  ]],
  ["no processes at all", "default_pids_limit: 0", [
    "2:23 server.default_pids_limit: 0 is too small, want a whole number from 1 to 4194304",
  ]],
  ["a text as a number", "default_pids_limit: ten", [
    '2:23 server.default_pids_limit: "ten" is text, want a whole number from 1 to 4194304',
  ]],
  ["a fraction as a number", "default_pids_limit: 1.5", [
    "2:23 server.default_pids_limit: 1.5 is not a whole number, want a whole number from 1 to 4194304",
  ]],
  ["a truth value as a number", "default_pids_limit: true", [
    "2:23 server.default_pids_limit: true is a truth value, want a whole number from 1 to 4194304",
  ]],
  ["more processes than Linux has", "default_pids_limit: 99999999", [
    "2:23 server.default_pids_limit: 99999999 is too large, want a whole number from 1 to 4194304",
  ]],
  ["a duration without a unit", "shutdown_timeout: 30", [
    "2:21 server.shutdown_timeout: 30 is a number, want a duration such as 30s",
  ]],
  ["a word as a duration", "shutdown_timeout: soon", [
    '2:21 server.shutdown_timeout: cannot read "soon" as a duration: want a number with ms, s, m or h, such as 30s',
  ]],
  ["a duration that no timer can hold", "shutdown_timeout: 30d", [
    '2:21 server.shutdown_timeout: cannot wait for "30d": want 0ms to 24d',
  ]],
  ["an unknown log level", "log_level: loud", [
    '2:14 server.log_level: "loud" is not known, want one of debug, info, warn, error',
  ]],
  ["a list as log level", "log_level: [info]", [
    "2:14 server.log_level: is a list, want one of debug, info, warn, error",
  ]],
  ["a text as a list of proxies", "trusted_proxies: 10.0.0.0/8", [
    '2:20 server.trusted_proxies: "10.0.0.0/8" is text, want a list of CIDRs such as [10.0.0.0/8]',
  ]],
  ["a proxy without a prefix", "trusted_proxies: [10.0.0.0/8, 10.0.0.1]", [
    '2:33 server.trusted_proxies[1]: cannot use "10.0.0.1" as a range of addresses: want a CIDR such as 10.0.0.0/8, fd00::/8 or, for one address, 192.0.2.7/32',
  ]],
  ["prefixes that are too long", "trusted_proxies: [10.0.0.0/33, '::/129']", [
    '2:21 server.trusted_proxies[0]: cannot use "10.0.0.0/33" as a range of addresses: want a CIDR such as 10.0.0.0/8, fd00::/8 or, for one address, 192.0.2.7/32',
    '2:34 server.trusted_proxies[1]: cannot use "::/129" as a range of addresses: want a CIDR such as 10.0.0.0/8, fd00::/8 or, for one address, 192.0.2.7/32',
  ]],
];
for (const [what, lines, problems] of SERVER) {
  Deno.test(`loadConfig() refuses ${what}`, SANE, () => {
    assertEquals(
      problemsOf(inSection("server", lines)),
      problems.map((problem) => `/etc/c.yaml:${problem}`),
    );
  });
}
