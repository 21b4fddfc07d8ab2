import { firstByteOf } from "./first_byte_of.ts";

/** Bytes of the body that the upstream answers with: a small page. */
export const BODY_BYTES = 2048;

/** Two programs that serve until they are disposed of. */
export interface Nginxes extends AsyncDisposable {
  /** The port of the one that answers every request by itself. */
  readonly upstreamPort: number;
  /** The port of the one that forwards to the upstream, over connections that stay open. */
  readonly proxyPort: number;
}

/**
 * Starts nginx twice, with one worker each: as a fast upstream, and as a proxy to it.
 *
 * @param folder Where it may write.
 * @param ports Free ports.
 * @returns Both, answering.
 * @throws {Error} When one does not start or does not answer.
 */
export async function startNginxes(
  folder: string,
  ports: { upstreamPort: number; proxyPort: number },
): Promise<Nginxes> {
  const { upstreamPort, proxyPort } = ports;
  await using started = new AsyncDisposableStack();
  const body = "x".repeat(BODY_BYTES);
  const start = async (name: string, server: string, port: number) => {
    const file = `${folder}/${name}.conf`;
    await Deno.writeTextFile(file, configuration(`${folder}/${name}`, server));
    started.use(await startNginx(file, port));
  };
  await start(
    "upstream",
    `server { listen 127.0.0.1:${upstreamPort}; location / { return 200 "${body}"; } }`,
    upstreamPort,
  );
  await start(
    "proxy",
    `upstream page { server 127.0.0.1:${upstreamPort}; keepalive 64; }
     server {
       listen 127.0.0.1:${proxyPort};
       location / {
         proxy_pass http://page;
         proxy_http_version 1.1;
         proxy_set_header Connection "";
         proxy_set_header Host $http_host;
         proxy_set_header X-Forwarded-For $remote_addr;
         proxy_set_header X-Forwarded-Proto $scheme;
       }
     }`,
    proxyPort,
  );
  const running = started.move();
  return { ...ports, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function configuration(prefix: string, server: string): string {
  return `
daemon off;
worker_processes 1;
pid ${prefix}.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  default_type text/plain;
  # wrk keeps its connections for longer than a browser does.
  keepalive_requests 1000000000;
  client_body_temp_path ${prefix}-body;
  proxy_temp_path ${prefix}-proxy;
  fastcgi_temp_path ${prefix}-fastcgi;
  uwsgi_temp_path ${prefix}-uwsgi;
  scgi_temp_path ${prefix}-scgi;
  ${server}
}
`;
}

async function startNginx(file: string, port: number): Promise<AsyncDisposable> {
  const child = new Deno.Command("nginx", {
    args: ["-e", "stderr", "-c", file],
    env: { PATH: `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin` },
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const stop = async () => {
    child.kill("SIGTERM");
    await child.status;
  };
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      await firstByteOf("/", { port, sinceMs: 0 });
      return { [Symbol.asyncDispose]: stop };
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await stop();
  throw new Error(`nginx does not answer on port ${port}`);
}
