/** What a folder below the base looks like. */
export type FakeR = "executable" | "not executable" | "directory as bin/R" | "empty";

/** A folder laid out as rig does it, that removes itself. */
export interface FakeRig extends AsyncDisposable {
  readonly base: string;
  /** Makes one more entry below the base. */
  add(name: string, kind?: FakeR): Promise<void>;
}

/** Makes a base in a temporary folder, with an executable `bin/R` for each name. */
export async function fakeRig(...names: string[]): Promise<FakeRig> {
  const base = await Deno.makeTempDir({ prefix: "blockyard-rig-" });
  const add = async (name: string, kind: FakeR = "executable") => {
    const bin = `${base}/${name}/bin`;
    await Deno.mkdir(kind === "directory as bin/R" ? `${bin}/R` : bin, { recursive: true });
    if (kind === "executable") await Deno.writeTextFile(`${bin}/R`, "", { mode: 0o755 });
    if (kind === "not executable") await Deno.writeTextFile(`${bin}/R`, "", { mode: 0o644 });
  };
  for (const name of names) await add(name);
  return {
    base,
    add,
    [Symbol.asyncDispose]: () => Deno.remove(base, { recursive: true }),
  };
}
