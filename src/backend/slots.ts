import type { SlotAllocator } from "#src/allocator/mod.ts";
import type { Gid, Uid } from "#src/core/mod.ts";
import type { SandboxOwner } from "#src/sandbox/mod.ts";

/** Who may run sandboxes. */
export type OwnerPolicy =
  /** Each under a uid of its own, which takes root. */
  | {
    readonly kind: "exclusive";
    readonly uids: SlotAllocator<Uid>;
    /** Whether processes that are none of ours run under a uid. */
    readonly isBusy: (uid: Uid) => Promise<boolean>;
    readonly gid: Gid;
    /** Processes and threads of one sandbox, above 0. */
    readonly maxProcesses: number;
  }
  /** All under the server's own uid. */
  | { readonly kind: "shared"; readonly uid: Uid; readonly gid: Gid };

/** The identity of one sandbox on the host, until it is released. */
export interface SandboxSlots {
  /** Who it runs as. */
  readonly owner: SandboxOwner;
  /** Gives the uid back. To be called once, when no process of it is left. */
  release(): Promise<void>;
}

/**
 * Gets an identity for one sandbox.
 *
 * @param policy Who may run sandboxes.
 * @returns The identity.
 * @throws {ExhaustedError} When no uid is free, or processes of others run under those that are.
 */
export async function claimOwner(policy: OwnerPolicy): Promise<SandboxSlots> {
  if (policy.kind === "shared") {
    const { uid, gid } = policy;
    return {
      owner: { uid, gid, exclusive: false, maxProcesses: 0 },
      release: () => Promise.resolve(),
    };
  }
  const { uids, gid, maxProcesses } = policy;
  const uid = await claimIdle(policy);
  return {
    owner: { uid, gid, exclusive: true, maxProcesses },
    release: () => uids.release(uid),
  };
}

/** A uid that somebody else uses is passed over, and goes back behind the others. */
async function claimIdle(
  { uids, isBusy }: OwnerPolicy & { kind: "exclusive" },
): Promise<Uid> {
  const passedOver: Uid[] = [];
  try {
    for (;;) {
      const uid = await uids.claim();
      passedOver.push(uid);
      if (!await isBusy(uid)) {
        passedOver.pop();
        return uid;
      }
    }
  } finally {
    for (const uid of passedOver) await uids.release(uid);
  }
}
