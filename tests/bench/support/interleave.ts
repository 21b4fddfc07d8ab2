/** Takes one value. */
export type Sample = () => Promise<number>;

/** Values of two sides; those of one index were taken one right after the other. */
export interface Pairs {
  /** Of what is under test. */
  readonly subject: readonly number[];
  /** Of what it is measured against. */
  readonly baseline: readonly number[];
}

/** How a comparison is carried out. */
export interface Schedule {
  /** How many values each side gives in all, 1 or more. */
  readonly samples: number;
  /** How many values of each side are taken first and dropped, 0 or more. */
  readonly warmups: number;
  /**
   * How many values one side gives in a row before it is the other's turn, 1 if not given. More
   * than one is for what shows only back to back; the two of a pair are then further apart.
   */
  readonly inARow?: number;
  /** Waits before each turn of a side, so that what the other one left behind is over. */
  readonly settle?: () => Promise<void>;
}

/**
 * Takes values from two sides in turn, subject first, so that whatever else the machine does meets
 * both alike.
 *
 * @param sides What is under test, and what it is measured against.
 * @param schedule How often.
 * @returns The values, without those of the warm-up.
 */
export async function interleave(
  sides: { subject: Sample; baseline: Sample },
  { samples, warmups, inARow = 1, settle }: Schedule,
): Promise<Pairs> {
  const turn = async (sample: Sample, count: number) => {
    await settle?.();
    const values: number[] = [];
    while (values.length < count) values.push(await sample());
    return values;
  };
  for (let done = 0; done < warmups; done += inARow) {
    const count = Math.min(inARow, warmups - done);
    await turn(sides.subject, count);
    await turn(sides.baseline, count);
  }
  const subject: number[] = [];
  const baseline: number[] = [];
  while (subject.length < samples) {
    const count = Math.min(inARow, samples - subject.length);
    subject.push(...await turn(sides.subject, count));
    baseline.push(...await turn(sides.baseline, count));
  }
  return { subject, baseline };
}

/**
 * Makes a pause for {@linkcode Schedule.settle}.
 *
 * @param ms How long, in milliseconds.
 * @returns Waits that long.
 */
export function pause(ms: number): () => Promise<void> {
  return () => new Promise((resolve) => setTimeout(resolve, ms));
}
