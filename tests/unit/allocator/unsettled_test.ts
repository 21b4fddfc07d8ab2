import { ConflictError, StoreUnavailableError } from "#src/core/mod.ts";
import { type ClaimStore, type StoredClaim, UnsettledClaims } from "#src/allocator/unsettled.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { FakeClock, settle } from "#tests/support/fake_clock.ts";
import { RecordingLogger } from "#tests/support/recording_logger.ts";

/** Longer than any pause before the next try, in milliseconds. */
const LONGEST_PAUSE_MS = 5000;

Deno.test({
  name: "UnsettledClaims refuses to release what is not held",
  async fn() {
    const { claims, store } = setUp();
    const slot = await claims.claim((token) => store.claim(token));
    assertEquals(slot, 1);
    await claims.release(1);
    const error = await assertRejects(() => claims.release(1), ConflictError);
    assertEquals(error.message, "cannot release uid 1: want one that this server holds");
    assertEquals(store.slots.size, 0);
  },
  sanitizeOps: true,
  sanitizeResources: true,
});

Deno.test({
  name: "UnsettledClaims says so when the store has given a held slot to somebody else",
  async fn() {
    const { claims, store } = setUp();
    await claims.claim((token) => store.claim(token));
    store.slots.set(1, "theirs");
    await assertRejects(() => claims.release(1), ConflictError);
    assertEquals(store.slots.get(1), "theirs");
  },
  sanitizeOps: true,
  sanitizeResources: true,
});

Deno.test({
  name: "UnsettledClaims gives back a claim whose answer was lost, as soon as the store answers",
  async fn() {
    const { claims, store, clock, log } = setUp();
    await claims.claim((token) => store.claim(token));
    await assertRejects(
      () => claims.claim((token) => store.claimAndBreak(token)),
      StoreUnavailableError,
    );
    store.isAway = true;
    await clock.advance(60_000);
    assertEquals([...store.slots.keys()], [1, 2]);
    store.isAway = false;
    await clock.advance(LONGEST_PAUSE_MS);
    assertEquals([...store.slots.keys()], [1]);
    assertEquals(
      log.at("info").map(({ message, fields }) => [message, fields["slots"]]),
      [["claims whose answers were lost were given back", [2]]],
    );
    await claims.close({ deadlineMs: 1 });
    assertEquals(clock.sleepers, 0);
  },
  sanitizeOps: true,
  sanitizeResources: true,
});

for (const afterMs of [4000, 100_000]) {
  Deno.test({
    name:
      `UnsettledClaims gives back a claim that reaches the store ${afterMs} ms after its outage`,
    async fn() {
      const { claims, store, clock } = setUp();
      let late = "";
      store.isAway = true;
      await assertRejects(() =>
        claims.claim((token) => {
          late = token;
          return Promise.reject(new StoreUnavailableError("away"));
        }), StoreUnavailableError);
      await clock.advance(30_000);
      store.isAway = false;
      await clock.advance(LONGEST_PAUSE_MS + afterMs);
      store.slots.set(7, late);
      await clock.advance(130_000);
      assertEquals(store.slots.size, 0);
      assertEquals(clock.sleepers, 0);
    },
    sanitizeOps: true,
    sanitizeResources: true,
  });
}

Deno.test({
  name: "UnsettledClaims keeps what is held, in flight, or of another allocator of the server",
  async fn() {
    const { claims, store, clock } = setUp();
    await claims.claim((token) => store.claim(token));
    store.slots.set(50, "another.1");
    const reply = Promise.withResolvers<number>();
    const claiming = claims.claim(async (token) => {
      await store.claim(token);
      return reply.promise;
    });
    claims.check();
    await clock.advance(130_000);
    assertEquals([...store.slots.keys()].sort(), [1, 2, 50]);
    reply.resolve(2);
    assertEquals(await claiming, 2);
    await claims.release(2);
    assertEquals([...store.slots.keys()].sort(), [1, 50]);
  },
  sanitizeOps: true,
  sanitizeResources: true,
});

Deno.test({
  name: "UnsettledClaims repeats a release until the store has taken it",
  async fn() {
    const { claims, store, clock, log } = setUp();
    await claims.claim((token) => store.claim(token));
    store.isAway = true;
    await claims.release(1);
    await assertRejects(() => claims.release(1), ConflictError);
    await clock.advance(3_600_000);
    assertEquals(store.slots.size, 1);
    assertEquals(log.at("warn").length, 1);
    const tries = store.releases;
    await clock.advance(LONGEST_PAUSE_MS);
    assertEquals(store.releases - tries >= 1, true, "tries at least every 5 s");
    store.isAway = false;
    await clock.advance(LONGEST_PAUSE_MS);
    assertEquals(store.slots.size, 0);
    assertEquals(clock.sleepers, 0);
  },
  sanitizeOps: true,
  sanitizeResources: true,
});

Deno.test({
  name: "UnsettledClaims leaves the next claim of a slot alone when a release is repeated",
  async fn() {
    const { claims, store, clock } = setUp();
    await claims.claim((token) => store.claim(token));
    store.breaksAfterRelease = true;
    await claims.release(1);
    assertEquals(store.slots.size, 0);
    store.breaksAfterRelease = false;
    assertEquals(await claims.claim((token) => store.claim(token)), 1);
    await clock.advance(LONGEST_PAUSE_MS);
    assertEquals(store.slots.size, 1);
    await claims.release(1);
  },
  sanitizeOps: true,
  sanitizeResources: true,
});

Deno.test({
  name: "UnsettledClaims does not wait when the store is back",
  async fn() {
    const { claims, store, clock } = setUp();
    await claims.claim((token) => store.claim(token));
    store.isAway = true;
    await claims.release(1);
    await clock.advance(60_000);
    store.isAway = false;
    claims.storeIsBack();
    await settle();
    assertEquals(store.slots.size, 0);
    await claims.close({ deadlineMs: 1 });
  },
  sanitizeOps: true,
  sanitizeResources: true,
});

Deno.test({
  name: "UnsettledClaims claims again what the store has forgotten, and says what it cannot have",
  async fn() {
    const { claims, store, clock, log } = setUp();
    for (let slot = 1; slot <= 3; slot++) await claims.claim((token) => store.claim(token));
    const [token] = store.slots.values();
    store.slots.clear();
    store.slots.set(2, "theirs");
    claims.storeIsBack();
    await settle();
    assertEquals(store.slots.get(1), token);
    assertEquals(store.slots.get(2), "theirs");
    assertEquals([...store.slots.keys()].sort(), [1, 2, 3]);
    assertEquals(log.at("error").map(({ fields }) => fields["slot"]), [2]);
    await claims.release(1);
    assertEquals(store.slots.has(1), false);
    await claims.close({ deadlineMs: 1 });
    assertEquals(clock.sleepers, 0);
  },
  sanitizeOps: true,
  sanitizeResources: true,
});

Deno.test({
  name: "UnsettledClaims does not hand out a held slot that the store has forgotten",
  async fn() {
    const { claims, store } = setUp();
    assertEquals(await claims.claim((token) => store.claim(token)), 1);
    store.slots.clear();
    assertEquals(await claims.claim((token) => store.claim(token)), 2);
    assertEquals([...store.slots.keys()], [1, 2]);
    await claims.release(1);
    await claims.release(2);
    assertEquals(store.slots.size, 0);
  },
  sanitizeOps: true,
  sanitizeResources: true,
});

Deno.test({
  name: "UnsettledClaims tries once more when it is closed",
  async fn() {
    const { claims, store, clock } = setUp();
    await claims.claim((token) => store.claim(token));
    store.isAway = true;
    await claims.release(1);
    await clock.advance(60_000);
    store.isAway = false;
    await claims.close({ deadlineMs: 2000 });
    assertEquals(store.slots.size, 0);
    assertEquals(clock.sleepers, 0);
  },
  sanitizeOps: true,
  sanitizeResources: true,
});

Deno.test({
  name: "UnsettledClaims closes at its deadline when the store does not answer",
  async fn() {
    const { claims, store, clock, log } = setUp();
    await claims.claim((token) => store.claim(token));
    store.isAway = true;
    await claims.release(1);
    await clock.advance(100);
    const never = Promise.withResolvers<never>();
    store.release = () => never.promise;
    let isClosed = false;
    const closing = claims.close({ deadlineMs: 2000 }).then(() => isClosed = true);
    await clock.advance(1999);
    assertEquals(isClosed, false);
    await clock.advance(1);
    assertEquals(isClosed, true);
    await closing;
    never.reject(new Error("too late"));
    await settle();
    assertEquals(log.at("warn").at(-1)?.fields["slots"], [1]);
  },
  sanitizeOps: true,
  sanitizeResources: true,
});

function setUp(): {
  claims: UnsettledClaims;
  store: FakeStore;
  clock: FakeClock;
  log: RecordingLogger;
} {
  const store = new FakeStore();
  const clock = new FakeClock();
  const log = new RecordingLogger();
  return { store, clock, log, claims: new UnsettledClaims(store, { kindName: "uid", clock, log }) };
}

/** A store in memory that can be away, and can lose its answers. */
class FakeStore implements ClaimStore {
  readonly slots = new Map<number, string>();
  isAway = false;
  breaksAfterRelease = false;
  releases = 0;

  claim(token: string): Promise<number> {
    return this.#answer(() => {
      let slot = 1;
      while (this.slots.has(slot)) slot++;
      this.slots.set(slot, token);
      return slot;
    });
  }

  async claimAndBreak(token: string): Promise<number> {
    await this.claim(token);
    throw new StoreUnavailableError("the answer is lost");
  }

  listOwn(): Promise<StoredClaim[]> {
    return this.#answer(() => [...this.slots].map(([slot, token]) => ({ slot, token })));
  }

  release(slot: number, token: string): Promise<boolean> {
    this.releases++;
    return this.#answer(() => {
      const isHeld = this.slots.get(slot) === token;
      if (isHeld) this.slots.delete(slot);
      if (this.breaksAfterRelease) throw new StoreUnavailableError("the answer is lost");
      return isHeld;
    });
  }

  restore(slot: number, token: string): Promise<boolean> {
    return this.#answer(() => {
      if (!this.slots.has(slot)) this.slots.set(slot, token);
      return this.slots.get(slot) === token;
    });
  }

  #answer<T>(act: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.isAway) reject(new StoreUnavailableError("away"));
      else {
        try {
          resolve(act());
        } catch (error) {
          reject(error);
        }
      }
    });
  }
}
