import type { Declaration, DocOutput, JsDoc, Method, Param } from "#scripts/docs/model.ts";
import { checkDocs } from "#scripts/docs/rules.ts";
import { assertEquals } from "#tests/support/assert.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };

const location = { filename: "file:///a.ts", line: 1 };
const text: Param = { kind: "identifier", name: "text" };
const pattern: Param = { kind: "object" };
const keyword = (value: string) => ({ kind: "keyword", repr: value, value });

function output(declaration: Partial<Declaration>): DocOutput {
  const whole = { location, kind: "function", ...declaration };
  return { nodes: { "file:///mod.ts": { symbols: [{ name: "it", declarations: [whole] }] } } };
}

function comment(...tags: string[]): JsDoc {
  return {
    doc: "Does it.",
    tags: tags.map((tag) => {
      const [kind = "", name] = tag.split(" ");
      return name === undefined ? { kind } : { kind, name };
    }),
  };
}

function messages(
  declaration: Partial<Declaration>,
  source = "export function it() {\n}",
): string[] {
  return checkDocs(output(declaration), () => source.split("\n")).map(({ message }) => message);
}

Deno.test("checkDocs() wants a text for every symbol", sanitize, () => {
  assertEquals(messages({ kind: "variable" }), ["it has no text in its comment"]);
  assertEquals(messages({ kind: "variable", jsDoc: comment() }), []);
});

Deno.test("checkDocs() wants @param for every parameter of a function", sanitize, () => {
  const params = [text, { kind: "assign", left: { kind: "identifier", name: "other" } }];
  assertEquals(messages({ jsDoc: comment("param text"), def: { params } }), [
    "it lacks @param other",
  ]);
  assertEquals(messages({ jsDoc: comment("param text", "param other"), def: { params } }), []);
});

Deno.test("checkDocs() wants some @param for options that are taken apart", sanitize, () => {
  const params = [text, pattern];
  assertEquals(messages({ jsDoc: comment("param text"), def: { params } }), [
    "it lacks @param for its options",
  ]);
  assertEquals(messages({ jsDoc: comment("param text", "param options"), def: { params } }), []);
});

Deno.test("checkDocs() refuses @param for what is no parameter", sanitize, () => {
  assertEquals(messages({ jsDoc: comment("param old"), def: { params: [] } }), [
    "it has @param old, which is no parameter",
  ]);
  const method: Method = { name: "run", location, jsDoc: comment("param old"), params: [text] };
  assertEquals(messages({ kind: "interface", jsDoc: comment(), def: { methods: [method] } }), [
    "it.run has @param old, which is no parameter",
  ]);
});

Deno.test("checkDocs() wants @returns when something is returned", sanitize, () => {
  const promise = (inner: string) => ({
    kind: "typeRef",
    repr: "Promise",
    value: { typeParams: [keyword(inner)] },
  });
  for (const returnType of [keyword("string"), promise("string")]) {
    assertEquals(messages({ jsDoc: comment(), def: { returnType } }), ["it lacks @returns"]);
    assertEquals(messages({ jsDoc: comment("return"), def: { returnType } }), []);
  }
  for (const returnType of [keyword("void"), keyword("never"), promise("void")]) {
    assertEquals(messages({ jsDoc: comment(), def: { returnType } }), []);
  }
});

Deno.test("checkDocs() wants @throws when the body throws, and looks no further", sanitize, () => {
  const throwing = "export function it() {\n  if (a) throw new Error();\n}";
  const quiet = "export function it() {\n}\nfunction next() {\n  throw new Error();\n}";
  const caught = "export function it() {\n  try {\n    throw new Error();\n  } catch {\n  }\n}";
  const rethrown = caught.replace("catch {", "catch {\n    throw new Error();");
  const inner = "export function it() {\n  return () => {\n    throw new Error();\n  };\n}";
  assertEquals(messages({ jsDoc: comment(), def: {} }, caught), []);
  assertEquals(messages({ jsDoc: comment(), def: {} }, inner), []);
  assertEquals(messages({ jsDoc: comment(), def: {} }, rethrown), ["it lacks @throws"]);
  assertEquals(messages({ jsDoc: comment(), def: {} }, throwing), ["it lacks @throws"]);
  assertEquals(messages({ jsDoc: comment("throws"), def: {} }, throwing), []);
  assertEquals(messages({ jsDoc: comment(), def: {} }, quiet), []);
});

Deno.test("checkDocs() leaves a re-export to the file that it comes from", sanitize, () => {
  assertEquals(messages({ kind: "reference" }), []);
});

Deno.test("checkDocs() reports a symbol once, however often it is exported", sanitize, () => {
  const once = output({ kind: "variable" }).nodes["file:///mod.ts"];
  const twice = { nodes: { "file:///mod.ts": once, "file:///other.ts": once } } as DocOutput;
  assertEquals(checkDocs(twice, () => []).length, 1);
});
