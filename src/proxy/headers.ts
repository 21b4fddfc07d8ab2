import type { RequestHead } from "./http/mod.ts";

/** Header fields in the order they came; names as sent. */
export type HeaderList = RequestHead["headers"];

/**
 * Collects every value of a header field.
 *
 * @param headers Where to look.
 * @param name The name of the field in lower case.
 * @returns The values in order, one for each line of the head; empty when there is none.
 */
export function headerValues(headers: HeaderList, name: string): string[] {
  const values: string[] = [];
  for (const [candidate, value] of headers) {
    if (candidate.length === name.length && candidate.toLowerCase() === name) values.push(value);
  }
  return values;
}

/**
 * Splits a field that holds a comma-separated list, over all its lines.
 *
 * @param headers Where to look.
 * @param name The name of the field in lower case.
 * @returns The trimmed elements from left to right, empty ones left out.
 */
export function headerElements(headers: HeaderList, name: string): string[] {
  return headerValues(headers, name)
    .flatMap((value) => value.split(","))
    .map((element) => element.trim())
    .filter((element) => element !== "");
}
