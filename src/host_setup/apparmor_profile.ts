/**
 * The AppArmor profile that lets bubblewrap make user namespaces where only programs that a profile
 * names for it may: Ubuntu since 23.10, with `kernel.apparmor_restrict_unprivileged_userns=1`.
 *
 * The process that makes the namespace is bwrap, but the profile is attached to blockyard: one for
 * bwrap would give the namespaces to whoever starts bwrap, which is what the setting is there to
 * prevent, and what AppArmor's own maintainers ask not to do. For that the profile has to stay with a
 * process through every execve(2) from the executable to bwrap: to the shell that reads the single
 * file's header, to the Deno that it unpacked, to the launchers, to bwrap. A profile in the mode
 * `unconfined` does: the kernel looks whether a profile is attached to the file that is executed, and
 * goes on with the same one if there is none (`profile_transition()` in security/apparmor/domain.c).
 * Ubuntu grants user namespaces to opam, which starts bwrap as well, in the same way.
 *
 * The other way, a profile that is enforced, allows everything and inherits itself (`ix`), grants no
 * less, and breaks more: the kernel then resolves every path, and refuses those that are cut off from
 * the root folder while bwrap changes it. A child profile for bwrap that takes the namespaces away
 * from the worker behind it needs a further transition at an execve(2) under no_new_privs, which the
 * kernel allows only into a stack of profiles. What it would close, `bwrap --disable-userns` closes.
 *
 * A distribution's own profile for bwrap (`bwrap-userns-restrict`) goes before this one when bwrap is
 * executed, as in the mode `unconfined` it does under no_new_privs, too; it grants bwrap what it needs.
 *
 * @module
 */
import { shellWord } from "#src/shell_word.ts";
import { commentCommand, commentLines } from "./comment.ts";
import { checkPrintable } from "./printable.ts";

/** A version of the language that profiles are written in. */
export type ApparmorAbi = 3 | 4;

/** What a profile is to say. */
export interface ProfileSpec {
  /** Absolute path of the executable, without symbolic links: AppArmor compares with that. */
  readonly executable: string;
  /**
   * 4 for the parsers of AppArmor 4 and later; 3 leaves out what older ones do not know, and with it
   * the grant, which their kernels do not ask for.
   */
  readonly abi: ApparmorAbi;
}

/** Where the profile goes. */
const FILE = "/etc/apparmor.d/blockyard";

/** What AppArmor takes for a pattern, a variable or an escape, within quotes, too. */
const PATTERN = /[*?[\]{}^\\"]/;

/**
 * Writes the profile that grants user namespaces to one executable and what it starts.
 *
 * @param spec What it is for.
 * @returns The profile, with how it is loaded in a comment at its top.
 * @throws {RangeError} When the path cannot stand in a profile for itself alone.
 */
export function apparmorProfile({ executable, abi }: ProfileSpec): string {
  checkPrintable(executable, "a profile");
  if (PATTERN.test(executable)) {
    throw new RangeError(
      `cannot write ${JSON.stringify(executable)} into a profile: want a path without ` +
        String.raw`* ? [ ] { } ^ \ and "`,
    );
  }
  const program = shellWord(executable);
  const option = abi === 4 ? "" : ` --abi ${abi}`;
  return [
    ...commentLines("AppArmor profile of blockyard. To load it, as root:"),
    "#",
    commentCommand(`${program} apparmor${option} > ${FILE} && apparmor_parser -r ${FILE}`),
    "#",
    ...commentLines(
      "Then start the server anew: a process gets its profile when it is executed.",
    ),
    ...explanation(abi).flatMap((text) => ["#", ...commentLines(text)]),
    "",
    ...(abi === 4 ? ["abi <abi/4.0>,"] : []),
    "include <tunables/global>",
    "",
    `profile blockyard "${executable}" flags=(unconfined) {`,
    ...(abi === 4 ? ["  userns,"] : []),
    "  # What this host adds.",
    "  include if exists <local/blockyard>",
    "}",
    "",
  ].join("\n");
}

/** Why the profile is as it is, in paragraphs. */
function explanation(abi: ApparmorAbi): string[] {
  if (abi === 3) {
    return [
      "This is the form for parsers before AppArmor 4, which know no rule for user namespaces. " +
      "Kernels of their time let every program make them, so that all it does is to give the server " +
      "a name of its own in logs. After an upgrade to AppArmor 4, print it again without --abi.",
    ];
  }
  return [
    "It forbids nothing and grants user namespaces, which every worker's sandbox begins with. The " +
    "executable passes it on to all that it starts, bwrap included; bwrap that anybody else starts " +
    "gets nothing by it. Workers have it, too, but bwrap takes the right to make further user " +
    "namespaces from them.",
    "Whoever can change the executable, or have it start other programs, has the grant. So let it " +
    "belong to root, and where not every user of this host is to be trusted with user namespaces, " +
    "let only those execute it who run the server (chmod o-x).",
  ];
}
