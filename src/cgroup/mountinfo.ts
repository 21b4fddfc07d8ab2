/** A mount as a process sees it. */
export interface Mount {
  /** Its id, unique among the mounts of the table. */
  readonly id: number;
  /** The id of the mount that it is mounted in; that of the first one is in no table. */
  readonly parentId: number;
  /** Which folder of the file system is mounted, by its path there; `/` is all of it. */
  readonly root: string;
  /** Where it is mounted, by its absolute path. */
  readonly point: string;
  /** The options of this mount, such as `ro`. */
  readonly options: readonly string[];
  /** The type of the file system, such as `cgroup2`. */
  readonly fsType: string;
  /** The options of the file system, such as `ro`, or the controllers of a cgroup v1 hierarchy. */
  readonly superOptions: readonly string[];
}

/** Optional fields are `tag` or `tag:value`; a single hyphen ends them. */
const LINE = /^(\d+) (\d+) \d+:\d+ (\S+) (\S+) (\S+)(?: (?!- )\S+)* - (\S+) (?:\S*) (\S+)$/;

/**
 * Parses `/proc/PID/mountinfo` (proc_pid_mountinfo(5)).
 *
 * @param text The content of the file.
 * @returns The mounts in the order of the file.
 * @throws {SyntaxError} When a line has another form.
 */
export function parseMountinfo(text: string): Mount[] {
  return text.split("\n").filter((line) => line !== "").map((line) => {
    const fields = LINE.exec(line);
    if (fields === null) {
      throw new SyntaxError(`cannot parse ${JSON.stringify(line)}: want a line of mountinfo`);
    }
    const [, id, parentId, root = "", point = "", options = "", fsType = "", more = ""] = fields;
    return {
      id: Number(id),
      parentId: Number(parentId),
      root: unescape(root),
      point: unescape(point),
      options: options.split(","),
      fsType: unescape(fsType),
      superOptions: more.split(","),
    };
  });
}

/** The kernel writes space, tab, line end, backslash and `#` as three octal digits. */
function unescape(field: string): string {
  return field.replaceAll(
    /\\([0-7]{3})/g,
    (_, digits: string) => String.fromCharCode(parseInt(digits, 8)),
  );
}

/**
 * Tells whether a mount cannot be reached by its path, because another one lies over it or over a
 * folder on the way to it.
 *
 * @param mount The mount.
 * @param mounts All mounts.
 * @returns Whether it is hidden.
 */
export function isHidden(mount: Mount, mounts: readonly Mount[]): boolean {
  const inside = (parent: Mount) => mounts.filter(({ parentId }) => parentId === parent.id);
  if (inside(mount).some((it) => it !== mount && it.point === mount.point)) return true;
  const seen = new Set<Mount>();
  for (let child = mount; !seen.has(child);) {
    seen.add(child);
    const parent = mounts.find(({ id }) => id === child.parentId);
    if (parent === undefined) return false;
    // Of two mounts in the same one, that at the shorter path came later: the other was reachable.
    const { point } = child;
    if (inside(parent).some((it) => it !== child && covers(it.point, point))) return true;
    child = parent;
  }
  return false;
}

function covers(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}
