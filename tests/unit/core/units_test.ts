import { formatBytes, formatDuration, parseBytes, parseDuration } from "#src/core/mod.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

const SIZES: readonly [text: string, bytes: number][] = [
  ["0", 0],
  ["1048576", 1_048_576],
  ["512m", 536_870_912],
  ["2g", 2_147_483_648],
  ["1.5k", 1536],
  ["1T", 1_099_511_627_776],
  ["64 KiB", 65_536],
  ["10kb", 10_240],
  ["7b", 7],
  [" 3k ", 3072],
];
for (const [text, bytes] of SIZES) {
  Deno.test(`parseBytes() reads ${JSON.stringify(text)} as ${bytes}`, SANE, () => {
    assertEquals(parseBytes(text), bytes);
  });
}

for (
  const text of [
    "",
    "k",
    "5Q",
    "-1",
    "1.5",
    "0.3k",
    "1e3",
    "512ib",
    "1 2",
    "9007199254740993",
    "9999999t",
  ]
) {
  Deno.test(`parseBytes() refuses ${JSON.stringify(text)}`, SANE, () => {
    const error = assertThrows(() => parseBytes(text), RangeError);
    assertEquals(
      error.message,
      `cannot read "${text}" as a size: want bytes or a number with k, m or g`,
    );
  });
}

const DURATIONS: readonly [text: string, ms: number][] = [
  ["0s", 0],
  ["500ms", 500],
  ["30s", 30_000],
  ["5m", 300_000],
  ["1h", 3_600_000],
  ["2d", 172_800_000],
  ["1.1m", 66_000],
  ["0.4ms", 0],
];
for (const [text, ms] of DURATIONS) {
  Deno.test(`parseDuration() reads ${JSON.stringify(text)} as ${ms} ms`, SANE, () => {
    assertEquals(parseDuration(text), ms);
  });
}

for (
  const text of [
    "",
    "30",
    "s",
    "-5s",
    "5 s",
    "5S",
    "1h30m",
    "1w",
    "Infinityms",
    "9e9h",
    `${"9".repeat(20)}h`,
  ]
) {
  Deno.test(`parseDuration() refuses ${JSON.stringify(text)}`, SANE, () => {
    const error = assertThrows(() => parseDuration(text), RangeError);
    assertEquals(
      error.message,
      `cannot read "${text}" as a duration: want a number with ms, s, m or h, such as 30s`,
    );
  });
}

const WRITTEN_SIZES: readonly [bytes: number, text: string][] = [
  [0, "0 B"],
  [17, "17 B"],
  [1023, "1023 B"],
  [1024, "1 KiB"],
  [1_048_575, "1 MiB"],
  [536_870_912, "512 MiB"],
  [1_610_612_736, "1.5 GiB"],
  [5 * 1024 ** 5, "5120 TiB"],
];
for (const [bytes, text] of WRITTEN_SIZES) {
  Deno.test(`formatBytes() writes ${bytes} as ${text}`, SANE, () => {
    assertEquals(formatBytes(bytes), text);
  });
}

const WRITTEN_DURATIONS: readonly [ms: number, text: string][] = [
  [0, "0 ms"],
  [349.6, "350 ms"],
  [999.7, "1 s"],
  [1234, "1.2 s"],
  [59_990, "1 min"],
  [300_000, "5 min"],
  [3_599_999, "1 h"],
  [90_000_000, "25 h"],
];
for (const [ms, text] of WRITTEN_DURATIONS) {
  Deno.test(`formatDuration() writes ${ms} ms as ${text}`, SANE, () => {
    assertEquals(formatDuration(ms), text);
  });
}
