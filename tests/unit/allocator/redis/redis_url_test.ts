import { parseRedisUrl } from "#src/allocator/redis/redis_url.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

for (
  const [url, target] of [
    ["redis://127.0.0.1", {
      place: "127.0.0.1:6379",
      socket: { host: "127.0.0.1", port: 6379, tls: false },
      database: 0,
    }],
    ["rediss://ann:p%40ss%2F@store.example:6390/12", {
      place: "store.example:6390",
      socket: { host: "store.example", port: 6390, tls: true },
      username: "ann",
      password: "p@ss/",
      database: 12,
    }],
    ["redis://:secret@[fd00::1]:7000", {
      place: "[fd00::1]:7000",
      socket: { host: "fd00::1", port: 7000, tls: false },
      password: "secret",
      database: 0,
    }],
    ["redis+unix:///run/redis%20a/redis.sock?db=3", {
      place: "/run/redis a/redis.sock",
      socket: { path: "/run/redis a/redis.sock", tls: false },
      database: 3,
    }],
    ["unix://ann:secret@/run/redis.sock", {
      place: "/run/redis.sock",
      socket: { path: "/run/redis.sock", tls: false },
      username: "ann",
      password: "secret",
      database: 0,
    }],
  ] as const
) {
  Deno.test(`parseRedisUrl() takes ${url} apart`, () => {
    assertEquals<unknown>(parseRedisUrl(url), target);
  });
}

for (
  const url of [
    "",
    "secret",
    "http://secret@host",
    "redis://",
    "redis://user:secret@host/one",
    "redis://user:secret@host:99999",
    "redis://user:secret%@host",
    "unix://",
    "unix:///secret?db=x",
    "redis+unix://secret",
  ]
) {
  Deno.test(`parseRedisUrl() refuses "${url}" and does not repeat it`, () => {
    const error = assertThrows(() => parseRedisUrl(url), RangeError, "cannot use this as the URL");
    assertEquals(error.message.includes("secret"), false);
    assertEquals(error.cause, undefined);
  });
}
