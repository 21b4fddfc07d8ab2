import { CgroupError, type GroupTree } from "#src/cgroup/mod.ts";

/** What a group of a real kernel holds, as far as it matters here. */
export const EMPTY_GROUP: Readonly<Record<string, string>> = {
  "cgroup.controllers": "",
  "cgroup.subtree_control": "",
  "cgroup.procs": "",
  "cgroup.type": "domain\n",
  "cgroup.kill": "",
};

/** Groups that are made of a table: a new one gets the controllers that its parent hands down. */
export class FakeGroups implements GroupTree {
  /** The files of each group, by the folder. */
  readonly groups: Map<string, Record<string, string>>;
  /** The files and folders that may not be written to, by their paths, with what the kernel says. */
  readonly refused: Readonly<Record<string, string>>;
  /** What was made and removed, in order. */
  readonly calls: string[] = [];

  constructor(
    groups: Readonly<Record<string, Readonly<Record<string, string>>>>,
    refused: Readonly<Record<string, string>> = {},
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
    this.calls.push(`make ${folder}`);
    const controllers = files?.["cgroup.subtree_control"] ?? "";
    const type = files?.["cgroup.type"] === "domain threaded\n" ? "domain invalid\n" : "domain\n";
    const made = { ...EMPTY_GROUP, "cgroup.controllers": controllers, "cgroup.type": type };
    // Kernels before 5.14 have it nowhere; a test tells by leaving it out of the parent.
    if (files?.["cgroup.kill"] === "none") Reflect.deleteProperty(made, "cgroup.kill");
    this.groups.set(folder, made);
    return Promise.resolve();
  }

  remove(folder: string): Promise<void> {
    const name = folder.slice(folder.lastIndexOf("/") + 1);
    if (this.refused[`remove ${name}`] !== undefined) return reject("remove", folder, "EBUSY");
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

  isWritable(folder: string, file: string): Promise<boolean> {
    const files = this.groups.get(folder);
    return Promise.resolve(
      files !== undefined && file in files && this.refused[`${folder}/${file}`] === undefined,
    );
  }
}

function reject(action: string, folder: string, code: string): Promise<never> {
  const cause = Object.assign(new Error(`it failed (${code})`), { code });
  return Promise.reject(new CgroupError(action, folder, { cause }));
}
