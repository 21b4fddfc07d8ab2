/**
 * The command line: which command runs, and what becomes of its errors.
 *
 * @module
 */
export { runCommand } from "./run_command.ts";
