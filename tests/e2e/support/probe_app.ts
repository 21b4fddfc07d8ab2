import type { TempFolder } from "#tests/support/temp_folder.ts";
import { AppClient } from "./app_client.ts";

/** How the probe app is configured, but for its `path`. */
export const PROBE_COMMAND: readonly string[] = ["Rscript", "/app/probe.R", "{port}"];

/** The same for one without a network. */
export const PROBE_ON_SOCKET: readonly string[] = ["Rscript", "/app/probe.R", "{socket}"];

/**
 * Copies one of the apps beside these tests to where workers can read it.
 *
 * @param folder Where to.
 * @param app Its name in `tests/e2e/apps`.
 * @returns The absolute path of the copy.
 */
export async function copyApp(folder: TempFolder, app: string): Promise<string> {
  const source = new URL(`../apps/${app}/`, import.meta.url);
  for await (const { name } of Deno.readDir(source)) {
    await folder.write(`${app}/${name}`, await Deno.readTextFile(new URL(name, source)));
  }
  return `${folder.path}/${app}`;
}

/** The probe app of a server: it carries out R code inside the sandbox. */
export class Probe {
  readonly #client: AppClient;

  /**
   * Makes a session with the app.
   *
   * @param serverUrl Where the server listens.
   * @param app The name under which the probe is served.
   */
  constructor(serverUrl: string, app: string) {
    this.#client = new AppClient(serverUrl, app);
  }

  /** The headers that bring a request to the same worker. */
  get headers(): Record<string, string> {
    return this.#client.headers;
  }

  /**
   * Carries out R code.
   *
   * @param code What to carry out.
   * @returns What it printed.
   * @throws {Error} When it stopped with an error.
   */
  run(code: string): Promise<string> {
    return this.#client.text("", { method: "POST", body: code });
  }

  /**
   * Carries out shell commands.
   *
   * @param script The commands; in single quotes for R, so that it must hold none.
   * @returns What they wrote, errors included.
   */
  shell(script: string): Promise<string> {
    return this.run(
      `cat(suppressWarnings(system2("sh", c("-c", shQuote(r"---(${script})---")),` +
        ` stdout = TRUE, stderr = TRUE)), sep = "\\n")`,
    );
  }
}
