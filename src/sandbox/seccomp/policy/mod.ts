/**
 * The built-in policy: which system calls workers may make, and why. Whoever changes it edits the
 * groups and the table of verdicts in the tests, nothing else.
 *
 * @module
 */
import { ALLOWED } from "./allowed.ts";
import type { CallGroup } from "./call_group.ts";
import { CHECKED } from "./checked.ts";
import { REFUSED } from "./refused.ts";

export * from "./call_group.ts";

/** All groups; together they name every call of every architecture that is known. */
export const POLICY: readonly CallGroup[] = [...ALLOWED, ...CHECKED, ...REFUSED];
