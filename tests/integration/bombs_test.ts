/** A worker that takes all that it can get, and what is left for its neighbour and the server. */
import { BombedServer, BOMBS, FROM_SOURCES } from "#tests/support/bombs/bombed_server.ts";
import { assertEquals, assertGreater, assertLess, assertMatch } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/R", "/usr/bin/perl"] });
/** How much the server's memory may grow, in bytes. */
const GROWTH_BYTES = 50 * 1024 ** 2;

/** How far each gets: it has to go off for the rest to say something. */
const TOLD: Readonly<Record<(typeof BOMBS)[number], RegExp>> = {
  // Of 256 processes a few are the sandbox's own.
  fork: /^2\d\d processes$/,
  memory: /^960 MiB$/,
  inode: /^200000 inodes$/,
  fd: /^10\d\d descriptors in each of 50 processes$/,
  log: /^as fast as it is read$/,
};

for (const bomb of BOMBS) {
  Deno.test(
    `${bomb} bomb: the neighbour answers, the server stays small, and a stop ends it`,
    root,
    async () => {
      await using folder = await tempFolder();
      await using server = await BombedServer.start(folder, FROM_SOURCES);
      for (let request = 0; request < 20; request++) await server.ask();
      const before = server.rssBytes();
      assertMatch(await server.detonate(bomb), TOLD[bomb]);
      let most = 0;
      for (let request = 0; request < 40; request++) {
        await server.ask();
        most = Math.max(most, server.rssBytes());
      }
      assertLess(most - before, GROWTH_BYTES);
      assertGreater(server.processes(), 4);
      await server.stop();
      assertEquals(server.processes(), 0);
    },
  );
}
