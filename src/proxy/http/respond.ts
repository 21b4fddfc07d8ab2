/**
 * Answers that are made here and not by an upstream.
 *
 * @module
 */
import { errorMessage } from "#src/core/mod.ts";
import type { Exchange, Outcome } from "./exchange_context.ts";
import type { Wire } from "./wire.ts";
import { ResponseBody } from "./response_body.ts";
import { mayHaveBody } from "./response_head.ts";
import { responseHeadText } from "./response_writer.ts";
import { STATUS_TEXT } from "./status_text.ts";

/**
 * Makes an answer of a status and a line of text.
 *
 * @param status 400 to 599.
 * @param text What to say; the usual phrase for the status if not given.
 * @returns The answer.
 */
export function plainResponse(status: number, text?: string): Response {
  return new Response(`${text ?? STATUS_TEXT[status] ?? "Error"}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  });
}

/**
 * Writes an answer to the client. What the request still has of a body is read and dropped if it is
 * small, so that the connection can go on.
 *
 * @param exchange The request.
 * @param response The answer. One that cannot be sent is logged and replaced by a plain 500.
 * @param options `bodyInUse` says that somebody else reads the request's body.
 * @returns What becomes of the connection; never rejects.
 */
export async function respond(
  exchange: Exchange,
  response: Response,
  { bodyInUse = false }: { bodyInUse?: boolean } = {},
): Promise<Outcome> {
  const { client, request, body, engine } = exchange;
  const { limits } = engine;
  const keepAlive = request.keepAlive && !engine.stopping &&
    (body.complete || (!bodyInUse && isDrainable(exchange)));

  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let gone = false;
  let begun = false;
  try {
    if (response.status < 200) {
      throw new RangeError(`cannot answer with status ${response.status}: want 200 to 599`);
    }
    const hasBody = mayHaveBody(request.head.method, response.status);
    reader = response.body?.getReader();
    if (!bodyInUse) {
      client.watch(() => {
        gone = true;
        cancel(reader);
      });
    }
    if (!hasBody) cancel(reader);
    const content = await ResponseBody.open(hasBody ? reader : undefined);
    if (gone) return "cut";
    const declared = declaredLength(response);
    const length = response.status === 204
      ? undefined
      : hasBody
      ? content.length ?? declared
      : declared;
    const chunked = hasBody && length === undefined && request.head.version === "1.1";
    const keep = keepAlive && (!hasBody || chunked || length !== undefined);
    const head = responseHeadText({
      status: response.status,
      reason: response.statusText,
      headers: [...response.headers],
      length,
      chunked,
      keepAlive: keep,
      version: request.head.version,
    }, { nowMs: engine.deadlines.clock.now() });
    begun = true;
    client.putText(head);
    await send(content, { to: client, chunked, length: hasBody ? length : 0 });
    if (gone) return "cut";
    client.unwatch();
    if (!keep) return "end";
    return await body.drain({ maxBytes: limits.drainBytes, waitMs: limits.stallMs })
      ? "keep"
      : "end";
  } catch (error) {
    cancel(reader);
    if (gone || client.closed || client.failure !== undefined) return "cut";
    engine.log.error("an answer could not be sent", {
      method: request.head.method,
      target: request.head.target,
      reason: errorMessage(error),
    });
    if (begun) return "cut";
    return await respond(exchange, plainResponse(500), { bodyInUse });
  } finally {
    client.unwatch();
  }
}

async function send(
  content: ResponseBody,
  { to, chunked, length }: { to: Wire; chunked: boolean; length: number | undefined },
): Promise<void> {
  let left = length ?? Infinity;
  for (;;) {
    const piece = left > 0 ? await content.next() : undefined;
    if (piece === undefined) break;
    if (piece.length === 0) continue;
    left -= piece.length;
    if (left < 0) throw new RangeError("the body is longer than its Content-Length");
    if (chunked) to.putText(`${piece.length.toString(16)}\r\n`);
    await to.put(piece);
    if (chunked) to.putText("\r\n");
    await to.flush();
  }
  if (left > 0 && left !== Infinity) {
    throw new RangeError("the body is shorter than its Content-Length");
  }
  if (chunked) to.putText("0\r\n\r\n");
  await to.flush();
}

/** A client that waits for `100 Continue` may leave the body out, so that nothing can be drained. */
function isDrainable({ body, request, engine }: Exchange): boolean {
  return !request.expectsContinue && (body.remaining ?? 0) <= engine.limits.drainBytes;
}

function declaredLength(response: Response): number | undefined {
  const value = response.headers.get("content-length");
  return value !== null && /^[0-9]{1,15}$/.test(value) ? Number(value) : undefined;
}

function cancel(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): void {
  reader?.cancel().catch(() => {});
}
