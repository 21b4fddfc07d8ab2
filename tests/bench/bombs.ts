import { type Bomb, BombedServer, BOMBS } from "#tests/support/bombs/bombed_server.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import type { BenchContext, Benchmark } from "./support/benchmark.ts";
import { pause } from "./support/interleave.ts";
import { quantile } from "./support/quantile.ts";
import type { Reading } from "./support/reading.ts";

/** How many answers of the neighbour a value is made of. */
const ANSWERS = 60;
/** Answers before that, for what is compiled on the way. */
const WARMUPS = 40;
/** Pause between two requests, in milliseconds. */
const APART_MS = 5;

/** What one round tells: with a bomb, and before it or without one. */
interface Round {
  readonly answers: { readonly subject: number; readonly baseline: number };
  readonly stop: { readonly subject: number; readonly baseline: number };
}

/**
 * How long the slowest twentieth of a neighbour's answers takes while another worker takes all that
 * it can get, against before; and how long it takes until a server that is told to stop has ended
 * everything, against without a bomb.
 */
export const bombsBenchmark: Benchmark = {
  name: "bombs",
  programs: [
    { name: "bwrap", debianPackage: "bubblewrap" },
    { name: "perl", debianPackage: "perl-base" },
  ],
  usesExecutable: true,
  async run({ quick, executable }: BenchContext): Promise<Reading[]> {
    const readings: Reading[] = [];
    for (const bomb of BOMBS) {
      const rounds: Round[] = [];
      while (rounds.length < (quick ? 3 : 10)) rounds.push(await round(bomb, executable));
      const about = { benchmark: "bombs", unit: "ms" } as const;
      readings.push({
        ...about,
        row: `${bomb}, p95 of a neighbour`,
        wanted: "≤ 2",
        subject: rounds.map(({ answers }) => answers.subject),
        baseline: rounds.map(({ answers }) => answers.baseline),
      }, {
        ...about,
        row: `${bomb}, from stop to gone`,
        wanted: "≤ 1000 ms",
        subject: rounds.map(({ stop }) => stop.subject),
        baseline: rounds.map(({ stop }) => stop.baseline),
      });
    }
    return readings;
  },
};

async function round(bomb: Bomb, executable: string): Promise<Round> {
  const peaceful = await inServer(executable, slowAnswerMs);
  const bombed = await inServer(executable, async (server) => {
    const baseline = await slowAnswerMs(server);
    await server.detonate(bomb);
    return { baseline, subject: await slowAnswerMs(server) };
  });
  return { answers: bombed.seen, stop: { subject: bombed.stopMs, baseline: peaceful.stopMs } };
}

async function inServer<T>(
  executable: string,
  measure: (server: BombedServer) => Promise<T>,
): Promise<{ seen: T; stopMs: number }> {
  await using folder = await tempFolder();
  await using server = await BombedServer.start(folder, { executable });
  for (let answer = 0; answer < WARMUPS; answer++) await server.ask();
  return { seen: await measure(server), stopMs: await server.stop() };
}

async function slowAnswerMs(server: BombedServer): Promise<number> {
  const answers: number[] = [];
  const settle = pause(APART_MS);
  while (answers.length < ANSWERS) {
    await settle();
    answers.push(await server.ask());
  }
  return quantile(answers, 0.95);
}
