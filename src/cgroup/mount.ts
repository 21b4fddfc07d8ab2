import { isHidden, type Mount } from "./mountinfo.ts";

/** A mounted cgroup hierarchy, as far as it can be reached by its path. */
export interface CgroupMount {
  /** Absolute path of the folder that it is mounted at. */
  readonly folder: string;
  /** Which group of the hierarchy that folder is, as `/proc/PID/cgroup` would name it. */
  readonly root: string;
  /** Whether groups can neither be made nor changed through it. */
  readonly isReadOnly: boolean;
}

/**
 * Finds the hierarchy of cgroup v2: at `/sys/fs/cgroup` on a unified host, at
 * `/sys/fs/cgroup/unified` on a hybrid one, or wherever it is.
 *
 * @param mounts All mounts.
 * @returns The mount that shows most of it: one of the whole hierarchy before one of a part, a
 * writable one before one that is not; undefined when none can be reached.
 */
export function findCgroup2(mounts: readonly Mount[]): CgroupMount | undefined {
  return best(mounts, ({ fsType }) => fsType === "cgroup2");
}

/**
 * Finds the hierarchy that cgroup v1 has for a controller.
 *
 * @param mounts All mounts.
 * @param controller The controller, such as `pids`.
 * @returns The mount, chosen as by {@linkcode findCgroup2}; undefined when none can be reached.
 */
export function findCgroup1(
  mounts: readonly Mount[],
  controller: string,
): CgroupMount | undefined {
  return best(
    mounts,
    ({ fsType, superOptions }) => fsType === "cgroup" && superOptions.includes(controller),
  );
}

function best(
  mounts: readonly Mount[],
  isWanted: (mount: Mount) => boolean,
): CgroupMount | undefined {
  const found = mounts.filter((mount) => isWanted(mount) && !isHidden(mount, mounts))
    .map(({ point, root, options, superOptions }) => ({
      folder: point,
      root,
      isReadOnly: options.includes("ro") || superOptions.includes("ro"),
    }));
  const rank = ({ root, isReadOnly }: CgroupMount) => (root === "/" ? 0 : 2) + (isReadOnly ? 1 : 0);
  return found.toSorted((a, b) => rank(a) - rank(b))[0];
}
