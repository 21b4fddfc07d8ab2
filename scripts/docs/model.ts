/**
 * What this repository reads of the format of `deno doc --json`, version 2.
 *
 * @module
 */

/** Where a symbol is written. */
export interface Location {
  /** A file URL. */
  readonly filename: string;
  /** From 1. */
  readonly line: number;
}

/** A documentation comment. */
export interface JsDoc {
  /** The text before the tags. */
  readonly doc?: string;
  /** The tags, in their order; `return` and `throws` have no name. */
  readonly tags?: readonly { readonly kind: string; readonly name?: string }[];
}

/** A type, as far as it tells whether a function returns something. */
export interface TypeRef {
  /** `keyword`, `typeRef`, `typePredicate` and others. */
  readonly kind: string;
  /** The type as text, for simple ones. */
  readonly repr?: string;
  /** The keyword itself, or the parts of a reference or predicate. */
  readonly value?: unknown;
}

/** A parameter; one with a default wraps the other in `left`, a rest parameter in `arg`. */
export interface Param {
  /** `identifier`, `object`, `array`, `assign` or `rest`. */
  readonly kind: string;
  /** For an identifier. */
  readonly name?: string;
  /** For a parameter with a default. */
  readonly left?: Param;
  /** For a rest parameter. */
  readonly arg?: Param;
}

/** A function, or the part of a method that is one. */
export interface FunctionDef {
  /** In their order. */
  readonly params?: readonly Param[];
  /** Absent when it is inferred. */
  readonly returnType?: TypeRef;
}

/** A method of an interface (its parameters beside its name) or a class (in `functionDef`). */
export interface Method extends FunctionDef {
  /** As written. */
  readonly name: string;
  /** Where it is. */
  readonly location: Location;
  /** Its comment. */
  readonly jsDoc?: JsDoc;
  /** For a method of a class. */
  readonly functionDef?: FunctionDef;
}

/** One declaration of an exported symbol. */
export interface Declaration {
  /** Where it is. */
  readonly location: Location;
  /** `function`, `class`, `interface`, `variable`, `typeAlias` and others. */
  readonly kind: string;
  /** Its comment. */
  readonly jsDoc?: JsDoc;
  /** A function's signature; the methods of a class or interface. */
  readonly def?: FunctionDef & { readonly methods?: readonly Method[] };
}

/** The whole output. */
export interface DocOutput {
  /** The exported symbols by the module that was asked for. */
  readonly nodes: Readonly<
    Record<
      string,
      {
        readonly symbols: readonly {
          readonly name: string;
          readonly declarations: readonly Declaration[];
        }[];
      }
    >
  >;
}
