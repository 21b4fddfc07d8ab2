/** Error numbers that a refusal can have, errno(3); they are the same on every architecture here. */
export const REFUSAL_ERRNO = {
  EPERM: 1,
  ENOSYS: 38,
  ENOPROTOOPT: 92,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
} as const;

/** The name of an error number that a refusal can have. */
export type RefusalErrno = keyof typeof REFUSAL_ERRNO;

/** Values of an argument, by the names that the kernel's headers give them. */
export type NamedValues = Readonly<Record<string, number>>;

/**
 * What one argument of a call is held against. Only the low 32 bits are looked at: the kernel itself
 * takes no more of any argument that is tested here, so that a test of all 64 could be fooled by
 * what the kernel ignores.
 */
export type ArgumentTest =
  & {
    /** What its man page calls the argument. */
    readonly argument: string;
    /** Which argument it is, 0 to 5. */
    readonly index: number;
    /** The bits that are looked at; all 32 if not given. */
    readonly mask?: number;
  }
  & (
    /** It must be one of these. */
    | { readonly oneOf: NamedValues }
    /** It must be none of these. */
    | { readonly noneOf: NamedValues }
    /** It must have no bit of any of these. */
    | { readonly without: NamedValues }
  );

/** Tests of arguments that must all hold. */
export type ArgumentCase = readonly ArgumentTest[];

/** What becomes of calls. */
export type Verdict =
  /** They reach the kernel. */
  | { readonly kind: "allow" }
  /** They fail with this error. */
  | { readonly kind: "refuse"; readonly errno: RefusalErrno }
  /** They reach the kernel when one of the cases holds, and fail with this error otherwise. */
  | {
    readonly kind: "check";
    readonly cases: readonly ArgumentCase[];
    readonly errno: RefusalErrno;
  };

/** System calls that are treated alike, for one reason. */
export interface CallGroup {
  /** What they have in common, in a few words. */
  readonly name: string;
  /** Why they are treated so, in sentences. */
  readonly reason: string;
  /** What becomes of them. */
  readonly verdict: Verdict;
  /** Their names, on whichever architecture; no name is in two groups. */
  readonly calls: readonly string[];
}

/** What becomes of a call that no group names: programs take it for one that the kernel lacks. */
export const UNNAMED = { kind: "refuse", errno: "ENOSYS" } as const satisfies Verdict;

/**
 * Takes names apart.
 *
 * @param text Names with white space between them.
 * @returns The names.
 */
export function names(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
