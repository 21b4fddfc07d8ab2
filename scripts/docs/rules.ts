import type { Declaration, DocOutput, FunctionDef, JsDoc, Location, Param } from "./model.ts";

/** Something that a comment lacks. */
export interface Problem {
  /** The file, as a URL, and the line. */
  readonly location: Location;
  /** What is missing of which symbol. */
  readonly message: string;
}

/**
 * Holds the comments of exported symbols against what they describe. Every symbol wants a text. A
 * function wants `@param` for each parameter, `@returns` when it returns something, and `@throws`
 * when its body has a `throw`. A method may leave out what its text says already, but no tag may
 * name a parameter that is not there.
 *
 * @param output What `deno doc --json` found.
 * @param readLines Reads the lines of a source file, named by its URL.
 * @returns What is missing, sorted by place; each place once, however often it is exported.
 */
export function checkDocs(
  output: DocOutput,
  readLines: (url: string) => readonly string[],
): Problem[] {
  const problems = new Map<string, Problem>();
  const report = (location: Location, message: string) => {
    problems.set(`${location.filename}:${location.line} ${message}`, { location, message });
  };
  for (const { symbols } of Object.values(output.nodes)) {
    for (const { name, declarations } of symbols) {
      for (const declaration of declarations) {
        for (const message of missing(declaration, readLines)) {
          report(declaration.location, `${name} ${message}`);
        }
        for (const method of declaration.def?.methods ?? []) {
          for (const message of staleParams(method.jsDoc, method.functionDef ?? method)) {
            report(method.location, `${name}.${method.name} ${message}`);
          }
        }
      }
    }
  }
  return [...problems.values()].sort((a, b) =>
    a.location.filename.localeCompare(b.location.filename) || a.location.line - b.location.line
  );
}

function missing(
  { kind, jsDoc, def, location }: Declaration,
  readLines: (url: string) => readonly string[],
): string[] {
  if (kind === "reference") return [];
  if (!jsDoc?.doc?.trim()) return ["has no text in its comment"];
  if (kind !== "function" || def === undefined) return [];
  const messages = staleParams(jsDoc, def);
  const tags = jsDoc.tags ?? [];
  const documented = tags.filter((tag) => tag.kind === "param");
  const params = def.params ?? [];
  for (const param of params) {
    const name = paramName(param);
    if (name !== undefined && !documented.some((tag) => tag.name === name)) {
      messages.push(`lacks @param ${name}`);
    }
  }
  if (params.some((param) => paramName(param) === undefined) && documented.length < params.length) {
    messages.push("lacks @param for its options");
  }
  if (returnsSomething(def) && !tags.some((tag) => tag.kind === "return")) {
    messages.push("lacks @returns");
  }
  if (
    !tags.some((tag) => tag.kind === "throws") && hasThrow(readLines(location.filename), location)
  ) {
    messages.push("lacks @throws");
  }
  return messages;
}

/** A pattern has no name of its own, so that any name in the comment may stand for it. */
function staleParams(jsDoc: JsDoc | undefined, { params = [] }: FunctionDef): string[] {
  const names = params.map(paramName);
  if (names.includes(undefined)) return [];
  return (jsDoc?.tags ?? [])
    .filter((tag) => tag.kind === "param" && !names.includes(tag.name))
    .map((tag) => `has @param ${tag.name}, which is no parameter`);
}

function paramName(param: Param): string | undefined {
  return param.name ?? (param.left ?? param.arg)?.name;
}

function returnsSomething({ returnType }: FunctionDef): boolean {
  if (returnType === undefined) return false;
  if (returnType.kind === "typePredicate") {
    return !(returnType.value as { asserts?: boolean }).asserts;
  }
  const text = JSON.stringify(returnType.value ?? "");
  const isVoid = /^"(?:void|never|undefined)"$/.test(text);
  const isVoidPromise = returnType.repr === "Promise" && /"(?:void|never|undefined)"/.test(text);
  return !isVoid && !isVoidPromise;
}

/**
 * Whether a function lets an exception out by a `throw` of its own; one inside of a `try` may be for
 * its own `catch`, and one inside of another function is that one's. The formatter makes the
 * indentation of each line tell which block it is in.
 */
function hasThrow(lines: readonly string[], { line }: Location): boolean {
  const rest = lines.slice(line - 1);
  const end = rest.findIndex((text) => text.startsWith("}") && !text.startsWith("})"));
  let skippedIndent: number | undefined;
  for (const text of rest.slice(1, end)) {
    const indent = text.search(/\S/);
    if (skippedIndent === undefined) {
      if (/^\s*(?:.*[)\s])?throw\s/.test(text)) return true;
      if (/(?:\btry|=>|\bfunction\b.*) \{$/.test(text)) skippedIndent = indent;
    } else if (indent === skippedIndent) {
      skippedIndent = undefined;
    }
  }
  return false;
}
