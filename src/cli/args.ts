/**
 * Reads command lines from a description of each command. The only file that knows the parser.
 *
 * @module
 */
import { nearestName, UsageError } from "#src/core/mod.ts";
import { parseArgs } from "node:util";

/** An option of a command, written `--name`. */
export interface OptionSpec {
  /** `string` takes a value, `boolean` does not. */
  readonly type: "string" | "boolean";
  /** One letter for `-f`. */
  readonly short?: string;
  /** What the value is called in the help, in capitals; for `string` only. */
  readonly value?: string;
  /** Whether it can be given several times; its result is a list then. For `string` only. */
  readonly multiple?: boolean;
  /** What it does, in a few words, for the help. */
  readonly help: string;
}

/** An argument that is known by its place. */
export interface PositionalSpec {
  /** What it is called in the help, in capitals. */
  readonly name: string;
  /** What it is, in a few words, for the help. */
  readonly help: string;
  /** Whether it can be left out; those after it can then, too. */
  readonly optional?: boolean;
  /** Whether it takes all that is left; for the last one. */
  readonly many?: boolean;
}

/** What a command understands. */
export interface CommandSpec {
  /** What is typed after the program's name; words of a subcommand are separated by a space. */
  readonly name: string;
  /** What it does, in a line, for the help. */
  readonly summary: string;
  /** Its options by their long names; `help` is there for every command. */
  readonly options?: Readonly<Record<string, OptionSpec>>;
  /** Its arguments in their order; none if not given. */
  readonly positionals?: readonly PositionalSpec[];
  /** More for the help: rows of two columns each, by their title. */
  readonly tables?: Readonly<Record<string, readonly (readonly [left: string, right: string])[]>>;
  /** What comes after `--` untouched; without it, arguments after `--` are positional. */
  readonly passthrough?: { readonly name: string; readonly help: string };
}

/** The type of an option's value once it is read. */
export type OptionValue<Option extends OptionSpec> = Option["type"] extends "boolean" ? boolean
  : Option["multiple"] extends true ? readonly string[]
  : string | undefined;

/** A command line that was read. */
export interface ParsedArgs<Spec extends CommandSpec> {
  /** Whether `--help` was there; then nothing else was checked. */
  readonly help: boolean;
  /** Every option: false, undefined or an empty list where it was not given. */
  readonly options: {
    readonly [Name in keyof NonNullable<Spec["options"]>]: OptionValue<
      NonNullable<Spec["options"]>[Name]
    >;
  };
  /** The positional arguments, as many as the command wants. */
  readonly positionals: readonly string[];
  /** What came after `--`, for a command with `passthrough`. */
  readonly passthrough: readonly string[];
}

/**
 * Reads the command line of one command.
 *
 * @param spec What the command understands.
 * @param args What was typed after the command's name.
 * @returns What it says.
 * @throws {UsageError} When it cannot be understood; the message says what is wanted.
 */
export function parseCommand<const Spec extends CommandSpec>(
  spec: Spec,
  args: readonly string[],
): ParsedArgs<Spec> {
  const known: Record<string, OptionSpec> = { ...spec.options, help: HELP_OPTION };
  const end = spec.passthrough ? args.indexOf("--") : -1;
  const ours = end < 0 ? args : args.slice(0, end);
  const { tokens } = parseArgs({
    args: [...ours],
    // Its own checks stop at the first problem with messages of their own kind.
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(known).map((
        [name, { type, short }],
      ) => [name, { type, ...short && { short } }]),
    ),
  });
  const passthrough = end < 0 ? [] : args.slice(end + 1);
  if (tokens.some((token) => token.kind === "option" && token.name === "help")) {
    return { help: true, options: emptyOptions(known), positionals: [], passthrough } as ParsedArgs<
      Spec
    >;
  }
  const options = emptyOptions(known);
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind === "option") readOption(token, known, options);
  }
  checkPositionals(spec, positionals);
  return { help: false, options, positionals, passthrough } as ParsedArgs<Spec>;
}

/**
 * Makes the error for a command that does not exist.
 *
 * @param name What was typed.
 * @param known The commands that exist.
 * @returns An error that names the nearest one.
 */
export function unknownCommand(name: string, known: Iterable<string>): UsageError {
  const names = [...known];
  const near = nearestName(name, names);
  const want = near === undefined ? `one of ${names.join(", ")}` : JSON.stringify(near);
  return new UsageError(`unknown command ${JSON.stringify(name)}: want ${want}`);
}

/** The option that every command has. */
export const HELP_OPTION: OptionSpec = { type: "boolean", short: "h", help: "print this help" };

type OptionToken = {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
};

type Options = Record<string, boolean | string | undefined | string[]>;

function emptyOptions(known: Readonly<Record<string, OptionSpec>>): Options {
  const options: Options = Object.create(null);
  for (const [name, { type, multiple }] of Object.entries(known)) {
    if (name !== "help") options[name] = type === "boolean" ? false : multiple ? [] : undefined;
  }
  return options;
}

function readOption(
  { name, rawName, value, inlineValue }: OptionToken,
  known: Readonly<Record<string, OptionSpec>>,
  options: Options,
): void {
  const option = Object.hasOwn(known, name) ? known[name] : undefined;
  if (!option) {
    const near = nearestName(name, Object.keys(known));
    const want = near === undefined ? "one of those that --help lists" : `--${near}`;
    throw new UsageError(`unknown option ${rawName}: want ${want}`);
  }
  if (option.type === "boolean") {
    if (value !== undefined) throw new UsageError(`option ${rawName} has a value: want none`);
    options[name] = true;
    return;
  }
  // A forgotten value would otherwise swallow the option after it.
  if (value === undefined || (!inlineValue && /^-./.test(value))) {
    throw new UsageError(
      `option ${rawName} has no value: want ${rawName} ${option.value ?? "VALUE"}` +
        (value === undefined ? "" : `, or --${name}=${value} if ${value} is meant as the value`),
    );
  }
  const current = options[name];
  if (Array.isArray(current)) current.push(value);
  else if (current === undefined) options[name] = value;
  else throw new UsageError(`option ${rawName} is given twice: want it once`);
}

function checkPositionals({ positionals = [] }: CommandSpec, given: readonly string[]): void {
  const missing = positionals[given.length];
  if (missing && !missing.optional) {
    throw new UsageError(`${missing.name} is missing: want ${missing.help}`);
  }
  if (given.length > positionals.length && !positionals.at(-1)?.many) {
    const extra = JSON.stringify(given[positionals.length]);
    const want = positionals.length === 0 ? "none" : positionals.map(({ name }) => name).join(" ");
    throw new UsageError(`unexpected argument ${extra}: want ${want}`);
  }
}
