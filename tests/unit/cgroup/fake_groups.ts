import { CgroupError, type GroupState, type GroupTree } from "#src/cgroup/mod.ts";

/** What a group of a real kernel holds, as far as it matters here. */
export const EMPTY_GROUP: Readonly<Record<string, string>> = {
  "cgroup.controllers": "",
  "cgroup.subtree_control": "",
  "cgroup.procs": "",
  "cgroup.type": "domain\n",
  "cgroup.kill": "",
  "cgroup.events": "populated 0\nfrozen 0\n",
};

/** What a controller adds to the files of a group. */
const CONTROLLER_FILES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cpu: { "cpu.max": "max 100000\n", "cpu.weight": "100\n" },
  memory: {
    "memory.max": "max\n",
    "memory.high": "max\n",
    "memory.swap.max": "max\n",
    "memory.oom.group": "0\n",
  },
  pids: { "pids.max": "max\n" },
};
const PAGE_BYTES = 4096;

/** Groups that are made of a table: a new one gets the controllers that its parent hands down. */
export class FakeGroups implements GroupTree {
  /** The files of each group, by the folder. */
  readonly groups: Map<string, Record<string, string>>;
  /** The files and folders that may not be written to, by their paths, with what the kernel says. */
  readonly refused: Record<string, string>;
  /** What was made and removed, in order. */
  readonly calls: string[] = [];
  /** What was written, in order. */
  readonly writes: string[] = [];
  /** What the file system knows of groups; of others that they are root's and new. */
  readonly states = new Map<string, Partial<GroupState>>();

  constructor(
    groups: Readonly<Record<string, Readonly<Record<string, string>>>>,
    refused: Record<string, string> = {},
  ) {
    this.groups = new Map(
      Object.entries(groups).map(([folder, files]) => [folder, { ...EMPTY_GROUP, ...files }]),
    );
    this.refused = refused;
  }

  make(folder: string): Promise<void> {
    const parent = folder.slice(0, folder.lastIndexOf("/"));
    const files = this.groups.get(parent);
    const code = this.refused[parent] ?? (files === undefined ? "ENOENT" : undefined);
    if (code !== undefined) return reject("make", folder, code);
    if (this.groups.has(folder)) return reject("make", folder, "EEXIST");
    this.calls.push(`make ${folder}`);
    const controllers = files?.["cgroup.subtree_control"] ?? "";
    const type = files?.["cgroup.type"] === "domain threaded\n" ? "domain invalid\n" : "domain\n";
    const made = {
      ...EMPTY_GROUP,
      ...filesOf(controllers),
      "cgroup.controllers": controllers,
      "cgroup.type": type,
    };
    // Kernels before 5.14 have it nowhere; a test tells by leaving it out of the parent.
    if (files?.["cgroup.kill"] === "none") Reflect.deleteProperty(made, "cgroup.kill");
    this.groups.set(folder, made);
    return Promise.resolve();
  }

  remove(folder: string): Promise<void> {
    const name = folder.slice(folder.lastIndexOf("/") + 1);
    const files = this.groups.get(folder);
    const isBusy = (files?.["cgroup.procs"] ?? "").trim() !== "" ||
      [...this.groups.keys()].some((it) => it.startsWith(`${folder}/`));
    const code = this.refused[`remove ${name}`] ??
      (files === undefined ? "ENOENT" : isBusy ? "EBUSY" : undefined);
    if (code !== undefined) return reject("remove", folder, code);
    this.calls.push(`remove ${folder}`);
    this.groups.delete(folder);
    return Promise.resolve();
  }

  read(folder: string, file: string): Promise<string | undefined> {
    if (this.refused[`read ${file}`] !== undefined) {
      return reject("read", folder, this.refused[`read ${file}`] ?? "");
    }
    const text = this.groups.get(folder)?.[file];
    return Promise.resolve(text === "absent" ? undefined : text);
  }

  list(folder: string): Promise<string[]> {
    const names = [...this.groups.keys()].filter((it) => it.startsWith(`${folder}/`))
      .map((it) => it.slice(folder.length + 1).split("/")[0] ?? "");
    return Promise.resolve([...new Set(names)].toSorted());
  }

  stat(folder: string): Promise<GroupState | undefined> {
    const state = { ownerUid: 0, changedAtMs: Infinity, ...this.states.get(folder) };
    return Promise.resolve(this.groups.has(folder) ? state : undefined);
  }

  write(folder: string, file: string, value: string): Promise<void> {
    const code = this.refused[`${folder}/${file}`] ?? this.#take(folder, file, value);
    if (code !== undefined) return reject("write", folder, code, { file, value });
    this.writes.push(`${folder}/${file} ${value}`);
    return Promise.resolve();
  }

  /** Does what the kernel does, or returns why it does not. */
  #take(folder: string, file: string, value: string): string | undefined {
    const files = this.groups.get(folder);
    if (files === undefined || !(file in files) || files[file] === "absent") return "ENOENT";
    if (file === "cgroup.subtree_control") {
      const name = value.slice(1);
      if (value.startsWith("+")) return this.#enable(folder, name);
      const left = words(files[file]).filter((it) => it !== name);
      files[file] = `${left.join(" ")}\n`;
      return undefined;
    }
    if (file === "cgroup.procs") {
      if ((files["cgroup.subtree_control"] ?? "").trim() !== "") return "EBUSY";
      for (const other of this.groups.values()) {
        other[file] = (other[file] ?? "").split("\n").filter((it) => it !== value).join("\n");
      }
      files[file] += `${value}\n`;
    } else if (file === "memory.max" || file === "memory.high") {
      files[file] = value === "max"
        ? "max\n"
        : `${Math.floor(Number(value) / PAGE_BYTES) * PAGE_BYTES}\n`;
    } else files[file] = `${value}\n`;
    return undefined;
  }

  #enable(folder: string, name: string): string | undefined {
    const files = this.groups.get(folder) ?? {};
    if (!words(files["cgroup.controllers"]).includes(name)) return "ENOENT";
    const isTop = files["cgroup.type"] === "absent";
    const isForThreads = ["cpu", "cpuset", "pids"].includes(name);
    if (!isTop && !isForThreads && (files["cgroup.procs"] ?? "").trim() !== "") return "EBUSY";
    const enabled = [...words(files["cgroup.subtree_control"]), name];
    files["cgroup.subtree_control"] = `${enabled.join(" ")}\n`;
    for (const [inner, its] of this.groups) {
      if (inner.slice(0, inner.lastIndexOf("/")) !== folder) continue;
      this.groups.set(inner, {
        ...filesOf(name),
        ...its,
        "cgroup.controllers": files["cgroup.subtree_control"],
      });
    }
    return undefined;
  }

  isWritable(folder: string, file: string): Promise<boolean> {
    const files = this.groups.get(folder);
    return Promise.resolve(
      files !== undefined && file in files && this.refused[`${folder}/${file}`] === undefined,
    );
  }
}

function words(text = ""): string[] {
  return text.split(/\s+/).filter((it) => it !== "");
}

function filesOf(controllers: string): Record<string, string> {
  return Object.assign({}, ...words(controllers).map((name) => CONTROLLER_FILES[name] ?? {}));
}

function reject(
  action: string,
  folder: string,
  code: string,
  about: { file?: string; value?: string } = {},
): Promise<never> {
  const cause = Object.assign(new Error(`it failed (${code})`), { code });
  return Promise.reject(new CgroupError(action, folder, { ...about, cause }));
}
