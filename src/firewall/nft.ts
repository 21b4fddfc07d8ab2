import { removalText } from "./ruleset.ts";

/** How nft ended. */
export interface NftResult {
  /** Its exit code. */
  readonly code: number;
  /** What it wrote to standard output. */
  readonly stdout: string;
  /** What it wrote to standard error. */
  readonly stderr: string;
}

/** Runs nft with these arguments, and `input` as its standard input; rejects if it cannot. */
export type RunNft = (args: readonly string[], input?: string) => Promise<NftResult>;

/** Longer listings may be cut by who runs programs, and what is cut cannot be compared. */
const MAX_LISTING = 60 * 1024;

/** The tables of this network namespace, of the family `inet`, by nft(8). */
export class Nft {
  readonly #run: RunNft;

  /**
   * Runs nothing yet.
   *
   * @param run Runs nft.
   */
  constructor(run: RunNft) {
    this.#run = run;
  }

  /**
   * Makes changes, all of them or none.
   *
   * @param text What to change, in the language of `nft -f`.
   * @throws {Error} When the kernel or nft refuses.
   */
  async apply(text: string): Promise<void> {
    await this.#output(["-f", "-"], "set firewall rules", text);
  }

  /**
   * Has the kernel look at changes that are not made.
   *
   * @param text What to change, in the language of `nft -f`.
   * @throws {Error} When the kernel or nft would refuse.
   */
  async check(text: string): Promise<void> {
    await this.#output(["-c", "-f", "-"], "set firewall rules", text);
  }

  /**
   * Lists a table: as text, of which every flag is part, which that of JSON leaves out here and
   * there.
   *
   * @param table Its name.
   * @returns Its rules, always the same text for the same ones; undefined when there is no such table.
   * @throws {Error} When it cannot be told.
   */
  async list(table: string): Promise<string | undefined> {
    const args = ["--numeric", "--stateless", "list", "table", "inet", table];
    const listing = await this.#output(args, "list firewall rules");
    if (listing !== undefined && listing.length > MAX_LISTING) {
      throw new Error(`cannot compare the firewall rules in ${table}: they are too many`);
    }
    return listing;
  }

  /**
   * Lists which tables there are.
   *
   * @returns Their names.
   * @throws {Error} When it cannot be told.
   */
  async tables(): Promise<string[]> {
    const listing = await this.#output(["list", "tables"], "list firewall tables") ?? "";
    return listing.split("\n").flatMap((line) => /^table inet (\S+)$/.exec(line)?.[1] ?? []);
  }

  /**
   * Removes a table, if it is there.
   *
   * @param table Its name.
   * @throws {Error} When the kernel or nft refuses.
   */
  async remove(table: string): Promise<void> {
    await this.#output(["-f", "-"], `remove the firewall rules in ${table}`, removalText(table));
  }

  /** Undefined where nft says that there is no such thing. */
  async #output(
    args: readonly string[],
    what: string,
    input?: string,
  ): Promise<string | undefined> {
    const { code, stdout, stderr } = await this.#run(args, input);
    if (code === 0) return stdout;
    if (args.includes("table") && /No such file or directory/.test(stderr)) return undefined;
    throw new Error(`cannot ${what}: ${reason(code, stderr.trim() || stdout.trim())}`);
  }
}

/** The first lines of nft's errors say what is wrong, the others point at where. */
function reason(code: number, said: string): string {
  if (/Operation not permitted/.test(said)) {
    return "the kernel does not permit it, want root with CAP_NET_ADMIN in this network namespace";
  }
  const lines = said.split("\n").filter((line) => !/^\s*[\^~]+\s*$/.test(line)).slice(0, 4);
  return `nft ended with code ${code}${lines.length === 0 ? "" : ` and said ${lines.join("; ")}`}`;
}
