import { NotFoundError } from "#src/core/mod.ts";
import { listVersions } from "./installed.ts";
import { chooseVersion } from "./resolve.ts";
import { parseRequest } from "./version.ts";

/**
 * Checks that an R version can be served without falling back to another R.
 *
 * @param version As for {@linkcode resolveRBinary}; an empty one always passes.
 * @param options `base` is the folder as for {@linkcode installedRVersions}.
 * @throws {NotFoundError} When nothing fits; the message is for the user and says which R is
 * wanted and which are there.
 * @throws {RangeError} When the version does not look like one.
 * @throws {Error} When the base is there and cannot be listed.
 */
export async function checkRVersion(version: string, options: { base: string }): Promise<void> {
  if (version === "") return;
  const wanted = parseRequest(version);
  const installed = await listVersions(options.base);
  if (chooseVersion(wanted, installed) !== undefined) return;
  throw new NotFoundError(
    installed.length === 0
      ? `cannot serve R ${version}: no version of R is installed in ${options.base}`
      : `cannot serve R ${version}: ${options.base} has ${
        installed.map(({ text }) => text).join(", ")
      }`,
  );
}
