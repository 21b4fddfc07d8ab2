import { type CommandSpec, HELP_OPTION } from "./args.ts";

/**
 * Writes the help of one command.
 *
 * @param spec What the command understands.
 * @param program The name that the program is started by.
 * @returns Lines for people, with a line end after the last one.
 */
export function commandHelp(spec: CommandSpec, program: string): string {
  const options = { ...spec.options, help: HELP_OPTION };
  const positionals = spec.positionals ?? [];
  const usage = [
    `Usage: ${program} ${spec.name} [OPTIONS]`,
    ...positionals.map(({ name, optional, many }) => {
      const shown = many ? `${name}...` : name;
      return optional ? `[${shown}]` : shown;
    }),
    ...spec.passthrough ? [`-- ${spec.passthrough.name}`] : [],
  ].join(" ");
  const args = positionals.map(({ name, help }): Row => [name, help]);
  if (spec.passthrough) args.push([spec.passthrough.name, spec.passthrough.help]);
  const opts = Object.entries(options).map(
    ([name, { short, type, value, multiple, help }]): Row => {
      const argument = type === "string" ? ` ${value ?? "VALUE"}` : "";
      const repeat = multiple ? " (can be repeated)" : "";
      return [`${short ? `-${short}, ` : "    "}--${name}${argument}`, `${help}${repeat}`];
    },
  );
  return sections([
    [capitalize(spec.summary)],
    [usage],
    table("Arguments:", args),
    table("Options:", opts),
    ...Object.entries(spec.tables ?? {}).map(([title, rows]) => table(`${title}:`, rows)),
  ]);
}

/**
 * Writes the help of the whole program.
 *
 * @param program Its name and what it is, in a line.
 * @param commands What it can do, in the order to show.
 * @returns Lines for people, with a line end after the last one.
 */
export function programHelp(
  program: { readonly name: string; readonly summary: string },
  commands: readonly CommandSpec[],
): string {
  return sections([
    [capitalize(program.summary)],
    [`Usage: ${program.name} COMMAND [OPTIONS]`],
    table("Commands:", commands.map(({ name, summary }): Row => [name, summary])),
    [`"${program.name} COMMAND --help" says more about a command.`],
  ]);
}

type Row = readonly [left: string, right: string];

function table(title: string, rows: readonly Row[]): string[] {
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(([left]) => left.length));
  return [title, ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)];
}

function sections(parts: readonly string[][]): string {
  const shown = parts.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${shown.join("\n\n")}\n`;
}

function capitalize(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
}
