import manifest from "../../deno.json" with { type: "json" };

/** How the running program came to be. */
export interface BuildInfo {
  /** The release, as in `deno.json`. */
  readonly version: string;
  /**
   * `source` runs from a checkout, `compiled` was made by `deno compile`, `single-file` unpacks
   * itself and runs with the Deno that it carries.
   */
  readonly kind: "source" | "compiled" | "single-file";
  /** The commit that it was built from, with `-dirty` if files differed; empty when unknown. */
  readonly commit: string;
}

/** This program. `scripts/build/stage.ts` writes this module anew in the copy that it builds. */
export const BUILD_INFO: BuildInfo = { version: manifest.version, kind: "source", commit: "" };
