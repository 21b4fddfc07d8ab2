/** How long an answer may take, in milliseconds. */
const PATIENCE_MS = 30_000;

/** A WebSocket to the probe app, which sends every message back. */
export interface Echo extends AsyncDisposable {
  /** Resolves when the connection has ended. */
  readonly closed: Promise<CloseEvent>;
  /** Sends a message and resolves with the answer to it. */
  exchange(message: string | Uint8Array<ArrayBuffer>): Promise<string | ArrayBuffer>;
}

/**
 * Opens one.
 *
 * @param serverUrl Where the server listens.
 * @param app The name under which the probe is served.
 * @param headers What brings it to a session, if it is to belong to one.
 * @returns The open WebSocket.
 * @throws {Error} When it cannot be opened.
 */
export async function openEcho(
  serverUrl: string,
  app: string,
  headers: Record<string, string> = {},
): Promise<Echo> {
  const url = `${serverUrl.replace(/^http/, "ws")}/app/${app}/`;
  const socket = new WebSocket(url, { headers });
  socket.binaryType = "arraybuffer";
  const waiting: PromiseWithResolvers<string | ArrayBuffer>[] = [];
  socket.onmessage = ({ data }) => waiting.shift()?.resolve(data);
  const { promise: closed, resolve } = Promise.withResolvers<CloseEvent>();
  socket.onclose = (event) => {
    for (const { reject } of waiting) reject(new Error("the connection ended before the answer"));
    resolve(event);
  };
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`cannot open ${url}`));
  });
  socket.onerror = () => {};
  return {
    closed,
    exchange(message) {
      const answer = Promise.withResolvers<string | ArrayBuffer>();
      const late = setTimeout(() => answer.reject(new Error("no answer came")), PATIENCE_MS);
      waiting.push(answer);
      socket.send(message);
      return answer.promise.finally(() => clearTimeout(late));
    },
    async [Symbol.asyncDispose]() {
      socket.close();
      await closed;
    },
  };
}
