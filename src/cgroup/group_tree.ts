/** What the file system knows of a group. */
export interface GroupState {
  /** The uid that it belongs to. */
  readonly ownerUid: number;
  /**
   * When it was made, or a group in it was made or removed, in milliseconds since 1970. The kernel
   * may have forgotten it, and tells a later time then.
   */
  readonly changedAtMs: number;
}

/** Groups of cgroup v2 as folders, with the kernel's files in them. */
export interface GroupTree {
  /**
   * Makes a group.
   *
   * @param folder Absolute path of its folder; that of its parent exists.
   * @throws {CgroupError} When the kernel refuses.
   */
  make(folder: string): Promise<void>;
  /**
   * Removes a group.
   *
   * @param folder Absolute path of its folder.
   * @throws {CgroupError} EBUSY while there are processes or other groups in it.
   */
  remove(folder: string): Promise<void>;
  /**
   * Lists the groups in a group.
   *
   * @param folder Absolute path of the group's folder.
   * @returns Their names; none for a group that is gone.
   * @throws {CgroupError} When it cannot be read.
   */
  list(folder: string): Promise<string[]>;
  /**
   * Looks at a group.
   *
   * @param folder Absolute path of the group's folder.
   * @returns What is known of it; undefined for a group that is gone.
   * @throws {CgroupError} When it cannot be looked at.
   */
  stat(folder: string): Promise<GroupState | undefined>;
  /**
   * Reads a file of the kernel.
   *
   * @param folder Absolute path of the group's folder.
   * @param file The file's name, such as `cgroup.controllers`.
   * @returns Its content; undefined when the group has no such file, or is gone.
   * @throws {CgroupError} When it is there and cannot be read.
   */
  read(folder: string, file: string): Promise<string | undefined>;
  /**
   * Writes to a file of the kernel, which is there already.
   *
   * @param folder Absolute path of the group's folder.
   * @param file The file's name.
   * @param value What is written, in one call.
   * @throws {CgroupError} When the kernel refuses; ELOOP when it is a link.
   */
  write(folder: string, file: string, value: string): Promise<void>;
  /**
   * Tells, by opening it, whether a file of the kernel may be written to.
   *
   * @param folder Absolute path of the group's folder.
   * @param file The file's name, such as `cgroup.procs`.
   * @returns Whether it may; false when there is none.
   * @throws {CgroupError} When that cannot be told.
   */
  isWritable(folder: string, file: string): Promise<boolean>;
}
