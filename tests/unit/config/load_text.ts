import { type Config, ConfigError, loadConfig, type LoadOptions } from "#src/config/mod.ts";
import { assertThrows } from "#tests/support/assert.ts";

/** What a test can change about where a configuration comes from. */
export type Surroundings = Partial<Omit<LoadOptions, "readFile">>;

/** Loads `text` as the file /etc/c.yaml of a server that runs as root. */
export function load(text: string, surroundings: Surroundings = {}): Config {
  return loadConfig({
    path: "/etc/c.yaml",
    env: {},
    isRoot: true,
    readFile: () => text,
    ...surroundings,
  });
}

/** Loads a text that has to be refused, and returns the lines that say why. */
export function problemsOf(text: string, surroundings: Surroundings = {}): string[] {
  return assertThrows(() => load(text, surroundings), ConfigError).message.split("\n");
}

/** Puts lines into a section: `inSection("server", "bind: x")`. */
export function inSection(section: string, lines: string): string {
  return `${section}:\n${indent(lines, 2)}\n`;
}

/** Adds lines to an app `a` whose path is on line 3, so that they start on line 4, column 5. */
export function inApp(lines: string): string {
  return `apps:\n  a:\n    path: /a\n${indent(lines, 4)}\n`;
}

function indent(lines: string, width: number): string {
  return lines.split("\n").map((line) => " ".repeat(width) + line).join("\n");
}
