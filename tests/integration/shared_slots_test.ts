/** Two servers on this host that claim ports and uids in one store, as during an upgrade. */
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "#tests/support/assert.ts";
import { ServeProcess } from "#tests/e2e/support/server.ts";
import { descendantsOf } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { POSTGRES_FILES, PostgresServer } from "#tests/support/postgres_server.ts";
import { REDIS_PROGRAMS, RedisServer } from "#tests/support/redis_server.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";

/** Workers of each server. */
const WORKERS = 50;
/** Enough for two servers, and not for a third: the slots of a killed one are needed. */
const SLOTS = 110;

const PLAIN_APP = fileURLToPath(new URL("../e2e/apps/plain", import.meta.url));

/** A claim as the store's own client shows it. */
interface SeenClaim {
  readonly slot: number;
  readonly serverId: string;
  /** All that the store has of it. */
  readonly text: string;
}

/** The store that the servers share. */
interface Store extends AsyncDisposable {
  /** What a server's environment says of it. */
  readonly env: Record<string, string>;
  /** Lists the claims on this host. */
  claims(kind: "port" | "uid"): Promise<SeenClaim[]>;
}

async function startRedis(): Promise<Store> {
  const server = await RedisServer.start();
  return {
    env: { BLOCKYARD_REDIS_URL: `redis://127.0.0.1:${server.port}` },
    async claims(kind) {
      const keys = (await server.cli("KEYS", `blockyard:{*:${kind}}:claims`)).split("\n");
      assertEquals(keys.length, 1, `keys of one host: ${keys}`);
      const lines = (await server.cli("ZRANGE", keys[0] ?? "", "0", "-1", "WITHSCORES"))
        .split("\n").filter(Boolean);
      return Array.from({ length: lines.length / 2 }, (_, at) => {
        const text = lines[2 * at] ?? "";
        return { slot: Number(lines[2 * at + 1]), serverId: text.split("|")[0] ?? "", text };
      });
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function startPostgres(): Promise<Store> {
  const server = await PostgresServer.start();
  return {
    env: {
      BLOCKYARD_DATABASE_DRIVER: "postgres",
      BLOCKYARD_DATABASE_URL: server.url(),
    },
    async claims(kind) {
      const rows = await server.psql(
        `SELECT slot, server_id, pid, started_at, token FROM blockyard.slots
         WHERE kind = '${kind}' AND server_id IS NOT NULL`,
      );
      return rows.map((text) => {
        const [slot, serverId = ""] = text.split("|");
        return { slot: Number(slot), serverId, text };
      });
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const STORES = { Redis: startRedis, PostgreSQL: startPostgres };
const files = ["/usr/bin/bwrap", "/usr/bin/R", "/usr/bin/perl", "/etc/machine-id"];

for (const [name, startStore] of Object.entries(STORES)) {
  Deno.test(
    `two servers with one ${name} share no slot, and a killed one's come back`,
    needs({ root: true, files: [...files, ...REDIS_PROGRAMS, ...POSTGRES_FILES] }),
    async () => {
      await using store = await startStore();
      await using folderA = await tempFolder();
      await using folderB = await tempFolder();
      const env = { ...sharedRanges(), ...store.env };
      const starts = await Promise.all([start(folderA, env), start(folderB, env)]);
      await using killed = starts[0];
      await using kept = starts[1];
      const [first, other] = await Promise.all([slotsOf(killed), slotsOf(kept)]);
      assertDisjoint(first, other);
      assertEquals(uidsBelow(killed), first.uids);
      assertEquals(uidsBelow(kept), other.uids);
      const before = await claimsOf(store, other);

      killed.kill("SIGKILL");
      await killed.ended();
      await using again = await start(folderA, env);
      const second = await slotsOf(again);
      assertDisjoint(second, other);
      assertEquals(uidsBelow(again), second.uids);
      assertEquals(uidsBelow(kept), other.uids);

      const after = await claimsOf(store, other);
      assertEquals(after.mine, before.mine, "the other's claims are untouched");
      for (const kind of ["port", "uid"] as const) {
        const gone = before.others[kind];
        assert(
          gone.length === 1 && !after.others[kind].includes(gone[0] ?? ""),
          `${kind}s are back`,
        );
        assertEquals(after.others[kind].length, 1);
      }
      const answer = await fetch(`${kept.url}/app/plain/`);
      assertEquals([answer.status, (await answer.text()).startsWith("GET / HTTP/1.1")], [
        200,
        true,
      ]);

      for (const server of [kept, again]) server.kill("SIGTERM");
      for (const server of [kept, again]) assertEquals((await server.ended()).code, 0);
      assertEquals([await store.claims("port"), await store.claims("uid")], [[], []]);
    },
  );
}

/** Slots that no other test has, the same for both servers. */
function sharedRanges(): Record<string, string> {
  const block = Deno.pid % 100;
  const ports = 20_000 + block * SLOTS;
  const uids = 1_950_000_000 + block * SLOTS;
  return {
    BLOCKYARD_PROCESS_PORT_RANGE_START: String(ports),
    BLOCKYARD_PROCESS_PORT_RANGE_END: String(ports + SLOTS - 1),
    BLOCKYARD_PROCESS_WORKER_UID_RANGE_START: String(uids),
    BLOCKYARD_PROCESS_WORKER_UID_RANGE_END: String(uids + SLOTS - 1),
    BLOCKYARD_PROCESS_WORKER_GID: String(uids),
    BLOCKYARD_PROXY_MAX_WORKERS: String(WORKERS + 5),
  };
}

function start(folder: TempFolder, env: Record<string, string>): Promise<ServeProcess> {
  const apps = {
    plain: {
      path: PLAIN_APP,
      cmd: ["perl", "serve.pl", "{host}", "{port}"],
      warm_workers: WORKERS,
      max_workers: WORKERS + 5,
    },
  };
  const executable = Deno.env.get("BLOCKYARD_BIN");
  return ServeProcess.start(folder, {
    apps,
    env,
    ...(executable === undefined
      ? {
        prefix: [Deno.execPath(), "run", "--allow-all"],
        executable: fileURLToPath(new URL("../../main.ts", import.meta.url)),
      }
      : { executable }),
  });
}

interface Slots {
  readonly ports: number[];
  readonly uids: number[];
}

/** Waits until all workers of a server are ready, and tells what the log says that they have. */
async function slotsOf(server: ServeProcess): Promise<Slots> {
  const count = (message: string) => server.records.filter(({ msg }) => msg === message);
  await until(() => count("worker ready").length >= WORKERS, {
    what: () => `${count("worker ready").length} workers are ready, want ${WORKERS}`,
    withinMs: 120_000,
  });
  const started = count("worker started");
  assertEquals(started.length, WORKERS);
  const sorted = (values: unknown[]) => values.map(Number).sort((a, b) => a - b);
  return {
    ports: sorted(started.map(({ port }) => port)),
    uids: sorted(started.map(({ uid }) => uid)),
  };
}

/** The uids that the kernel shows below a server, its own aside. */
function uidsBelow(server: ServeProcess): number[] {
  const uids = descendantsOf(server.pid).flatMap((process) => process.uids);
  return [...new Set(uids)].filter((uid) => uid !== 0).sort((a, b) => a - b);
}

function assertDisjoint(a: Slots, b: Slots): void {
  assertEquals(new Set([...a.uids, ...b.uids]).size, 2 * WORKERS, "no uid in common");
  assertEquals(new Set([...a.ports, ...b.ports]).size, 2 * WORKERS, "no port in common");
}

/**
 * The claims of one server as the store has them, and who has the others, once there are as many as
 * workers: a claim whose answer came too late was repeated, and is given back a moment later.
 */
async function claimsOf(store: Store, { ports, uids }: Slots) {
  let portClaims: SeenClaim[] = [];
  let uidClaims: SeenClaim[] = [];
  await until(async () => {
    [portClaims, uidClaims] = [await store.claims("port"), await store.claims("uid")];
    return portClaims.length === 2 * WORKERS && uidClaims.length === 2 * WORKERS;
  }, {
    what: () =>
      `${portClaims.length} ports and ${uidClaims.length} uids are claimed, want ${2 * WORKERS}`,
    withinMs: 30_000,
    everyMs: 200,
  });
  const isMine = (claims: SeenClaim[], slots: number[]) =>
    claims.filter(({ slot }) => slots.includes(slot)).map(({ text }) => text).sort();
  const othersIn = (claims: SeenClaim[], slots: number[]) => [
    ...new Set(claims.filter(({ slot }) => !slots.includes(slot)).map(({ serverId }) => serverId)),
  ];
  return {
    mine: [isMine(portClaims, ports), isMine(uidClaims, uids)],
    others: { port: othersIn(portClaims, ports), uid: othersIn(uidClaims, uids) },
  };
}
