/** A browser's stay with one app, without the browser: it keeps the session's cookie. */
export class AppClient {
  /** The address of the app, with a slash at its end. */
  readonly url: string;
  #cookie: string | undefined;

  /**
   * Makes a client that has not been there before.
   *
   * @param serverUrl Where the server listens.
   * @param app The app.
   */
  constructor(serverUrl: string, app: string) {
    this.url = `${serverUrl}/app/${app}/`;
  }

  /** The headers that bring a request to the session, once there is one. */
  get headers(): Record<string, string> {
    return this.#cookie === undefined ? {} : { Cookie: this.#cookie };
  }

  /**
   * Asks the app for something.
   *
   * @param path The rest of the address.
   * @param init As for `fetch`.
   * @returns The answer; its body must be read.
   */
  async fetch(path = "", init: RequestInit = {}): Promise<Response> {
    const headers = { ...this.headers, ...init.headers };
    const response = await fetch(this.url + path, { ...init, headers });
    const cookie = response.headers.getSetCookie()[0];
    if (cookie !== undefined) this.#cookie = cookie.slice(0, cookie.indexOf(";"));
    return response;
  }

  /**
   * Asks the app for a text.
   *
   * @param path The rest of the address.
   * @param init As for `fetch`.
   * @returns The body.
   * @throws {Error} When the answer is no success.
   */
  async text(path = "", init: RequestInit = {}): Promise<string> {
    const response = await this.fetch(path, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${this.url}${path} answered ${response.status}: ${text}`);
    return text;
  }
}
