/**
 * The folder in a sandbox without a network that its program listens in: a small file system of its
 * own, which bwrap makes in a folder that it has made itself. So the program can lead no mount
 * elsewhere, and what it leaves there ends with it.
 */
export const SOCKET_FOLDER = "/run/blockyard";

/** The name of the socket in {@linkcode SOCKET_FOLDER}. */
export const SOCKET_NAME = "app.sock";

/** Where a program without a network listens, as it sees it. */
export const SOCKET_PATH: string = `${SOCKET_FOLDER}/${SOCKET_NAME}`;
