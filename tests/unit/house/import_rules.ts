import type { Import } from "./source_tree.ts";

/** From the ground up; a room imports only from lower floors. */
const FLOORS: readonly (readonly string[])[] = [
  ["src/core", "src/probe", "ffi"],
  [
    ...["src/sandbox", "src/cgroup", "src/allocator", "src/rig", "src/firewall", "src/store"],
    "src/server_owner.ts",
  ],
  ["src/backend", "src/bounded_launches.ts"],
  ["src/proxy"],
  ["src/config"],
  ["src/api", "src/dashboard", "src/preflight", "src/host_setup"],
  [
    "src/preflight_trials.ts",
    "src/host_backend.ts",
    "src/host_firewall.ts",
    "src/firewall_group.ts",
  ],
  ["src/preflight_programs.ts"],
  ["src/preflight_host.ts"],
  ["src/system.ts"],
  ["src/cli"],
  ["main.ts"],
];

/** Small modules directly in `src` belong to no room and know `core` only. */
const LOOSE_FLOOR = 0.5;

/** Who may know the system's C library. */
const FFI_USERS = [
  ...["src/sandbox", "src/cgroup"],
  ...["src/preflight_trials.ts", "src/host_backend.ts", "src/preflight_host.ts", "src/system.ts"],
];

/** Where each package may be imported, so that another one can take its place. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "yaml": ["src/config/"],
  "zod": ["src/config/"],
  "@logtape/logtape": ["src/cli/log.ts"],
  "@redis/client": ["src/allocator/redis/"],
  "ajv": ["tests/"],
  "hono": ["src/api/"],
  "pg": ["src/allocator/postgres/"],
  "playwright-core": ["tests/e2e/", "tests/bench/"],
};

/**
 * Holds one import against the rules of the house.
 *
 * @param it The import.
 * @returns What is wrong with it, or `undefined`.
 */
export function importProblem(it: Import): string | undefined {
  const says = (problem: string) => `${it.from} imports ${it.specifier}: ${problem}`;
  if (it.target === undefined) {
    if (it.specifier.startsWith("node:")) return undefined;
    const places = PACKAGES[it.specifier.replace(/^((?:@[^/]+\/)?[^/]+).*$/, "$1")];
    if (places === undefined) return says("a package that no place is known for");
    return places.some((place) => it.from.startsWith(place))
      ? undefined
      : says(`only ${places.join(" and ")} may`);
  }
  if (/^(?:tests|scripts)\//.test(it.from)) return undefined;
  if (/^(?:tests|scripts)\//.test(it.target)) return says("the product may not know its tools");
  const from = roomOf(it.from);
  const to = roomOf(it.target);
  if (from === to || it.target === "deno.json") return undefined;
  const isNeighbour = folderOf(it.from) === folderOf(it.target);
  if (!it.specifier.startsWith("#") && !isNeighbour && from !== "main.ts") {
    return says("across folders, the prefixes #src/ and #ffi/ are used");
  }
  if (to === "ffi" && !FFI_USERS.includes(from)) return says(`only ${FFI_USERS.join(", ")} may`);
  if (from === "src/config" && to !== "src/core") return says("config knows core only");
  // What dispatches to commands loads the files of the chosen one and nothing else.
  const isDispatch = from === "main.ts" ||
    (from === "src/cli" && ["src/sandbox", "src/probe"].includes(to));
  if (!it.target.endsWith("/mod.ts") && !to.endsWith(".ts") && !isDispatch) {
    return says("across folders only mod.ts may be imported");
  }
  if (floorOf(to) >= floorOf(from)) return says("imports go down only");
  return undefined;
}

/** The room of a file: `ffi`, `src/<room>`, or the file itself when it is in none. */
function roomOf(path: string): string {
  if (path.startsWith("ffi/")) return "ffi";
  return /^src\/[^/]+(?=\/)/.exec(path)?.[0] ?? path;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

function floorOf(room: string): number {
  const floor = FLOORS.findIndex((rooms) => rooms.includes(room));
  if (floor === -1 && /^src\/[^/]+\.ts$/.test(room)) return LOOSE_FLOOR;
  if (floor === -1) throw new Error(`cannot judge imports of ${room}: no floor is known for it`);
  return floor;
}
