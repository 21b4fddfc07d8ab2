import { cstring } from "./cstring.ts";

/** dlfcn.h: what the functions of the library need is looked up when they are called. */
const RTLD_LAZY = 1;

const LOADER_SYMBOLS = {
  /** void *dlopen(const char *filename, int flags) */
  dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
  /** void *dlsym(void *handle, const char *symbol) */
  dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of a library, by their names, with the types that their declarations give them. */
export type Functions<Declared extends Record<string, Deno.ForeignFunction>> = {
  readonly [Name in keyof Declared]: Deno.UnsafeFnPointer<Declared[Name]>["call"];
};

/**
 * Finds functions of a library that stays loaded for the life of this process.
 *
 * `Deno.dlopen` compiles machine code for every function that it is told of, which makes thousands
 * of calls fast and takes longer than all that a launcher does. A function that is called by its
 * pointer needs no such code.
 *
 * @param library The name of a library, such as `libc.so.6`.
 * @param declared The functions, each declared as for `Deno.dlopen`.
 * @returns The functions.
 * @throws {Error} When there is no such library, or it lacks one of the functions.
 */
export function findFunctions<const Declared extends Record<string, Deno.ForeignFunction>>(
  library: string,
  declared: Declared,
): Functions<Declared> {
  // Part of glibc; since 2.34 an empty shell that leads to the same functions in libc.so.6.
  const loader = Deno.dlopen("libdl.so.2", LOADER_SYMBOLS);
  try {
    const handle = loader.symbols.dlopen(cstring(library), RTLD_LAZY);
    if (handle === null) throw new Error(`cannot load ${library}`);
    const found = Object.entries(declared).map(([name, definition]) => {
      const pointer = loader.symbols.dlsym(handle, cstring(name));
      if (pointer === null) throw new Error(`cannot find the function ${name} in ${library}`);
      return [name, callable(pointer, definition)] as const;
    });
    return Object.fromEntries(found) as Functions<Declared>;
  } finally {
    loader.close();
  }
}

function callable(
  pointer: Deno.PointerObject,
  definition: Deno.ForeignFunction,
): (...args: never[]) => unknown {
  const of = new Deno.UnsafeFnPointer(
    pointer as Deno.PointerObject<Deno.ForeignFunction>,
    definition,
  );
  return of.call.bind(of);
}
