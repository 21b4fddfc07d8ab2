import { assertEquals, assertMatch, assertStringIncludes } from "#tests/support/assert.ts";
import { settle } from "#tests/support/fake_clock.ts";
import { app, asForward, asResponse, cookieOf, planeRig, strict } from "./harness.ts";

const browser: [string, string] = ["Accept", "text/html"];

Deno.test(
  "a request without a session is held until a worker answers, then forwarded",
  strict,
  async () => {
    const { plane, backend, clock, ask } = planeRig();
    backend.script = (worker) => {
      worker.health = "unhealthy";
    };
    let isDecided = false;
    const asked = ask("/app/hello/a/b?c=%20d").finally(() => isDecided = true);
    await clock.advance(5000);
    assertEquals(isDecided, false);
    backend.worker(0).health = "healthy";
    await clock.advance(100);
    const verdict = asForward(await asked);
    assertEquals(verdict.target, "/a/b?c=%20d");
    assertEquals(verdict.upstream, backend.worker(0).info.address);
    await plane.close();
  },
);

Deno.test(
  "a new session is told to the browser once, bound to the app's path",
  strict,
  async () => {
    const { plane, ask } = planeRig();
    const first = asForward(await ask("/app/hello/"));
    const sent = first.mapResponseHeaders?.([["Content-Type", "text/html"]], 200) ?? [];
    assertEquals(sent[0], ["Content-Type", "text/html"]);
    assertEquals(sent[1]?.[0], "Set-Cookie");
    assertMatch(
      sent[1]?.[1] ?? "",
      /^blockyard_session=[A-Za-z0-9_-]{32}; Path=\/app\/hello\/; HttpOnly; SameSite=Lax$/,
    );
    const again = asForward(await ask("/app/hello/x", { headers: [cookieOf(first)] }));
    assertEquals(again.mapResponseHeaders?.([["A", "b"]], 200), [["A", "b"]]);
    await plane.close();
  },
);

Deno.test("requests of one session reach one worker, and share its place", strict, async () => {
  const { plane, backend, ask } = planeRig();
  const first = asForward(await ask("/app/hello/"));
  for (let i = 0; i < 5; i++) {
    const next = asForward(await ask("/app/hello/x", { headers: [cookieOf(first)] }));
    assertEquals(next.upstream, first.upstream);
  }
  assertEquals(backend.spawned.length, 1);
  await plane.close();
});

Deno.test("the valid one of several session cookies counts", strict, async () => {
  const { plane, ask } = planeRig();
  const first = asForward(await ask("/app/hello/"));
  const [name, value] = cookieOf(first);
  const cookie = `blockyard_session=stale; ${value}; blockyard_session=x`;
  assertEquals(
    asForward(await ask("/app/hello/", { headers: [[name, cookie]] })).upstream,
    first.upstream,
  );
  await plane.close();
});

Deno.test(
  "a worker without a network is asked for, and reached at its socket",
  strict,
  async () => {
    const { plane, backend, gone, ask } = planeRig({ apps: [app({ network: "none" })] });
    const { upstream } = asForward(await ask("/app/hello/"));
    const { address } = backend.worker(0).info;
    assertEquals([backend.worker(0).spec.network, address.kind], ["none", "unix"]);
    assertEquals(upstream, address);
    await plane.close();
    assertEquals(gone, [address, address]);
  },
);

Deno.test("a session of one app opens no other", strict, async () => {
  const { plane, backend, ask } = planeRig({ apps: [app(), app({ name: "other" })] });
  const first = asForward(await ask("/app/hello/"));
  const other = asForward(await ask("/app/other/", { headers: [cookieOf(first)] }));
  assertEquals(backend.spawned.map(({ spec }) => `${spec.app}`), ["hello", "other"]);
  assertEquals(other.upstream, backend.worker(1).info.address);
  await plane.close();
});

Deno.test(
  "every request without a session begins one of its own, a WebSocket too",
  strict,
  async () => {
    const { plane, backend, ask } = planeRig();
    await Promise.all([
      ask("/app/hello/"),
      ask("/app/hello/style.css"),
      ask("/app/hello/websocket/", { isWebSocket: true }),
      ask("/app/hello/", { headers: [["Cookie", "blockyard_session=invented"]] }),
    ]);
    assertEquals(backend.spawned.length, 4);
    await plane.close();
  },
);

Deno.test(
  "a worker sees neither the session nor forged words about the client",
  strict,
  async () => {
    const { plane, ask } = planeRig();
    const [name, value] = cookieOf(asForward(await ask("/app/hello/")));
    const { headers } = asForward(
      await ask("/app/hello/", {
        headers: [
          ["Host", "apps.example"],
          [name, `theme=dark; ${value}`],
          ["Authorization", "Bearer t"],
          ["X-Forwarded-For", "1.1.1.1"],
        ],
        remoteAddress: "203.0.113.7",
      }),
    );
    assertEquals(headers, [
      ["Host", "apps.example"],
      ["Cookie", "theme=dark"],
      ["Authorization", "Bearer t"],
      ["X-Forwarded-For", "203.0.113.7"],
      ["X-Forwarded-Proto", "http"],
      ["X-Forwarded-Host", "apps.example"],
      ["X-Forwarded-Prefix", "/app/hello"],
    ]);
    await plane.close();
  },
);

Deno.test("a worker cannot set the session cookie", strict, async () => {
  const { plane, ask } = planeRig();
  const first = asForward(await ask("/app/hello/"));
  const second = asForward(await ask("/app/hello/", { headers: [cookieOf(first)] }));
  const answer = [["Set-Cookie", "a=1"], ["set-cookie", "blockyard_session=evil; Path=/"]] as const;
  assertEquals(second.mapResponseHeaders?.(answer, 200), [["Set-Cookie", "a=1"]]);
  const names = first.mapResponseHeaders?.(answer, 200).map(([, value]) => value.split("=")[0]);
  assertEquals(names, ["a", "blockyard_session"]);
  assertEquals(JSON.stringify(first.mapResponseHeaders?.(answer, 200)).includes("evil"), false);
  await plane.close();
});

Deno.test(
  "behind a trusted proxy the cookie is Secure and has the outer path",
  strict,
  async () => {
    const { plane, ask } = planeRig({ trustedProxies: ["127.0.0.0/8"] });
    const headers: [string, string][] = [
      ["X-Forwarded-Proto", "https"],
      ["X-Forwarded-Prefix", "/tools"],
    ];
    const verdict = asForward(await ask("/app/hello/", { headers }));
    const cookie = verdict.mapResponseHeaders?.([], 200).at(-1)?.[1] ?? "";
    assertStringIncludes(cookie, "; Path=/tools/app/hello/;");
    assertStringIncludes(cookie, "; Secure");
    const moved = asResponse(await ask("/app/hello?x", { headers }));
    assertEquals(moved.headers.get("Location"), "/tools/app/hello/?x");
    await plane.close();
  },
);

Deno.test(
  "an app's path without a slash moves to the one with it and starts nothing",
  strict,
  async () => {
    const { plane, backend, ask } = planeRig();
    const response = asResponse(await ask("/app/hello?a=/b"));
    assertEquals([response.status, response.headers.get("Location")], [308, "/app/hello/?a=/b"]);
    assertEquals(asResponse(await ask("/app/unknown")).status, 404);
    assertEquals(backend.spawnCalls, 0);
    await plane.close();
  },
);

Deno.test("what is not there is a 404 that does not repeat the path", strict, async () => {
  const { plane, ask } = planeRig();
  for (const target of ["/x<y>", "/app/nobody/", "/app/%2e%2e/", "//app/hello/", "/app/a%2fb/"]) {
    const response = asResponse(await ask(target, { headers: [browser] }));
    assertEquals(response.status, 404, target);
    assertEquals((await response.text()).includes("<y>"), false);
  }
  await plane.close();
});

Deno.test("/healthz says ok, / lists the apps by name", strict, async () => {
  const { plane, ask } = planeRig({ apps: [app({ name: "b" }), app({ name: "a" })] });
  const alive = asResponse(await ask("/healthz"));
  assertEquals([alive.status, await alive.text()], [200, "ok\n"]);
  const index = asResponse(await ask("/", { headers: [browser] }));
  assertEquals(index.status, 200);
  assertMatch(await index.text(), /<a href="app\/a\/">a<\/a>.*<a href="app\/b\/">b<\/a>/);
  await plane.close();
});

Deno.test("the list of no apps says so", strict, async () => {
  const { plane, ask } = planeRig({ apps: [] });
  assertStringIncludes(await asResponse(await ask("/")).text(), "No app is configured.");
  await plane.close();
});

Deno.test("the server's own pages are only read", strict, async () => {
  const { plane, ask } = planeRig();
  for (const target of ["/", "/healthz"]) {
    assertEquals(asResponse(await ask(target, { method: "HEAD" })).status, 200);
    const refused = asResponse(await ask(target, { method: "POST" }));
    assertEquals([refused.status, refused.headers.get("Allow")], [405, "GET, HEAD"]);
  }
  await plane.close();
});

Deno.test(
  "a failed start is answered with its reason and the worker's last lines",
  strict,
  async () => {
    const { plane, backend, clock, ask } = planeRig();
    backend.script = (worker) => {
      worker.health = "unhealthy";
    };
    const asked = ask("/app/hello/", { headers: [browser] });
    await clock.advance(50);
    backend.worker(0).say("Error in <library(nothere)>");
    backend.worker(0).exit({ kind: "code", code: 1 });
    const response = asResponse(await asked);
    const html = await response.text();
    assertEquals([response.status, response.headers.has("Retry-After")], [502, false]);
    assertStringIncludes(html, "The reason: it ended with exit code 1 before it answered.");
    assertStringIncludes(html, "Error in &lt;library(nothere)&gt;");
    const during = asResponse(await ask("/app/hello/"));
    assertEquals([during.status, during.headers.get("Retry-After")], [502, "1"]);
    assertStringIncludes(await during.text(), "Error in <library(nothere)>");
    await plane.close();
  },
);

Deno.test("every way to fail a start has words and a fitting status", strict, async () => {
  const cases = [
    [{ kind: "signal", signal: "SIGSEGV" }, 502, "ended by SIGSEGV"],
    [{ kind: "oom" }, 502, "more memory than it may have"],
    [{ kind: "lost" }, 502, "its process is gone"],
    [{ kind: "stopped" }, 503, "it was stopped"],
  ] as const;
  for (const [exit, status, words] of cases) {
    const { plane, backend, ask } = planeRig();
    backend.script = (worker) => {
      worker.health = "unhealthy";
      worker.exit(exit);
    };
    const response = asResponse(await ask("/app/hello/"));
    assertEquals(response.status, status);
    assertStringIncludes(await response.text(), words);
    await plane.close();
  }
});

Deno.test("a start that takes too long is a 503", strict, async () => {
  const { plane, backend, clock, ask } = planeRig();
  backend.script = (worker) => {
    worker.health = "unhealthy";
  };
  const asked = ask("/app/hello/");
  await clock.advance(60_000);
  const response = asResponse(await asked);
  assertEquals(response.status, 503);
  assertStringIncludes(await response.text(), "it did not answer within 1 min");
  await plane.close();
});

Deno.test("who finds no place is told to come again", strict, async () => {
  const { plane, clock, ask } = planeRig({ apps: [app({ maxWorkers: 1 })] });
  await ask("/app/hello/");
  const asked = ask("/app/hello/", { headers: [browser] });
  await clock.advance(60_000);
  const response = asResponse(await asked);
  assertEquals([response.status, response.headers.get("Retry-After")], [503, "10"]);
  assertStringIncludes(await response.text(), "all places of app hello are taken");
  await plane.close();
});

Deno.test("a client that goes away while it waits leaves no session behind", strict, async () => {
  const { plane, backend, clock, ask } = planeRig();
  backend.script = (worker) => {
    worker.health = "unhealthy";
  };
  const client = new AbortController();
  const asked = ask("/app/hello/", {}, client.signal);
  await clock.advance(50);
  client.abort();
  assertEquals(asResponse(await asked).status, 499);
  backend.worker(0).health = "healthy";
  await clock.advance(100);
  assertEquals(plane.stats()[0]?.workers.map(({ sessions }) => sessions), [0]);
  await plane.close();
});

Deno.test("a client that goes away as it is served gives its place back", strict, async () => {
  const { plane, backend, ask } = planeRig();
  const client = new AbortController();
  await ask("/app/hello/");
  backend.script = (worker) => {
    queueMicrotask(() => worker.health = "healthy");
    client.abort();
  };
  assertEquals(asResponse(await ask("/app/hello/", {}, client.signal)).status, 499);
  await settle();
  assertEquals(plane.stats()[0]?.workers.map(({ sessions }) => sessions), [1, 0]);
  await plane.close();
});

Deno.test(
  "a worker that cannot be reached is a 502, and a reload gets another",
  strict,
  async () => {
    const { plane, backend, ask } = planeRig();
    const first = asForward(await ask("/app/hello/"));
    const cookie = cookieOf(first);
    first.onEnd?.();
    const broken = asForward(await ask("/app/hello/", { headers: [cookie] }));
    backend.worker(0).isDying = true;
    const page = broken.onUpstreamError?.(new Error("connection refused"));
    assertEquals(page?.status, 502);
    assertStringIncludes(await page?.text() ?? "", "does not answer");
    broken.onEnd?.();
    await settle();
    const reload = asForward(await ask("/app/hello/", { headers: [cookie] }));
    assertEquals(reload.upstream, backend.worker(1).info.address);
    backend.worker(0).exit({ kind: "oom" });
    await plane.close();
  },
);

Deno.test("a session is given up also when its worker looks healthy", strict, async () => {
  const { plane, ask } = planeRig();
  const first = asForward(await ask("/app/hello/"));
  first.onUpstreamError?.(new Error("broken pipe"));
  first.onEnd?.();
  await settle();
  assertEquals(plane.stats()[0]?.workers.map(({ sessions }) => sessions), [0]);
  const reload = asForward(await ask("/app/hello/", { headers: [cookieOf(first)] }));
  assertEquals(cookieOf(reload) === cookieOf(first), false);
  await plane.close();
});

Deno.test(
  "a session whose WebSocket is open survives another exchange that broke",
  strict,
  async () => {
    const { plane, ask } = planeRig();
    const first = asForward(await ask("/app/hello/"));
    const headers = [cookieOf(first)];
    first.onEnd?.();
    asForward(await ask("/app/hello/websocket/", { isWebSocket: true, headers }));
    const broken = asForward(await ask("/app/hello/download", { headers }));
    broken.onUpstreamError?.(new Error("broken pipe"));
    broken.onEnd?.();
    await settle();
    const next = asForward(await ask("/app/hello/", { headers }));
    assertEquals(next.upstream, first.upstream);
    assertEquals(next.mapResponseHeaders?.([], 200), []);
    await plane.close();
  },
);
