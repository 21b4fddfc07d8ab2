// deno-lint-ignore-file no-console -- a program whose parent reads its port
/**
 * The shortest proxy that Deno alone makes: `PROGRAM UPSTREAM_PORT`. Prints the port that it
 * listens on.
 *
 * @module
 */
if (import.meta.main) {
  const upstream = `http://127.0.0.1:${Number(Deno.args[0])}`;
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(port),
  }, ({ url, method, headers, body }, { remoteAddr }) => {
    const { pathname, search } = new URL(url);
    const sent = new Headers(headers);
    sent.append("X-Forwarded-For", (remoteAddr as Deno.NetAddr).hostname);
    sent.append("X-Forwarded-Proto", "http");
    return fetch(upstream + pathname + search, {
      method,
      headers: sent,
      body,
      redirect: "manual",
    });
  });
}
