import { INSTRUCTION_BYTES, MAX_INSTRUCTIONS } from "./filter.ts";

/** A place in a program, by a name of its own. */
export type Label = string;

/** What a conditional jump asks of the accumulator: is it equal, is it as large, has it such a bit. */
export type Comparison = "equal" | "atLeast" | "anyBit";

/** A step of a program: an instruction, or a label for the one after it. */
export type Step =
  | { readonly kind: "label"; readonly label: Label }
  /** Loads 32 bits from this offset of `struct seccomp_data` into the accumulator. */
  | { readonly kind: "load"; readonly offset: number }
  /** Leaves these bits of the accumulator. */
  | { readonly kind: "and"; readonly bits: number }
  /** Goes on at a label. */
  | { readonly kind: "go"; readonly to: Label }
  /** Goes on at a label when the comparison holds, with the next step otherwise. */
  | {
    readonly kind: "branch";
    readonly on: Comparison;
    readonly value: number;
    readonly to: Label;
  }
  /** Ends the program with this answer. */
  | { readonly kind: "return"; readonly action: number };

/** Codes of classic BPF instructions, linux/bpf_common.h. */
const CODES = {
  /** BPF_LD | BPF_W | BPF_ABS */
  load: 0x20,
  /** BPF_ALU | BPF_AND | BPF_K */
  and: 0x54,
  /** BPF_JMP | BPF_JA */
  go: 0x05,
  /** BPF_RET | BPF_K */
  return: 0x06,
} as const;

/** Codes of conditional jumps that compare with a constant, linux/bpf_common.h. */
const BRANCH_CODES: Readonly<Record<Comparison, number>> = {
  /** BPF_JMP | BPF_JEQ | BPF_K */
  equal: 0x15,
  /** BPF_JMP | BPF_JGE | BPF_K */
  atLeast: 0x35,
  /** BPF_JMP | BPF_JSET | BPF_K */
  anyBit: 0x45,
};

/** How many instructions a conditional jump can skip: `jt` of `struct sock_filter` is 8 bits wide. */
const MAX_BRANCH = 255;

type Instruction = Exclude<Step, { kind: "label" }>;

/**
 * Turns steps into a program of classic BPF: `struct sock_filter` of linux/filter.h, little-endian.
 *
 * @param steps The program; every jump leads forward.
 * @returns The instructions, 8 bytes each.
 * @throws {RangeError} When a label is missing, given twice, behind a jump to it or too far from
 * it, or the kernel takes no program of this length.
 */
export function assemble(steps: readonly Step[]): Uint8Array<ArrayBuffer> {
  const places = new Map<Label, number>();
  const instructions: Instruction[] = [];
  for (const step of steps) {
    if (step.kind !== "label") instructions.push(step);
    else if (places.has(step.label)) throw new RangeError(`label ${step.label} is given twice`);
    else places.set(step.label, instructions.length);
  }
  if (instructions.length > MAX_INSTRUCTIONS) {
    throw new RangeError(
      `a program of ${instructions.length} instructions is too long: want at most ${MAX_INSTRUCTIONS}`,
    );
  }
  const view = new DataView(new ArrayBuffer(instructions.length * INSTRUCTION_BYTES));
  for (const [index, instruction] of instructions.entries()) {
    const skipped = (label: Label, most: number) => skip(places.get(label), { index, label, most });
    write(view, index * INSTRUCTION_BYTES, instruction, skipped);
  }
  return new Uint8Array(view.buffer);
}

function write(
  view: DataView,
  offset: number,
  it: Instruction,
  skipped: (label: Label, most: number) => number,
): void {
  const put = (code: number, k: number, jt = 0) => {
    view.setUint16(offset, code, true);
    view.setUint8(offset + 2, jt);
    view.setUint32(offset + 4, k, true);
  };
  switch (it.kind) {
    case "load":
      return put(CODES.load, it.offset);
    case "and":
      return put(CODES.and, it.bits);
    case "go":
      return put(CODES.go, skipped(it.to, MAX_INSTRUCTIONS));
    case "branch":
      return put(BRANCH_CODES[it.on], it.value, skipped(it.to, MAX_BRANCH));
    case "return":
      return put(CODES.return, it.action);
  }
}

/** How many instructions lie between a jump and its label. */
function skip(
  place: number | undefined,
  { index, label, most }: { index: number; label: Label; most: number },
): number {
  if (place === undefined) throw new RangeError(`there is no label ${label}`);
  const count = place - index - 1;
  if (count >= 0 && count <= most) return count;
  throw new RangeError(`cannot jump over ${count} instructions to ${label}: want 0 to ${most}`);
}
