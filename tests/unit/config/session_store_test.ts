import { assertEquals, assertNotMatch } from "#tests/support/assert.ts";
import { load, problemsOf } from "./load_text.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

const REDIS = "redis: {url: 'redis://127.0.0.1:6379'}\n";
const DATABASE = "database: {driver: postgres, url: 'postgresql://by@127.0.0.1/by'}\n";
const wanting = (store: string) => `proxy: {session_store: ${store}}\n`;

const redis = { url: "redis://127.0.0.1:6379", keyPrefix: "blockyard:" };
const database = { url: "postgresql://by@127.0.0.1/by" };

const CHOICES = [
  ["auto", "", { kind: "memory" }],
  ["auto", REDIS, { kind: "redis", redis }],
  ["auto", DATABASE, { kind: "postgres", database }],
  ["auto", REDIS + DATABASE, { kind: "layered", redis, database }],
  ["memory", REDIS + DATABASE, { kind: "memory" }],
  ["redis", REDIS + DATABASE, { kind: "redis", redis }],
  ["postgres", REDIS + DATABASE, { kind: "postgres", database }],
  ["layered", REDIS + DATABASE, { kind: "layered", redis, database }],
] as const;
for (const [wanted, stores, store] of CHOICES) {
  const there = [stores.includes("redis:") && "Redis", stores.includes("database:") && "PostgreSQL"]
    .filter(Boolean).join(" and ") || "nothing";
  Deno.test(`session_store ${wanted} with ${there} configured is ${store.kind}`, SANE, () => {
    assertEquals(load(stores + wanting(wanted)).store, store);
    if (wanted === "auto") assertEquals(load(stores).store, store);
  });
}

const MISSING: readonly [text: string, problems: string[]][] = [
  [wanting("redis"), [
    "1:24 proxy.session_store: redis needs redis.url, want a URL such as redis://127.0.0.1:6379 there",
  ]],
  [wanting("redis") + DATABASE, [
    "1:24 proxy.session_store: redis needs redis.url, want a URL such as redis://127.0.0.1:6379 there",
  ]],
  [wanting("postgres") + REDIS, [
    '1:24 proxy.session_store: postgres needs database.url, want a URL such as postgresql://blockyard@127.0.0.1/blockyard with "driver: postgres" beside it there',
  ]],
  [wanting("layered"), [
    '1:24 proxy.session_store: layered needs redis.url and database.url, want a URL such as redis://127.0.0.1:6379 and a URL such as postgresql://blockyard@127.0.0.1/blockyard with "driver: postgres" beside it there',
  ]],
  [wanting("layered") + DATABASE, [
    "1:24 proxy.session_store: layered needs redis.url, want a URL such as redis://127.0.0.1:6379 there",
  ]],
  [wanting("postgres") + "database: {driver: postgres}", [
    "2:20 database.driver: postgres needs database.url, want a URL such as postgresql://blockyard@127.0.0.1/blockyard there",
  ]],
  ["database: {url: 'postgresql://by@h/by'}", [
    '1:17 database.url: a URL alone says not what answers there, want "driver: postgres" beside it',
  ]],
  [wanting("redis") + "redis: {url: 'tcp://h'}", [
    "2:14 redis.url: cannot use this as the URL of Redis: its scheme is none of redis, rediss, redis+unix and unix, want a URL such as redis://127.0.0.1:6379",
  ]],
  [wanting("mysql"), [
    '1:24 proxy.session_store: "mysql" is not known, want one of auto, memory, redis, postgres, layered',
  ]],
  ["database: {driver: sqlite}", [
    '1:20 database.driver: "sqlite" is not known, want one of postgres',
  ]],
];
for (const [text, problems] of MISSING) {
  Deno.test(`loadConfig() says what is missing of ${JSON.stringify(text)}`, SANE, () => {
    assertEquals(problemsOf(text), problems.map((problem) => `/etc/c.yaml:${problem}`));
  });
}

const URLS = {
  redis: [
    "redis://localhost",
    "redis://:secret@10.0.0.1:7000/15",
    "redis://user:p%40ss@[::1]:6379",
    "rediss://cache.example.org:6380/",
    "redis+unix:///run/redis/redis.sock",
    "unix:///run/redis.sock?db=3",
    "unix://user:secret@/run/redis.sock",
  ],
  database: [
    "postgres://localhost/by",
    "postgresql://user:p%40ss@[::1]:5433/by?sslmode=require",
    "postgresql:///by?host=/var/run/postgresql",
    "postgresql://user:secret@/by?host=/var/run/postgresql&port=5433",
  ],
} as const;
for (const [section, urls] of Object.entries(URLS)) {
  const driver = section === "database" ? "driver: postgres, " : "";
  for (const url of urls) {
    Deno.test(`loadConfig() takes ${url} as ${section}.url`, SANE, () => {
      const { store } = load(`${section}: {${driver}url: "${url}"}`);
      assertEquals(Object.values(store).map((part) => part.url ?? ""), ["", url]);
    });
  }
}

const BAD_URLS: readonly [section: "redis" | "database", url: string, problem: string][] = [
  ["redis", "s3cret", "its scheme is none of redis, rediss, redis+unix and unix"],
  ["redis", "http://:s3cret@h", "its scheme is none of redis, rediss, redis+unix and unix"],
  ["redis", "redis:s3cret", "its scheme is none of redis, rediss, redis+unix and unix"],
  ["redis", "redis://:s3cret@h:port", "its parts cannot be told apart"],
  ["redis", "redis://:s3cret@h:99999", "its parts cannot be told apart"],
  ["redis", "redis:///s3cret", "it names no host"],
  ["redis", "redis://:s3cret@", "it names no host"],
  ["redis", "redis://:s3cret@h/name", "its database is no number"],
  ["redis", "redis://:s3cret@h/0?x=1", "something follows the database"],
  ["redis", "redis+unix://s3cret", "it names no absolute path of a socket after the three slashes"],
  ["redis", "unix:///s3cret?db=x", "its database is no number"],
  ["database", "s3cret", "its scheme is neither postgresql nor postgres"],
  ["database", "mysql://a:s3cret@h/d", "its scheme is neither postgresql nor postgres"],
  ["database", "postgres://a:s3cret@h:port/d", "its parts cannot be told apart"],
  ["database", "postgres://a:s3cret@/d", "it names no host"],
  ["database", "postgres://a:s3cret@h", "it names no database after the host"],
  ["database", "postgres://a:s3cret@h/", "it names no database after the host"],
];
for (const [section, url, problem] of BAD_URLS) {
  const [driver, store, form] = section === "redis"
    ? ["", "Redis", "redis://127.0.0.1:6379"]
    : ["driver: postgres, ", "PostgreSQL", "postgresql://blockyard@127.0.0.1/blockyard"];
  Deno.test(`loadConfig() refuses ${url} as ${section}.url without repeating it`, SANE, () => {
    const message = problemsOf(`${section}: {${driver}url: "${url}"}`).join("\n");
    assertNotMatch(message, /s3cret/);
    assertEquals(
      message.replace(/^[^ ]* /, ""),
      `${section}.url: cannot use this as the URL of ${store}: ${problem}, want a URL such as ${form}`,
    );
  });
}

for (const section of ["redis", "database"]) {
  for (const value of ['"x://:s3cret@h"', '{url: ["x://:s3cret@h"]}', "{url: {s3cret: 1}}"]) {
    Deno.test(`loadConfig() refuses ${section}: ${value} without repeating it`, SANE, () => {
      assertNotMatch(problemsOf(`${section}: ${value}`).join("\n"), /s3cret/);
    });
  }
}

Deno.test("loadConfig() refuses a % that encodes nothing, and says how to write one", SANE, () => {
  assertEquals(problemsOf("redis: {url: 'redis://:s3%cret@h'}"), [
    "/etc/c.yaml:1:14 redis.url: cannot use this as the URL of Redis: a % in it is not followed by two hexadecimal digits, want %25 for a plain one, want a URL such as redis://127.0.0.1:6379",
  ]);
});

for (const [prefix, shown] of [["a{b}", '"a{b}"'], ["a b", '"a b"'], ["é", '"é"']]) {
  Deno.test(`loadConfig() refuses ${shown} as redis.key_prefix`, SANE, () => {
    assertEquals(problemsOf(`redis: {key_prefix: "${prefix}"}`), [
      `/etc/c.yaml:1:21 redis.key_prefix: cannot use ${shown} before the names of keys: want up to 64 letters, digits and signs without spaces and braces`,
    ]);
  });
}

Deno.test("loadConfig() refuses a redis.key_prefix that is too long, and cuts it", SANE, () => {
  const [problem = ""] = problemsOf(`redis: {key_prefix: "${"a".repeat(5000)}"}`);
  assertEquals(problem.length < 300, true, problem);
});
