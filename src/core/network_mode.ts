/**
 * What network a worker has: the host's, or none, so that it is reached through a unix socket alone
 * and reaches nothing.
 */
export type NetworkMode = (typeof NETWORK_MODES)[number];

/** Every {@linkcode NetworkMode}. */
export const NETWORK_MODES = ["host", "none"] as const;

/** What an app's command is told of where to listen, and the networks that have it. */
const PLACEHOLDERS: Readonly<Record<string, NetworkMode>> = {
  "{host}": "host",
  "{port}": "host",
  "{socket}": "none",
};

/**
 * Looks for a placeholder that nothing can be put in place of.
 *
 * @param arg A word of an app's command.
 * @param network The network of the app.
 * @returns What is wrong and what is wanted; undefined when nothing is.
 */
export function misplacedPlaceholder(arg: string, network: NetworkMode): string | undefined {
  const found = Object.entries(PLACEHOLDERS).find(([name, of]) =>
    of !== network && arg.includes(name)
  );
  if (found === undefined) return undefined;
  return network === "none"
    ? `${
      found[0]
    } has no meaning with network: none, want {socket}, the path of a unix socket to ` +
      "listen on"
    : `${found[0]} has no meaning with network: host, want {host} and {port} to listen on`;
}
