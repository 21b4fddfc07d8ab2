/**
 * Classic BPF as the kernel checks and runs it for seccomp(2): what seccomp_check_filter() and
 * bpf_check_classic() of Linux let pass, of which only the instructions below are known here.
 *
 * @module
 */

/** What a filter looks at: `struct seccomp_data` of linux/seccomp.h. */
export interface SeccompData {
  /** The number of the call, 32 bits. */
  readonly number: number;
  /** AUDIT_ARCH_* of the entry that it came through. */
  readonly arch: number;
  /** Its six arguments, 64 bits each. */
  readonly args: readonly bigint[];
}

/** An instruction: `struct sock_filter` of linux/filter.h. */
export interface Instruction {
  /** What it does. */
  readonly code: number;
  /** How many instructions to skip when it is so. */
  readonly jt: number;
  /** How many to skip when it is not. */
  readonly jf: number;
  /** Its operand, 32 bits. */
  readonly k: number;
}

/** The size of `struct seccomp_data`, in bytes. */
const DATA_BYTES = 64;
/** BPF_MAXINSNS of linux/bpf_common.h. */
const MAX_INSTRUCTIONS = 4096;

/** The codes that are known, linux/bpf_common.h. */
const LOAD_WORD = 0x20;
const AND = 0x54;
const GO = 0x05;
const RETURN = 0x06;
const COMPARISONS: Readonly<Record<number, (accumulator: number, k: number) => boolean>> = {
  // BPF_JEQ, BPF_JGT, BPF_JGE and BPF_JSET, each with BPF_K.
  0x15: (accumulator, k) => accumulator === k,
  0x25: (accumulator, k) => accumulator > k,
  0x35: (accumulator, k) => accumulator >= k,
  0x45: (accumulator, k) => (accumulator & k) !== 0,
};

/**
 * Takes a program apart.
 *
 * @param program The program, little-endian.
 * @returns Its instructions.
 * @throws {RangeError} When it is not made of whole instructions.
 */
export function instructionsOf(program: Uint8Array): Instruction[] {
  if (program.length % 8 !== 0) throw new RangeError(`${program.length} bytes are no instructions`);
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  return Array.from({ length: program.length / 8 }, (_, index) => ({
    code: view.getUint16(index * 8, true),
    jt: view.getUint8(index * 8 + 2),
    jf: view.getUint8(index * 8 + 3),
    k: view.getUint32(index * 8 + 4, true),
  }));
}

/**
 * Tells what the kernel would refuse a program for.
 *
 * @param program Its instructions.
 * @returns What is wrong; empty for a program that can be loaded.
 */
export function programFaults(program: readonly Instruction[]): string[] {
  const faults: string[] = [];
  if (program.length === 0 || program.length > MAX_INSTRUCTIONS) {
    faults.push(`it has ${program.length} instructions`);
  }
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    const mustExist = (skipped: number) => {
      if (index + 1 + skipped >= program.length) {
        faults.push(`${index}: a jump leads behind the end`);
      }
    };
    if (code === LOAD_WORD) {
      if (k % 4 !== 0 || k >= DATA_BYTES) faults.push(`${index}: nothing is at offset ${k}`);
    } else if (code === GO) mustExist(k);
    else if (code in COMPARISONS) {
      mustExist(jt);
      mustExist(jf);
    } else if (code !== AND && code !== RETURN) faults.push(`${index}: code ${code} is unknown`);
  }
  if (program.at(-1)?.code !== RETURN) faults.push("it does not end with a return");
  return faults;
}

/**
 * Runs a program over one system call.
 *
 * @param program Its instructions, without faults.
 * @param data The call.
 * @returns The answer, 32 bits: an action and its data, linux/seccomp.h.
 * @throws {Error} When it runs into an instruction that is not known, or off its end.
 */
export function runProgram(program: readonly Instruction[], data: SeccompData): number {
  const words = wordsOf(data);
  let accumulator = 0;
  let next = 0;
  while (true) {
    const it = program[next++];
    if (it === undefined) throw new Error(`the program has no instruction ${next - 1}`);
    const { code, jt, jf, k } = it;
    const compare = COMPARISONS[code];
    if (code === RETURN) return k;
    if (code === LOAD_WORD) accumulator = words[k / 4] ?? NaN;
    else if (code === AND) accumulator = (accumulator & k) >>> 0;
    else if (code === GO) next += k;
    else if (compare !== undefined) next += compare(accumulator, k) ? jt : jf;
    else throw new Error(`the program has an unknown code ${code} at ${next - 1}`);
  }
}

/** The structure as 32-bit words: number, architecture, instruction pointer, arguments. */
function wordsOf({ number, arch, args }: SeccompData): Uint32Array {
  const words = new Uint32Array(DATA_BYTES / 4);
  words.set([number, arch]);
  for (const [index, arg] of args.entries()) {
    words.set([Number(arg & 0xffff_ffffn), Number(arg >> 32n & 0xffff_ffffn)], 4 + 2 * index);
  }
  return words;
}
