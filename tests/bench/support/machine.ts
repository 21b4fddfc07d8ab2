/** Where the numbers come from; without this they say nothing. */
export interface Machine {
  /** The processor as it calls itself. */
  readonly cpu: string;
  /** How many processors this process can use. */
  readonly cores: number;
  /** How many processes wanted a processor, on average over the minute before: noise, if not 0. */
  readonly loadAverage: number;
  /** Such as `6.18.5`. */
  readonly kernel: string;
  /** What the executable says of itself; empty when it is not built. */
  readonly blockyard: string;
  /** The Deno that runs the benchmarks. */
  readonly deno: string;
  /** bubblewrap's version; empty when it is not there. */
  readonly bwrap: string;
  /** R's version; empty when it is not there. */
  readonly r: string;
}

/**
 * Describes this machine.
 *
 * @param executable The single executable, which need not be there.
 * @returns The description.
 */
export async function describeMachine(executable: string): Promise<Machine> {
  const cpuinfo = await Deno.readTextFile("/proc/cpuinfo");
  return {
    // Not every architecture has a name in there.
    cpu: /^model name\s*:\s*(.+)$/m.exec(cpuinfo)?.[1] ?? Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    loadAverage: Deno.loadavg()[0] ?? 0,
    kernel: Deno.osRelease(),
    blockyard: await firstLine(executable, "--version"),
    deno: Deno.version.deno,
    bwrap: (await firstLine("bwrap", "--version")).replace("bubblewrap ", ""),
    r: /\d+\.\d+\.\d+/.exec(await firstLine("R", "--version"))?.[0] ?? "",
  };
}

async function firstLine(program: string, ...args: string[]): Promise<string> {
  try {
    const { success, stdout } = await new Deno.Command(program, { args, stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout).split("\n")[0] ?? "" : "";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
