/** A place in a text; both numbers count from 1. */
export interface Position {
  /** The line. */
  readonly line: number;
  /** The column, in UTF-16 units. */
  readonly column: number;
}

/** A value of a file together with where it stands. Aliases are already followed. */
export type Node = ScalarNode | ListNode | MapNode;

/** A single value. */
export interface ScalarNode {
  /** Tells the kinds of nodes apart. */
  readonly kind: "scalar";
  /** Where it starts. */
  readonly position: Position;
  /** What it means in YAML 1.2. */
  readonly value: string | number | boolean | null;
  /** How it was written, without quotes: `4.10` where the value is 4.1. */
  readonly source: string;
}

/** A list of values. */
export interface ListNode {
  /** Tells the kinds of nodes apart. */
  readonly kind: "list";
  /** Where it starts. */
  readonly position: Position;
  /** Its members. */
  readonly items: readonly Node[];
}

/** A mapping of keys to values. */
export interface MapNode {
  /** Tells the kinds of nodes apart. */
  readonly kind: "map";
  /** Where it starts. */
  readonly position: Position;
  /** Its members by key, in the order of the file. */
  readonly entries: ReadonlyMap<string, MapEntry>;
}

/** A member of a mapping. */
export interface MapEntry {
  /** Where the key stands. */
  readonly keyPosition: Position;
  /** What the key leads to. */
  readonly node: Node;
}

/** The way from the root to a value: keys and list positions. */
export type Path = readonly (string | number)[];

/** A value without its position, as `JSON.parse` would give it; objects have no prototype. */
export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

/** What depends on the meaning of a key when a tree becomes plain values. */
export interface PlainRules {
  /** Whether a number or a truth value at this path is meant as the text that was written. */
  isText(path: Path): boolean;
  /** Whether a key with nothing behind it at this path means the same as no key. */
  isOptionalWhenEmpty(path: Path): boolean;
}

/**
 * Takes the positions off.
 *
 * @param node The value to convert.
 * @param rules What depends on the meaning of a key.
 * @param path Where the value is in its document; empty for the root.
 * @returns The plain value.
 */
export function toPlain(node: Node, rules: PlainRules, path: Path = []): Plain {
  switch (node.kind) {
    case "scalar":
      return node.value !== null && rules.isText(path) ? node.source : node.value;
    case "list":
      return node.items.map((item, index) => toPlain(item, rules, [...path, index]));
    case "map": {
      const plain: { [key: string]: Plain } = Object.create(null);
      for (const [key, entry] of node.entries) {
        const value = toPlain(entry.node, rules, [...path, key]);
        if (value === null && rules.isOptionalWhenEmpty([...path, key])) continue;
        plain[key] = value;
      }
      return plain;
    }
  }
}

/**
 * Looks a value up.
 *
 * @param root The whole document.
 * @param path The way to it.
 * @returns The value with its place; undefined when it is not there.
 */
export function nodeAt(root: Node, path: Path): Node | undefined {
  let node: Node | undefined = root;
  for (const step of path) {
    if (node?.kind === "map") node = node.entries.get(String(step))?.node;
    else node = node?.kind === "list" ? node.items[Number(step)] : undefined;
  }
  return node;
}

/**
 * Finds where something stands in a file.
 *
 * @param root The whole document.
 * @param path The way to it.
 * @param options With `key`, the place of the last key and not of the value behind it.
 * @returns Its place; of what holds it when it is not there itself, by its key if it has one.
 */
export function positionOf(root: Node, path: Path, options: { key?: boolean } = {}): Position {
  let node = root;
  let position = root.position;
  for (const [index, step] of path.entries()) {
    const entry = node.kind === "map" ? node.entries.get(String(step)) : undefined;
    const next = node.kind === "list" ? node.items[Number(step)] : entry?.node;
    if (next === undefined) return position;
    const isLast = index === path.length - 1;
    position = entry && !(isLast && !options.key) ? entry.keyPosition : next.position;
    node = next;
  }
  return position;
}
