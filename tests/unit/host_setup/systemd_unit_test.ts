import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertStringIncludes,
  assertThrows,
} from "#tests/support/assert.ts";
import { settingsOf, unitText } from "#tests/support/unit_text.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

Deno.test("the unit serves the configuration with the executable", UNIT, () => {
  const settings = settingsOf(unitText());
  assertEquals(settings["Service.ExecStart"], [
    "/usr/local/bin/blockyard serve --config /etc/blockyard.yaml",
  ]);
  assertEquals(settings["Service.Type"], ["exec"]);
  assertEquals(settings["Install.WantedBy"], ["multi-user.target"]);
  const defaults = settingsOf(unitText({ spec: { configPath: undefined } }));
  assertEquals(defaults["Service.ExecStart"], ["/usr/local/bin/blockyard serve"]);
});

Deno.test("odd paths are quoted, and a dollar sign is no variable", UNIT, () => {
  const quoted = unitText({
    spec: { executable: "/opt/my apps/100%/by", configPath: '/etc/a"b.yaml' },
  });
  assertEquals(settingsOf(quoted)["Service.ExecStart"], [
    String.raw`"/opt/my apps/100%%/by" serve --config "/etc/a\"b.yaml"`,
  ]);
  const dollar = settingsOf(unitText({ spec: { configPath: "/etc/$x.yaml" } }));
  assertEquals(dollar["Service.ExecStart"], [
    ":/usr/local/bin/blockyard serve --config /etc/$x.yaml",
  ]);
});

for (const executable of ['/opt/a"b', "/opt/it's", "/opt/a\\b"]) {
  Deno.test(`the executable ${executable} is refused, as systemd would`, UNIT, () => {
    const message = "want an executable without quotes and backslashes";
    assertThrows(() => unitText({ spec: { executable } }), RangeError, message);
  });
}

Deno.test("the top says how it is installed, in lines that can be copied", UNIT, () => {
  const text = unitText({ spec: { executable: "/opt/my apps/by" } });
  assertEquals(text.split("\n").filter((line) => line.startsWith("#     ")), [
    "#     '/opt/my apps/by' systemd-unit --config /etc/blockyard.yaml " +
    "> /etc/systemd/system/blockyard.service",
    "#     systemctl daemon-reload && systemctl enable --now blockyard.service",
  ]);
  assert(text.startsWith("# blockyard as a service. To install it:\n"));
});

Deno.test("only a wrong command line or configuration is not tried again", UNIT, () => {
  const settings = settingsOf(unitText());
  assertEquals(settings["Service.Restart"], ["on-failure"]);
  assertEquals(settings["Service.RestartPreventExitStatus"], ["2"]);
});

Deno.test("a stop may take as long as the server, and a margin", UNIT, () => {
  const stop = (shutdown_timeout: string) =>
    settingsOf(unitText({ config: { server: { shutdown_timeout } } }))["Service.TimeoutStopSec"];
  assertEquals(stop("30s"), ["45s"]);
  assertEquals(stop("2m"), ["135s"]);
  assertEquals(stop("1500ms"), ["17s"]);
  assertEquals(settingsOf(unitText())["Service.KillMode"], ["mixed"]);
});

Deno.test("workers that run out of memory do not end the service", UNIT, () => {
  const settings = settingsOf(unitText());
  assertEquals(settings["Service.Delegate"], ["yes"]);
  assertEquals(settings["Service.OOMPolicy"], ["continue"]);
});

Deno.test("systemd makes a data folder below /var/lib, and no other", UNIT, () => {
  const withFolder = (data_dir: string) => unitText({ config: { server: { data_dir } } });
  const usual = settingsOf(withFolder("/var/lib/blockyard"));
  assertEquals(usual["Service.StateDirectory"], ["blockyard"]);
  assertEquals(usual["Service.StateDirectoryMode"], ["0700"]);
  assertEquals(usual["Service.ReadWritePaths"], undefined);
  assertEquals(settingsOf(withFolder("/var/lib/a/b.c"))["Service.StateDirectory"], ["a/b.c"]);
  for (const folder of ["/srv/by data", "/var/lib", "/var/lib/a b", "/var/lib/.a"]) {
    const text = withFolder(folder);
    const settings = settingsOf(text);
    assertEquals(settings["Service.StateDirectory"], undefined);
    const word = folder.includes(" ") ? `"${folder}"` : folder;
    assertEquals(settings["Service.ReadWritePaths"], [word]);
    assertMatch(text, /^# {5}install -d -m 0700 ['/]/m);
  }
});

Deno.test("an executable that unpacks itself gets a folder for that", UNIT, () => {
  assertEquals(settingsOf(unitText())["Service.CacheDirectory"], ["blockyard"]);
  const compiled = settingsOf(unitText({ spec: { unpacksItself: false } }));
  assertEquals(compiled["Service.CacheDirectory"], undefined);
});

Deno.test("what apps write stays writable", UNIT, () => {
  const mounts = [
    { source: "/srv/in", target: "/in" },
    { source: "/srv/out put", target: "/out", read_only: false },
  ];
  const settings = settingsOf(unitText({ config: { apps: { a: { path: "/srv/a", mounts } } } }));
  assertEquals(settings["Service.ProtectSystem"], ["strict"]);
  // The mark lets the service start without it.
  assertEquals(settings["Service.ReadWritePaths"], ['-"/srv/out put"']);
});

for (
  const [setting, path] of [
    ["PrivateTmp", "/tmp/apps"],
    ["PrivateTmp", "/var/tmp"],
    ["PrivateDevices", "/dev/dri"],
    ["ProtectClock", "/dev/dri"],
  ] as const
) {
  Deno.test(`${setting} is left out when an app needs ${path}, and the unit says so`, UNIT, () => {
    const mounts = [{ source: path, target: "/x" }];
    const text = unitText({ config: { apps: { a: { path: "/srv/a", mounts } } } });
    assertEquals(settingsOf(text)[`Service.${setting}`], undefined);
    assertStringIncludes(text, `because of ${path}.`);
    assertEquals(settingsOf(unitText())[`Service.${setting}`], ["yes"]);
  });
}

for (
  const [name, config] of [
    ["an app", { apps: { a: { path: "/home/alice/a" } } }],
    ["the data folder", { server: { data_dir: "/root/by" } }],
    ["R", { process: { r_path: "/home/alice/R/bin/R" } }],
    ["the R versions", { process: { rig_base: "/home/alice/R" } }],
    ["a store's socket", { redis: { url: "redis+unix:///run/user/1000/redis.sock" } }],
  ] as const
) {
  Deno.test(`homes are read-only instead of hidden when ${name} is in one`, UNIT, () => {
    assertEquals(settingsOf(unitText({ config }))["Service.ProtectHome"], ["read-only"]);
    assertEquals(settingsOf(unitText())["Service.ProtectHome"], ["yes"]);
  });
}

Deno.test("a socket in a sandbox takes two capabilities more", UNIT, () => {
  const caps = (config = {}) =>
    settingsOf(unitText({ config }))["Service.CapabilityBoundingSet"]?.[0]?.split(" ").slice(4);
  const more = ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"];
  const apps = { a: { path: "/srv/a", network: "none" } };
  assertEquals(caps({ process: { network: "none" } }), more);
  assertEquals(caps({ apps }), more);
  assertEquals(caps({ apps: { a: { path: "/srv/a", network: "host" } } }), []);
  const store = { redis: { url: "redis+unix:///run/redis.sock" } };
  assertEquals(caps({ apps, ...store }), more);
  const text = unitText({ config: { apps, ...store } }).replaceAll("\n# ", " ");
  assertStringIncludes(
    text,
    "CAP_DAC_OVERRIDE: that socket is for the worker's own user, and /run/redis.sock may be for a " +
      "group alone",
  );
  assertEquals(text.includes("Without CAP_SYS_PTRACE"), false);
  assertStringIncludes(unitText().replaceAll("\n# ", " "), "Without CAP_SYS_PTRACE, memory");
});

Deno.test("root keeps the capabilities that the configuration takes, and no others", UNIT, () => {
  const caps = (config = {}) =>
    settingsOf(unitText({ config }))["Service.CapabilityBoundingSet"]?.[0];
  const always = "CAP_SETUID CAP_SETGID CAP_KILL CAP_DAC_READ_SEARCH";
  assertEquals(caps(), always);
  assertEquals(caps({ server: { bind: "0.0.0.0:80" } }), `${always} CAP_NET_BIND_SERVICE`);
  assertEquals(caps({ firewall: { mode: "managed" } }), `${always} CAP_NET_ADMIN`);
  assertEquals(caps({ server: { bind: "127.0.0.1:1024" } }), always);
  assertEquals(
    caps({ redis: { url: "redis+unix:///run/redis/redis.sock" } }),
    `${always} CAP_DAC_OVERRIDE`,
  );
  assertEquals(caps({ redis: { url: "redis://127.0.0.1:6379" } }), always);
});

Deno.test("what would keep sandboxes from being made is named, and not set", UNIT, () => {
  const text = unitText();
  const names = [
    ...["ProtectKernelTunables", "ProtectKernelLogs", "ProtectProc", "ProcSubset"],
    ...["ProtectControlGroups", "ProtectHostname", "RestrictSUIDSGID", "MemoryDenyWriteExecute"],
    ...["PrivateUsers", "DynamicUser", "User"],
  ];
  for (const name of names) {
    assertEquals(settingsOf(text)[`Service.${name}`], undefined, name);
    assertMatch(text, new RegExp(`^# .*\\b${name}=`, "m"));
  }
});

Deno.test("only a server with a store has to think of its order", UNIT, () => {
  const hint = /^# .*After= of a drop-in/m;
  assertMatch(unitText({ config: { redis: { url: "redis://127.0.0.1" } } }), hint);
  assertNotMatch(unitText(), hint);
  assertEquals(settingsOf(unitText())["Unit.After"], ["network-online.target"]);
});

Deno.test("a user's unit has nothing that takes the system's manager", UNIT, () => {
  const text = unitText({
    config: { apps: { a: { path: "/home/alice/a" } } },
    spec: { isRoot: false, executable: "/home/alice/bin/by" },
  });
  const settings = settingsOf(text);
  assertEquals(Object.keys(settings), [
    ...["Unit.Description", "Service.Type", "Service.ExecStart", "Service.Restart"],
    ...["Service.RestartSec", "Service.RestartPreventExitStatus", "Service.KillMode"],
    ...["Service.TimeoutStopSec", "Service.Delegate", "Service.OOMPolicy", "Service.TasksMax"],
    ...["Service.LimitNOFILE", "Service.UMask", "Service.NoNewPrivileges"],
    ...["Service.RestrictNamespaces", "Service.RestrictAddressFamilies"],
    ...["Service.SystemCallFilter", "Service.SystemCallErrorNumber"],
    ...["Service.SystemCallArchitectures", "Service.LockPersonality", "Service.RestrictRealtime"],
    "Install.WantedBy",
  ]);
  assertEquals(settings["Install.WantedBy"], ["default.target"]);
  assertMatch(text, /^# {5}systemctl --user daemon-reload && systemctl --user enable --now /m);
  assertMatch(text, /^# {5}\/home\/alice\/bin\/by systemd-unit .* > ~\/\.config\/systemd\/user\//m);
});

for (
  const [name, config, spec] of [
    ["the configuration's path", {}, { configPath: "/etc/a\n[Service]\nUser=x.yaml" }],
    ["the executable", {}, { executable: "/opt/a\nb" }],
    ["the data folder", { server: { data_dir: "/srv/a\nb" } }, {}],
    ["an app's folder below /tmp", { apps: { a: { path: "/tmp/a\nUser=x" } } }, {}],
    [
      "a writable mount",
      {
        apps: { a: { path: "/a", mounts: [{ source: "/s\nx", target: "/s", read_only: false }] } },
      },
      {},
    ],
  ] as const
) {
  Deno.test(`a line break in ${name} is refused`, UNIT, () => {
    assertThrows(() => unitText({ config, spec }), RangeError, "without control characters");
  });
}
