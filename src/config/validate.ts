import { nearestName } from "#src/core/mod.ts";
import type * as z from "zod";
import { knownKeys, type RawConfig, schema } from "./schema.ts";
import type { Path, Plain } from "./tree.ts";

/** Something wrong with a value, before it is known where the value was written. */
export interface Finding {
  /** The keys that it is about, most telling first; the first one that was written is blamed. */
  readonly paths: readonly [Path, ...Path[]];
  /** Whether the key itself is wrong, and not the value behind it. */
  readonly isKey?: boolean;
  /** What is wrong and what is wanted. */
  readonly message: string;
}

/** What {@linkcode validate} made of a file. */
export interface Validated {
  /** A valid configuration: the given one, with defaults in place of what is wrong with it. */
  readonly raw: RawConfig;
  /** What is wrong. */
  readonly findings: readonly Finding[];
}

/** Stands in for the path of an app that has none, so that the rest of the app can be looked at. */
const PLACEHOLDER_PATH = "/";

/**
 * Checks every key by itself.
 *
 * @param plain What the file and the environment hold; changed where it is wrong.
 * @returns What is wrong, and a configuration without it.
 */
export function validate(plain: Plain): Validated {
  let result = schema.safeParse(plain);
  const findings = result.success ? [] : result.error.issues.flatMap((issue) => find(issue, plain));
  while (!result.success) {
    for (const issue of result.error.issues) {
      if (issue.path.length === 0 && issue.code !== "unrecognized_keys") plain = {};
      else discard(issue, plain);
    }
    result = schema.safeParse(plain);
  }
  return { raw: result.data, findings };
}

function find(issue: z.core.$ZodIssue, plain: Plain): Finding[] {
  const path = toPath(issue);
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(path);
    return issue.keys.map((key) => {
      const near = nearestName(key, known);
      const want = near === undefined ? `one of ${known.join(", ")}` : JSON.stringify(near);
      return {
        paths: [[...path, key]],
        isKey: true,
        message: `is not a known key, want ${want}`,
      };
    });
  }
  if (issue.code === "custom") return [{ paths: [path], message: issue.message }];
  const value = valueAt(plain, path);
  const wrong = value === undefined ? "is missing" : describe(value, issue, isSecret(path));
  return [{ paths: [path], message: `${wrong}, want ${issue.message}` }];
}

function describe(value: Plain, issue: z.core.$ZodIssue, secret: boolean): string {
  if (value === null || value === "") return "is empty";
  if (Array.isArray(value)) {
    return issue.code === "too_small"
      ? "is empty"
      : issue.code === "too_big"
      ? "is too long"
      : "is a list";
  }
  if (typeof value === "object") return "is a mapping";
  const wrong = issue.code === "too_small"
    ? "is too small"
    : issue.code === "too_big"
    ? "is too large"
    : issue.code === "invalid_value" && typeof value === "string"
    ? "is not known"
    : typeof value === "number"
    ? (Number.isInteger(value) || !("format" in issue) ? "is a number" : "is not a whole number")
    : typeof value === "boolean"
    ? "is a truth value"
    : "is text";
  return secret ? wrong : `${shorten(JSON.stringify(value))} ${wrong}`;
}

function shorten(shown: string): string {
  return shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
}

/** Where passwords are: the environment of an app, and URLs. */
function isSecret(path: Path): boolean {
  const [section, key = "url", part] = path;
  return section === "apps"
    ? part === "env"
    : (section === "redis" || section === "database") && key === "url";
}

function discard(issue: z.core.$ZodIssue, plain: Plain): void {
  const path = toPath(issue);
  if (issue.code === "unrecognized_keys") {
    for (const key of issue.keys) remove(plain, [...path, key]);
  } else if (valueAt(plain, path) !== undefined) {
    remove(plain, path);
  } else if (path.length === 3 && path[0] === "apps" && path[2] === "path") {
    const app = valueAt(plain, path.slice(0, -1));
    if (isMapping(app)) app["path"] = PLACEHOLDER_PATH;
  } else {
    remove(plain, path.slice(0, -1));
  }
}

/** Members of lists do not go alone: the others would change their places. */
function remove(plain: Plain, path: Path): void {
  const parent = valueAt(plain, path.slice(0, -1));
  const key = path.at(-1);
  if (isMapping(parent) && key !== undefined) delete parent[key];
  else if (path.length > 1) remove(plain, path.slice(0, -1));
}

function valueAt(plain: Plain, path: Path): Plain | undefined {
  let value: Plain | undefined = plain;
  for (const step of path) {
    if (Array.isArray(value)) value = value[Number(step)];
    else if (isMapping(value) && Object.hasOwn(value, step)) value = value[step];
    else return undefined;
  }
  return value;
}

/**
 * Tells mappings from everything else.
 *
 * @param value Any plain value.
 * @returns Whether it is a mapping.
 */
export function isMapping(value: Plain | undefined): value is { [key: string]: Plain } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function toPath(issue: z.core.$ZodIssue): Path {
  return issue.path.map((step) => typeof step === "number" ? step : String(step));
}
