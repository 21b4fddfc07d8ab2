import { EXECUTABLE } from "#tests/e2e/support/executable.ts";
import { unitText } from "#tests/support/unit_text.ts";
import { CGROUP } from "./guest_command.ts";
import { GuestClient } from "./guest_client.ts";
import type { Vm } from "./vm.ts";

/** The unit's name. */
export const UNIT = "blockyard.service";
/** The folder of the group that systemd gives it. */
export const UNIT_GROUP = `${CGROUP}/system.slice/${UNIT}`;

const INSTALLED = "/usr/local/bin/blockyard";
const CACHE = "/var/cache/blockyard";
const CONFIG = "/etc/blockyard.yaml";
const DROP_IN = `/etc/systemd/system/${UNIT}.d/override.conf`;
/** A bash that reads a unit's log until there are so many lines with a pattern. */
const FOLLOW = `
  exec 3< <(exec journalctl --follow --lines=all --output=cat --unit="$0")
  seen=$(grep --max-count="$1" --extended-regexp "$2" <&3 | wc -l)
  kill $!
  [ "$seen" = "$1" ]
`;
/** How long a server may take to start, whose preflight runs R several times, in milliseconds. */
const START_MS = 240_000;

/** How a unit is installed. */
export interface GuestUnitOptions {
  /** The server's configuration. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The folder in which {@linkcode unpackForGuests} unpacked the executable. */
  readonly unpacked: string;
}

/** A server that the machine's systemd runs by the unit that the executable prints. */
export class GuestUnit {
  readonly #vm: Vm;

  /**
   * Names one.
   *
   * @param vm A machine with systemd.
   */
  constructor(vm: Vm) {
    this.#vm = vm;
  }

  /**
   * Does what an administrator does: lays down the executable and a configuration, and carries out
   * what the comment at the unit's top says, which also starts it.
   *
   * @param options What is installed.
   */
  async install({ config, unpacked }: GuestUnitOptions): Promise<void> {
    // It would do that itself, in a quarter of a minute.
    await this.#vm.sh(`
      rm -rf ${CACHE}
      cp -a ${unpacked} ${CACHE}
      cp ${EXECUTABLE} ${INSTALLED}
    `);
    await this.configure(config);
    const spec = { executable: INSTALLED, configPath: CONFIG };
    const commands = [...unitText({ config, spec }).matchAll(/^# {5}(.*)$/gm)];
    for (const [, command = ""] of commands) await this.#vm.sh(command);
  }

  /**
   * Writes the configuration.
   *
   * @param config What is in the file.
   */
  async configure(config: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#vm.write(CONFIG, JSON.stringify(config));
  }

  /**
   * Changes what it starts, as `systemctl edit` does.
   *
   * @param options More options of `blockyard serve`.
   */
  async startWith(options: readonly string[]): Promise<void> {
    const command = [INSTALLED, "serve", "--config", CONFIG, ...options].join(" ");
    await this.#vm.write(DROP_IN, `[Service]\nExecStart=\nExecStart=${command}\n`);
    await this.#vm.sh("systemctl daemon-reload");
  }

  /**
   * Reads properties of it, systemctl(1).
   *
   * @param names The names of the properties.
   * @returns Their values by name.
   */
  async properties<Name extends string>(...names: Name[]): Promise<Record<Name, string>> {
    const text = await this.#vm.sh(`systemctl show --property=${names.join()} ${UNIT}`);
    const lines = text.split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2));
    return Object.fromEntries(lines);
  }

  /**
   * Reads what the server, and systemd about it, have said since the machine was started.
   *
   * @returns The lines.
   */
  async log(): Promise<string> {
    return await this.#vm.sh(`journalctl --output=cat --unit=${UNIT}`);
  }

  /**
   * Waits for lines in its log.
   *
   * @param pattern What is in each of them, as `grep --extended-regexp` understands it.
   * @param options `count` is how many there have to be since the machine was started.
   * @throws {Error} When there are fewer after four minutes, with the log.
   */
  async said(pattern: string, { count = 1 }: { count?: number } = {}): Promise<void> {
    // To look again and again would take the emulated processor from what is waited for.
    const command = ["/bin/bash", "-c", FOLLOW, UNIT, String(count), pattern];
    try {
      const { code, stderr } = await this.#vm.run(command, { timeoutMs: START_MS });
      if (code !== 0) throw new Error(`the log ended: ${stderr}`);
    } catch (cause) {
      const message = `no ${pattern}, or fewer than ${count}, in the log:\n${await this.log()}`;
      throw new Error(message, { cause });
    }
  }

  /**
   * Waits until it serves.
   *
   * @param options `starts` is how often that is, since the machine was started.
   * @returns What asks it.
   */
  async serving({ starts = 1 }: { starts?: number } = {}): Promise<GuestClient> {
    await this.said('"msg":"serving"', { count: starts });
    const token = await this.#vm.sh("cat /var/lib/blockyard/admin-token");
    return new GuestClient(this.#vm, { port: "8080", token });
  }

  /**
   * Lists the processes of its group and of all groups below.
   *
   * @returns The pid and uid of each; none when the group is gone.
   */
  async processes(): Promise<{ pid: number; uid: number }[]> {
    const text = await this.#vm.sh(`
      find ${UNIT_GROUP} -name cgroup.procs -exec cat {} + 2>/dev/null | while read -r pid; do
        echo "$pid $(stat -c %u "/proc/$pid" 2>/dev/null)"
      done
    `);
    return text.split("\n").filter((line) => /^\d+ \d+$/.test(line)).map((line) => {
      const [pid = NaN, uid = NaN] = line.split(" ").map(Number);
      return { pid, uid };
    });
  }
}
