import { errorMessage } from "#src/core/mod.ts";
import { dirname, isAbsolute, join } from "node:path/posix";
import { applyOverrides, type Override, readEnvironment } from "./environment.ts";
import { ConfigError, type ConfigProblem, type Origin } from "./problem.ts";
import { resolveConfig } from "./resolve.ts";
import { checkRules } from "./rules.ts";
import { plainRules, type RawConfig } from "./schema.ts";
import { type Node, nodeAt, type Path, type Plain, positionOf, toPlain } from "./tree.ts";
import type { Config } from "./types.ts";
import { type Finding, validate } from "./validate.ts";
import { parseYaml } from "./yaml.ts";

/** Where {@linkcode loadConfig} takes everything from. */
export interface LoadOptions {
  /** The file; absolute, or relative to `cwd`. Without it everything has its default. */
  readonly path?: string | undefined;
  /** The whole environment: `BLOCKYARD_<SECTION>_<KEY>` overrides the file; XDG_STATE_HOME and
   * HOME give an ordinary user's `server.data_dir`. */
  readonly env: Readonly<Record<string, string>>;
  /** Reads a file as UTF-8; what it throws becomes a problem. */
  readonly readFile: (path: string) => string;
  /** Whether the server runs as root, which decides the default of `server.data_dir`. */
  readonly isRoot: boolean;
  /** The value of the option `--bind`; overrides the environment. */
  readonly bind?: string | undefined;
  /**
   * Whether the option `--demo` was given; false if not given. The demo needs no network, so that
   * without a file `process.network` is `none` then.
   */
  readonly demo?: boolean;
  /** The absolute folder that `path` is relative to; that of the process if not given. */
  readonly cwd?: string;
}

/**
 * Loads and checks a configuration.
 *
 * @param options Where everything comes from.
 * @returns The configuration, every default filled in, frozen.
 * @throws {ConfigError} With all problems at once.
 */
export function loadConfig(options: LoadOptions): Config {
  const { path, env, bind } = options;
  const { root, problems: fileProblems, isTrusted } = readTree(path, options.readFile);
  const { overrides, problems: envProblems } = readEnvironment(env);
  if (bind !== undefined) {
    overrides.push({ name: "--bind", path: ["server", "bind"], value: bind });
  }
  const plain: Plain = root ? toPlain(root, plainRules) : withoutFile(options);
  applyOverrides(plain, overrides);

  const { raw, findings } = check(plain);
  const source: Source = { file: path ?? "", root, overrides };
  const found = findings.map((finding) => locate(finding, source));
  // The rest of a broken file says nothing about what is missing from it or does not fit together.
  const relevant = isTrusted ? found : found.filter(({ origin }) => origin.kind === "named");
  const problems = [...fileProblems, ...envProblems, ...withoutRepeats(relevant, fileProblems)];

  const dataDir = raw.server.data_dir ?? defaultDataDir(options);
  const isReported = problems.some(({ path: [section, key] }) =>
    section === "server" && (key === "data_dir" || key === undefined)
  );
  if (dataDir === undefined && isTrusted && !isReported) {
    const message =
      "has no default, because HOME and XDG_STATE_HOME are not set, want an absolute path";
    problems.push({ origin: { kind: "none" }, path: ["server", "data_dir"], message });
  }
  if (problems.length > 0 || dataDir === undefined) throw new ConfigError(problems);
  const { demo = false } = options;
  return resolveConfig(raw, { dataDir, folder: folderOf(options), hasDemo: demo });
}

/** The demo can be had then where a worker's network is not safe yet. */
function withoutFile({ path, demo = false }: LoadOptions): Plain {
  return path === undefined && demo ? { process: { network: "none" } } : {};
}

interface Source {
  readonly file: string;
  readonly root: Node | undefined;
  readonly overrides: readonly Override[];
}

function readTree(
  path: string | undefined,
  readFile: LoadOptions["readFile"],
): { root: Node | undefined; problems: ConfigProblem[]; isTrusted: boolean } {
  if (path === undefined) return { root: undefined, problems: [], isTrusted: true };
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    const message = `cannot read ${path}: ${errorMessage(error)}, want a readable YAML file`;
    const problem: ConfigProblem = { origin: { kind: "none" }, path: [], message };
    return { root: undefined, problems: [problem], isTrusted: false };
  }
  const { root, problems } = parseYaml(text);
  return {
    root,
    problems: problems.map(({ position, path: keys, message }) => ({
      origin: { kind: "file", file: path, ...position },
      path: keys,
      message,
    })),
    isTrusted: root !== undefined || problems.length === 0,
  };
}

/** Rules that look at a key which is wrong by itself see its default, and must not be heard. */
function check(plain: Plain): { raw: RawConfig; findings: Finding[] } {
  const { raw, findings } = validate(plain);
  const isWrong = (path: Path) =>
    findings.some(({ paths: [wrong] }) =>
      wrong.length > 0 && wrong.every((step, index) => path[index] === step)
    );
  const broken = checkRules(raw).filter(({ paths }) => !paths.some(isWrong));
  return { raw, findings: [...findings, ...broken] };
}

function locate({ paths, isKey = false, message }: Finding, source: Source): ConfigProblem {
  const path = paths.find((candidate) => wasWritten(candidate, source)) ?? paths[0];
  return { origin: originOf(path, { ...source, isKey }), path, message };
}

function wasWritten(path: Path, { root, overrides }: Source): boolean {
  return overrides.some((override) => isSame(override.path, path.slice(0, 2))) ||
    (root !== undefined && nodeAt(root, path) !== undefined);
}

function originOf(
  path: Path,
  { file, root, overrides, isKey }: Source & { isKey: boolean },
): Origin {
  const override = overrides.findLast((each) => isSame(each.path, path.slice(0, 2)));
  if (override) return { kind: "named", name: override.name };
  if (root === undefined) return { kind: "none" };
  return { kind: "file", file, ...positionOf(root, path, { key: isKey }) };
}

function isSame(left: Path, right: Path): boolean {
  return left.length === right.length && left.every((step, index) => step === right[index]);
}

/** What is no usable YAML is not also reported for being no usable value. */
function withoutRepeats(
  problems: readonly ConfigProblem[],
  earlier: readonly ConfigProblem[],
): ConfigProblem[] {
  return problems.filter(({ origin, path }) =>
    !earlier.some((other) => isSame(other.path, path) && isSamePlace(other.origin, origin))
  );
}

function isSamePlace(left: Origin, right: Origin): boolean {
  return left.kind === "file" && right.kind === "file" && left.line === right.line &&
    left.column === right.column;
}

function folderOf({ path, cwd }: LoadOptions): string {
  if (path === undefined) return "/";
  return dirname(isAbsolute(path) ? path : join(cwd ?? Deno.cwd(), path));
}

/** The XDG Base Directory Specification has relative values ignored. */
function defaultDataDir({ isRoot, env }: LoadOptions): string | undefined {
  if (isRoot) return "/var/lib/blockyard";
  const state = env["XDG_STATE_HOME"];
  if (state?.startsWith("/")) return join(state, "blockyard");
  const home = env["HOME"];
  return home?.startsWith("/") ? join(home, ".local/state/blockyard") : undefined;
}
