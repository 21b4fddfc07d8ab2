import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";

const FILE = fileURLToPath(new URL("../../schemas/preflight-report.schema.json", import.meta.url));

/** The names that the schema allows for checks, in its order. */
export const SCHEMA_CHECKS: readonly string[] = readSchema().$defs.result.properties.name.enum;

/**
 * Holds a report against the schema of the repository.
 *
 * @param report What `preflight --json` printed, parsed.
 * @returns What is wrong with it, each with its place; empty for a valid one.
 */
export function reportProblems(report: unknown): string[] {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
  });
  const validate = ajv.compile(readSchema());
  if (validate(report)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

function readSchema() {
  return JSON.parse(Deno.readTextFileSync(FILE));
}
