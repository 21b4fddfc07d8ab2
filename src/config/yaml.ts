/**
 * Reads YAML. The only file that knows the YAML library.
 *
 * @module
 */
import {
  type ErrorCode,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from "yaml";
import type { MapEntry, MapNode, Node, Path, Position, ScalarNode } from "./tree.ts";

/** Something wrong with a document as YAML, whatever its keys mean. */
export interface YamlProblem {
  /** Where it is. */
  readonly position: Position;
  /** The keys that lead to it, where there are any. */
  readonly path: Path;
  /** What is wrong and what is wanted, without any of the document's values. */
  readonly message: string;
}

/** A document that was read. */
export interface YamlDocument {
  /** What it holds; undefined when it is empty, or so broken that its keys cannot be trusted. */
  readonly root: Node | undefined;
  /** What is wrong with it. */
  readonly problems: readonly YamlProblem[];
}

/** Nobody nests a configuration deeper; deeper ones are attempts to exhaust the stack. */
const MAX_DEPTH = 32;

/** How many values aliases may stand for in all, so that a few lines cannot become gigabytes. */
const MAX_ALIASED_VALUES = 10_000;

/** One slip can upset every line after it; more messages than this help nobody. */
const MAX_SYNTAX_PROBLEMS = 10;

/**
 * The library's own messages can quote the document, which may hold secrets, so that only its codes
 * are used. A code that is not here gets a general message.
 */
const SYNTAX_MESSAGES: Readonly<Partial<Record<ErrorCode, string>>> = {
  ALIAS_PROPS: "an alias has an anchor or a tag of its own, want the alias alone",
  BAD_ALIAS: "an alias or an anchor has no usable name, want letters and digits after * or &",
  BAD_DIRECTIVE: "a line that starts with % is no known directive, want none",
  BAD_DQ_ESCAPE:
    "an escape in double quotes is unknown, want \\\\ for a backslash, or single quotes",
  BAD_INDENT:
    "the indentation does not fit or a bracket is not closed, want the keys of one level in one column",
  BAD_SCALAR_START:
    "a value starts with a character that YAML reserves, want quotes around the value",
  BLOCK_AS_IMPLICIT_KEY: "a second mapping or list starts within a line, want it on its own line",
  DUPLICATE_KEY: "a key is there twice, want it once",
  KEY_OVER_1024_CHARS: "a key is longer than 1024 characters, want a shorter one",
  MISSING_CHAR: 'a colon, a comma or a closing quote is missing, want "key: value"',
  MULTILINE_IMPLICIT_KEY: 'a key goes over several lines, want "key: value" on one line',
  MULTIPLE_ANCHORS: "a value has two anchors, want one",
  MULTIPLE_DOCS: "a second document starts, want one document in a file",
  MULTIPLE_TAGS: "a value has two tags, want none",
  RESOURCE_EXHAUSTION: `it is nested too deeply, want ${MAX_DEPTH} levels at most`,
  TAB_AS_INDENT: "a tab is used as indentation, want spaces",
  TAG_RESOLVE_FAILED: "a tag does not fit or is not known, want the value without a tag",
  UNEXPECTED_TOKEN: 'something stands where it cannot, want "key: value" or "- item"',
};

/**
 * Reads a document by the rules of YAML 1.2, whatever version it claims.
 *
 * @param text The document.
 * @returns What it holds and what is wrong with it; nothing is thrown for a bad document.
 */
export function parseYaml(text: string): YamlDocument {
  const lines = new LineCounter();
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const document = parseDocument(text, {
    lineCounter: lines,
    logLevel: "error",
    prettyErrors: false,
    resolveKnownTags: false,
    schema: "core",
    uniqueKeys: false,
  });
  const complaints = [...document.errors, ...document.warnings];
  if (complaints.length > 0) {
    const byLine = new Map<number, YamlProblem>();
    for (const { code, pos } of complaints.toSorted((a, b) => a.pos[0] - b.pos[0])) {
      const position = positionAt(pos[0]);
      const message = SYNTAX_MESSAGES[code] ?? 'this is no YAML, want "key: value" lines';
      if (!byLine.has(position.line)) byLine.set(position.line, { position, path: [], message });
    }
    const problems = [...byLine.values()].slice(0, MAX_SYNTAX_PROBLEMS);
    return { root: undefined, problems };
  }
  return new Builder(positionAt).build(document.contents);
}

/**
 * Reads one scalar as if it stood unquoted in a document.
 *
 * @param text What was written.
 * @returns A number, a truth value or null where YAML 1.2 sees one, else the text itself.
 */
export function parseYamlScalar(text: string): string | number | boolean | null {
  if (/[\r\n#]/.test(text)) return text;
  const { errors, contents } = parseDocument(text, { schema: "core", resolveKnownTags: false });
  return errors.length === 0 && isScalar(contents) ? valueOf(contents) : text;
}

/** Turns the library's nodes into ours, following aliases and looking for what must not be there. */
class Builder {
  readonly #positionAt: (offset: number) => Position;
  readonly #problems: YamlProblem[] = [];
  readonly #anchors = new Map<string, { node: Node; size: number }>();
  #aliasedValues = 0;

  constructor(positionAt: (offset: number) => Position) {
    this.#positionAt = positionAt;
  }

  build(contents: unknown): YamlDocument {
    const root = contents === null ? undefined : this.#node(contents, []).node;
    const isEmpty = root?.kind === "scalar" && root.value === null;
    return { root: isEmpty ? undefined : root, problems: this.#problems };
  }

  /** Also counts the values in it, its own and those that its aliases stand for. */
  #node(source: unknown, path: Path): { node: Node; size: number } {
    const { range, anchor } = source as { range?: [number, number, number]; anchor?: string };
    const position = this.#positionAt(range?.[0] ?? 0);
    if (path.length > MAX_DEPTH) {
      this.#report(position, path, `is nested too deeply, want ${MAX_DEPTH} levels at most`);
      return { node: nothing(position), size: 1 };
    }
    if (isAlias(source)) return this.#alias(source.source, position, path);
    const built = this.#ownNode(source, position, path);
    // After the children, so that an alias within its own anchor finds nothing.
    if (anchor !== undefined) this.#anchors.set(anchor, built);
    return built;
  }

  #ownNode(source: unknown, position: Position, path: Path): { node: Node; size: number } {
    if (isMap(source)) return this.#map(source, position, path);
    if (isSeq(source)) {
      const items = source.items.map((item, index) => this.#node(item, [...path, index]));
      const size = items.reduce((sum, item) => sum + item.size, 1);
      return { node: { kind: "list", position, items: items.map(({ node }) => node) }, size };
    }
    if (!isScalar(source)) return { node: nothing(position), size: 1 };
    const value = valueOf(source);
    const node: ScalarNode = {
      kind: "scalar",
      position,
      value,
      source: source.source ?? String(value ?? ""),
    };
    return { node, size: 1 };
  }

  #map(source: YAMLMap, position: Position, path: Path): { node: MapNode; size: number } {
    const entries = new Map<string, MapEntry>();
    let size = 1;
    for (const pair of source.items) {
      const start = (pair.key as { range?: [number, number, number] } | null)?.range?.[0];
      const keyPosition = start === undefined ? position : this.#positionAt(start);
      const key = isScalar(pair.key) ? pair.key.source ?? String(valueOf(pair.key)) : undefined;
      const refusal = refuseKey(key);
      if (key === undefined || refusal !== undefined) {
        this.#report(keyPosition, path, refusal ?? "");
        continue;
      }
      const earlier = entries.get(key);
      if (earlier) {
        const { line } = earlier.keyPosition;
        this.#report(keyPosition, [...path, key], `is there twice (line ${line}), want it once`);
        continue;
      }
      const value = pair.value === null
        ? { node: nothing(keyPosition), size: 1 }
        : this.#node(pair.value, [...path, key]);
      size += value.size;
      entries.set(key, { keyPosition, node: value.node });
    }
    return { node: { kind: "map", position, entries }, size };
  }

  #alias(name: string, position: Position, path: Path): { node: Node; size: number } {
    const target = this.#anchors.get(name);
    if (!target) {
      // Its name is not repeated: it can be a password that starts with * and has no quotes.
      const want = "want one, or quotes around a text that starts with *";
      this.#report(position, path, `an alias has no anchor before it, ${want}`);
      return { node: nothing(position), size: 1 };
    }
    const before = this.#aliasedValues;
    this.#aliasedValues += target.size;
    if (this.#aliasedValues <= MAX_ALIASED_VALUES) return target;
    if (before <= MAX_ALIASED_VALUES) {
      const want = `want ${MAX_ALIASED_VALUES} values in all at most`;
      this.#report(position, path, `the aliases up to here stand for too much, ${want}`);
    }
    return { node: nothing(position), size: 1 };
  }

  #report(position: Position, path: Path, message: string): void {
    this.#problems.push({ position, path, message });
  }
}

function nothing(position: Position): ScalarNode {
  return { kind: "scalar", position, value: null, source: "" };
}

function refuseKey(key: string | undefined): string | undefined {
  if (key === undefined) return "a key is a list, a mapping or an alias, want plain text";
  if (key === "<<") return "merging with << is not supported, want the keys written out";
  // Assigning it to an object would change the object's prototype and not add a key.
  if (key === "__proto__") return "the key __proto__ cannot be used, want another name";
  return undefined;
}

function valueOf(scalar: Scalar): string | number | boolean | null {
  const { value } = scalar;
  if (value === null || value === undefined) return null;
  if (typeof value === "number" || typeof value === "boolean") return value;
  return String(value);
}
