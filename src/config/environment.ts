import { nearestName } from "#src/core/mod.ts";
import * as z from "zod";
import type { ConfigProblem } from "./problem.ts";
import { scalarSections } from "./schema.ts";
import { isMapping } from "./validate.ts";
import type { Path, Plain } from "./tree.ts";
import { parseYamlScalar } from "./yaml.ts";

const PREFIX = "BLOCKYARD_";

/** A setting that came from outside the file. */
export interface Override {
  /** The variable or option it came from. */
  readonly name: string;
  /** The key that it sets. */
  readonly path: Path;
  /** What it sets it to. */
  readonly value: Plain;
}

/**
 * Reads the variables that set keys: `BLOCKYARD_SERVER_BIND` sets `server.bind`.
 *
 * @param env The environment; variables that do not name a section of ours are left alone.
 * @returns What they set, lists being split at commas, and the problems with their names.
 */
export function readEnvironment(
  env: Readonly<Record<string, string>>,
): { overrides: Override[]; problems: ConfigProblem[] } {
  const known = new Map<string, { path: Path; type: z.ZodType }>();
  for (const [section, keys] of Object.entries(scalarSections)) {
    for (const [key, type] of Object.entries(keys)) {
      known.set(`${PREFIX}${section}_${key}`.toUpperCase(), { path: [section, key], type });
    }
  }
  const prefixes = Object.keys(scalarSections).map((name) => `${PREFIX}${name}_`.toUpperCase());
  const overrides: Override[] = [];
  const problems: ConfigProblem[] = [];
  for (const [name, value] of Object.entries(env)) {
    const key = known.get(name);
    if (key) {
      overrides.push({ name, path: key.path, value: readValue(value, key.type) });
      continue;
    }
    const prefix = prefixes.find((candidate) => name.startsWith(candidate));
    const message = prefix !== undefined
      ? unknownVariable(name, prefix, [...known.keys()])
      : name.startsWith(`${PREFIX}APPS_`)
      ? "apps cannot be set by the environment, want them in the file"
      : undefined;
    if (message !== undefined) {
      problems.push({ origin: { kind: "named", name }, path: [], message });
    }
  }
  return { overrides, problems };
}

/**
 * Puts settings from outside the file over those in it.
 *
 * @param plain What the file holds; changed. One that is no mapping stays as it is, to be reported.
 * @param overrides What to set.
 */
export function applyOverrides(plain: Plain, overrides: readonly Override[]): void {
  if (!isMapping(plain)) return;
  for (const { path: [section, key], value } of overrides) {
    if (section === undefined || key === undefined) continue;
    const target = plain[section] ??= {};
    if (isMapping(target)) target[key] = value;
  }
}

function readValue(text: string, type: z.ZodType): Plain {
  const inner = type instanceof z.ZodDefault || type instanceof z.ZodOptional
    ? type.unwrap()
    : type;
  if (inner instanceof z.ZodArray) {
    return text.split(",").map((item) => item.trim()).filter((item) => item !== "");
  }
  const isPlain = inner instanceof z.ZodNumber || inner instanceof z.ZodBoolean;
  return isPlain ? parseYamlScalar(text.trim()) : text;
}

function unknownVariable(name: string, prefix: string, known: readonly string[]): string {
  const near = nearestName(name.slice(prefix.length), keysAfter(prefix, known));
  const want = near === undefined
    ? `${prefix} and one of ${keysAfter(prefix, known).join(", ")}`
    : `${prefix}${near}`;
  return `is not a known variable, want ${want}`;
}

function keysAfter(prefix: string, known: readonly string[]): string[] {
  return known.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
}
