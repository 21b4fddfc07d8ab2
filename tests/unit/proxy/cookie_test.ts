import {
  SESSION_COOKIE,
  sessionCookie,
  sessionCookieValues,
  withoutForgedSession,
  withoutSessionCookie,
} from "#src/proxy/cookie.ts";
import type { HeaderList } from "#src/proxy/headers.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";
import { strict } from "./harness.ts";
import { Random } from "./random.ts";

Deno.test("sessionCookieValues() reads every value of several Cookie fields", strict, () => {
  const headers: HeaderList = [
    ["cookie", "a=1; blockyard_session=one; b=2"],
    ["Accept", "blockyard_session=no"],
    ["COOKIE", "blockyard_session=two;blockyard_session=three"],
  ];
  assertEquals(sessionCookieValues(headers), ["one", "two", "three"]);
});

Deno.test(
  "sessionCookieValues() takes quotes and blanks off and skips what is empty",
  strict,
  () => {
    const headers: HeaderList = [[
      "Cookie",
      ' blockyard_session = "quoted" ;blockyard_session=; blockyard_session; ' +
      'blockyard_session=""; Blockyard_Session=case; xblockyard_session=x',
    ]];
    assertEquals(sessionCookieValues(headers), ["quoted"]);
  },
);

Deno.test("withoutSessionCookie() leaves every other pair as it came", strict, () => {
  const headers: HeaderList = [
    ["Cookie", 'a="1; x";; =v; broken ;blockyard_session=s;  z=%41=='],
    ["Host", "h"],
    ["Cookie", "blockyard_session=s"],
    ["cookie", "other=1"],
  ];
  assertEquals(withoutSessionCookie(headers), [
    ["Cookie", 'a="1; x";; =v; broken ;  z=%41=='],
    ["Host", "h"],
    ["cookie", "other=1"],
  ]);
});

Deno.test(
  "withoutSessionCookie() finds the cookie inside quotes that hold a semicolon",
  strict,
  () => {
    const [field] = withoutSessionCookie([["Cookie", 'a="x; blockyard_session=secret; y"']]);
    assertEquals(field, ["Cookie", 'a="x; y"']);
  },
);

Deno.test(
  "withoutSessionCookie() returns the same list when there is nothing to take",
  strict,
  () => {
    const headers: HeaderList = [["Cookie", "a=1"], ["X", "blockyard_session=1"]];
    assertEquals(withoutSessionCookie(headers) === headers, true);
  },
);

Deno.test(
  "no spelling of a Cookie field lets the session through, or changes the rest",
  strict,
  () => {
    const random = new Random(1);
    const pieces = [" ", ";", "=", '"', ",", "\t", "a", "b=c", SESSION_COOKIE, "%3D", "é", "$Path"];
    for (let round = 0; round < 5000; round++) {
      const field = random.text(pieces, 12);
      const headers: HeaderList = [["Cookie", field]];
      const cleaned = withoutSessionCookie(headers);
      assertEquals(sessionCookieValues(cleaned), [], field);
      const named = (text: string) => text.split("=", 1)[0]?.trim() === SESSION_COOKIE;
      const others = field.split(";").filter((pair) => !(pair.includes("=") && named(pair)));
      if (others.length === field.split(";").length) assertEquals(cleaned, headers);
      else if (others.join("").trim() !== "") {
        assertEquals(
          cleaned[0]?.[1],
          others.join(";").trim(),
        );
      }
    }
  },
);

Deno.test("withoutForgedSession() drops every way to set the session cookie", strict, () => {
  for (
    const forged of [
      "blockyard_session=x; Path=/",
      "  blockyard_session =x",
      "\tblockyard_session=",
      "=blockyard_session=x",
      " = blockyard_session=x; Path=/app/other/",
    ]
  ) {
    assertEquals(withoutForgedSession([["set-cookie", forged]]), [], forged);
  }
});

Deno.test("withoutForgedSession() keeps other cookies and headers", strict, () => {
  const headers: HeaderList = [
    ["Set-Cookie", "theme=dark; Path=/"],
    ["Set-Cookie", "a=blockyard_session=1"],
    ["Set-Cookie", "blockyard_sessions=1"],
    ["X-Set-Cookie", "blockyard_session=1"],
  ];
  assertEquals(withoutForgedSession(headers) === headers, true);
  assertEquals(withoutForgedSession([...headers, ["Set-Cookie", "blockyard_session=1"]]), headers);
});

Deno.test("sessionCookie() is for one app and is Secure over https only", strict, () => {
  assertEquals(
    sessionCookie("id", { path: "/app/hello/", isSecure: false }),
    "blockyard_session=id; Path=/app/hello/; HttpOnly; SameSite=Lax",
  );
  assert(sessionCookie("id", { path: "/app/hello/", isSecure: true }).endsWith("; Secure"));
});
