import { tempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";

/** A Shiny app that R serves by itself, without a host around it. */
export interface BareApp extends AsyncDisposable {
  /** Its address, with a slash at its end. */
  readonly url: string;
}

/**
 * Starts a Shiny app the way its author would.
 *
 * @param path The app's folder.
 * @returns The app, listening. Disposing it kills R.
 * @throws {Error} When R ends before it listens.
 */
export async function startBareApp(path: string): Promise<BareApp> {
  await using stack = new AsyncDisposableStack();
  // R that is killed leaves its folder for temporary files.
  const { path: TMPDIR } = stack.use(await tempFolder());
  const port = freePort();
  const code = `shiny::runApp(${
    JSON.stringify(path)
  }, host = "127.0.0.1", port = ${port}L, launch.browser = FALSE)`;
  const child = new Deno.Command("Rscript", {
    args: ["-e", code],
    env: { TMPDIR },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let hasEnded = false;
  const ended = child.status.then(() => hasEnded = true);
  stack.defer(async () => {
    if (!hasEnded) child.kill("SIGKILL");
    await ended;
  });
  await until(async () => {
    if (hasEnded) throw new Error(`R ended instead of serving ${path}`);
    return await isListening(port);
  }, { what: `R does not serve ${path}`, everyMs: 50 });
  const running = stack.move();
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function isListening(port: number): Promise<boolean> {
  try {
    using _connection = await Deno.connect({ hostname: "127.0.0.1", port });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}
