/** Loads the number of the call; jumps if it is equal; returns: classic BPF, linux/bpf_common.h. */
const [LOAD, JUMP_EQUAL, RETURN] = [0x20, 0x15, 0x06];
/** SECCOMP_RET_ALLOW and SECCOMP_RET_ERRNO of linux/seccomp.h. */
const [ALLOW, ERRNO] = [0x7fff_0000, 0x0005_0000];

/**
 * Makes a system call filter, as bwrap takes it, that answers one call in place of the kernel.
 *
 * @param call The number of the call on this architecture.
 * @param errno What the call fails with; 0 lets it look done.
 * @returns The program.
 */
export function answering(call: number, errno: number): Uint8Array<ArrayBuffer> {
  const instructions = [
    [LOAD, 0, 0, 0],
    [JUMP_EQUAL, 0, 1, call],
    [RETURN, 0, 0, ERRNO | errno],
    [RETURN, 0, 0, ALLOW],
  ] as const;
  const view = new DataView(new ArrayBuffer(instructions.length * 8));
  for (const [index, [code, jt, jf, k]] of instructions.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, jt);
    view.setUint8(index * 8 + 3, jf);
    view.setUint32(index * 8 + 4, k, true);
  }
  return new Uint8Array(view.buffer);
}
