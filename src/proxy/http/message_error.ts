/**
 * A message that breaks the rules of HTTP/1.1, or a limit of ours. Seen from a client it ends in
 * {@linkcode MessageError.status}; seen from an upstream it makes the answer unusable.
 */
export class MessageError extends Error {
  override readonly name = "MessageError";

  /**
   * @param status The status that a client gets for it, 400 to 599.
   * @param message What is wrong, without any text of the message itself.
   */
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** The peer ended the connection before its message was whole. */
export class TruncatedError extends Error {
  override readonly name = "TruncatedError";
}

/**
 * Tells failures of a message's source from failures of the place it is sent to.
 *
 * @param error Anything that was thrown while a body was copied.
 * @returns Whether reading the body failed.
 */
export function isSourceError(error: unknown): error is MessageError | TruncatedError {
  return error instanceof MessageError || error instanceof TruncatedError;
}
