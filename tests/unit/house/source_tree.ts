import { fileURLToPath } from "node:url";

/** The repository, with a slash at its end. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

const NOT_OURS = new Set([".git", "coverage", "dist", "node_modules"]);

/**
 * Every file of the repository below some places.
 *
 * @param places Folders or files, as paths from the root; those that do not exist are left out.
 * @returns Paths from the root, sorted.
 */
export function listFiles(...places: string[]): string[] {
  return places.flatMap((place) => {
    try {
      return Deno.statSync(ROOT + place).isDirectory ? walk(place) : [place];
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }).sort();
}

/** One import or re-export. */
export interface Import {
  /** The file that has it, as a path from the root. */
  readonly from: string;
  /** As written. */
  readonly specifier: string;
  /** The file that it names, as a path from the root; undefined for a package. */
  readonly target: string | undefined;
}

/**
 * The imports of a module, dynamic ones and re-exports included.
 *
 * @param from The module, as a path from the root.
 * @param text Its text.
 * @returns One entry for each specifier that is written as a string.
 */
export function importsOf(from: string, text: string): Import[] {
  const code = text.replaceAll(/\/\*.*?\*\//gs, "").replaceAll(/^\s*\/\/.*$/gm, "");
  const patterns = [
    /^(?:import|export)\b[^;"'()]*?\bfrom\s*["']([^"']+)["']/gm,
    /^import\s*["']([^"']+)["']/gm,
    /\bimport\(\s*["']([^"']+)["']/g,
  ];
  return patterns.flatMap((pattern) =>
    Array.from(code.matchAll(pattern), ([, specifier = ""]) => ({
      from,
      specifier,
      target: resolveTarget(from, specifier),
    }))
  );
}

function resolveTarget(from: string, specifier: string): string | undefined {
  if (specifier.startsWith("#")) return specifier.slice(1);
  if (!specifier.startsWith(".")) return undefined;
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

function walk(folder: string): string[] {
  const path = folder === "." ? "" : `${folder}/`;
  return Array.from(Deno.readDirSync(ROOT + folder)).flatMap(({ name, isDirectory, isFile }) => {
    if (isDirectory) return NOT_OURS.has(name) ? [] : walk(path + name);
    return isFile ? [path + name] : [];
  });
}
