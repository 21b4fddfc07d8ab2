import { SYSCALL_NUMBERS } from "./constants.ts";
import { SyscallError } from "./errno.ts";
import { findFunctions, type Functions } from "./functions.ts";
import { LIBC_SYMBOLS } from "./symbols.ts";

/** The functions of {@linkcode LIBC_SYMBOLS}. */
export type LibcFunctions = Functions<typeof LIBC_SYMBOLS>;

/** The C library of this process, as long as it is not disposed of. */
export class Libc implements Disposable {
  readonly #functions: LibcFunctions;
  #open = true;

  /**
   * Takes its functions.
   *
   * @param functions What {@linkcode openLibc} found.
   */
  constructor(functions: LibcFunctions) {
    this.#functions = functions;
  }

  /**
   * The raw functions, as {@linkcode LIBC_SYMBOLS} declares them.
   *
   * @throws {TypeError} When this was disposed of.
   */
  get symbols(): LibcFunctions {
    if (!this.#open) throw new TypeError("cannot use the C library: it was closed");
    return this.#functions;
  }

  /**
   * Calling thread only. Must be read at once after the call that failed, with nothing in between.
   *
   * @returns errno(3) of the last call that failed.
   */
  errno(): number {
    const location = this.symbols.__errno_location();
    return location === null ? 0 : new Deno.UnsafePointerView(location).getInt32();
  }

  /**
   * Turns the C convention for failure into an exception.
   *
   * @param result What the function returned; -1 is failure.
   * @param call The function's name.
   * @param operand What it was called with, for the message.
   * @returns The result as a number, when it is no failure.
   * @throws {SyscallError} When the result is -1.
   */
  check(result: number | bigint, call: string, operand?: string | number): number {
    const value = Number(result);
    if (value === -1) throw new SyscallError(call, this.errno(), operand);
    return value;
  }

  /**
   * Makes a system call by its number. Calling thread only.
   *
   * @param name Which one.
   * @param args Up to five integers; pointers as their numeric value.
   * @returns The call's result.
   * @throws {SyscallError} When the kernel reports an error.
   */
  syscall(
    name: keyof (typeof SYSCALL_NUMBERS)["x86_64"],
    ...args: readonly (number | bigint)[]
  ): number {
    const number = SYSCALL_NUMBERS[Deno.build.arch][name];
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = args;
    const result = this.symbols.syscall(
      BigInt(number),
      BigInt(a),
      BigInt(b),
      BigInt(c),
      BigInt(d),
      BigInt(e),
    );
    // errno first: whatever the runtime does for the message may leave another one.
    if (Number(result) === -1) throw new SyscallError(name, this.errno(), args.join(", "));
    return Number(result);
  }

  /** Ends its use: using it afterwards throws. */
  [Symbol.dispose](): void {
    this.#open = false;
  }
}

/**
 * Opens the C library of this process. Needs Deno's unscoped FFI permission.
 *
 * @returns The library; dispose it, best with `using`.
 * @throws {Error} When this is not a glibc system.
 */
export function openLibc(): Libc {
  try {
    return new Libc(findFunctions("libc.so.6", LIBC_SYMBOLS));
  } catch (error) {
    throw new Error("cannot open libc.so.6: blockyard needs Linux with glibc 2.27 or later", {
      cause: error,
    });
  }
}
