import { printable } from '../cli/printable.ts';

/** What a call of Microsoft Graph was refused with, in words for a person. */
export class GraphError extends Error {
  override readonly name = 'GraphError';
  /** HTTP status; 0 where no answer came. */
  readonly status: number;
  /** Graph's own name of the error, such as `Authorization_RequestDenied`. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface GraphClientOptions {
  /** An access token for Microsoft Graph. */
  token: string;
  /** Such as `https://graph.microsoft.com`. */
  address: string;
  fetch: typeof fetch;
  wait(ms: number): Promise<void>;
}

export interface CallOptions {
  /**
   * The call is about something that was made a moment ago. Entra is eventually consistent ("Designing for eventual
   * consistency for Microsoft Entra"), so that it may not be known yet where the call arrives; it is tried again for a while.
   */
  justMade?: boolean;
}

/** Others saw seconds, and sometimes minutes. */
const SETTLE_MS = 120_000;
/** How long one call waits in all because Graph is busy. */
const BUSY_MS = 300_000;
const PAUSES_MS = [2_000, 4_000, 8_000, 10_000];

/** Refusals that mean "not known here yet" when they are about something that was just made. */
const UNSETTLED =
  /does not exist or one of its queried reference-property|does not reference a valid application|Not a valid reference update|cannot be found in the AppPermissions|NoBackingApplicationObject/i;

/** So says Graph of a role assignment that is not there (400). */
const GONE = /being updated or deleted is not found/;

interface Answer {
  status: number;
  retryAfter: string | null;
  requestId: string;
  body: unknown;
}

/**
 * Microsoft Graph by plain HTTP: JSON, paging, waiting where Graph is busy (429 and 503 with `Retry-After`) or where what was
 * just made is not known everywhere, and refusals in words with the request-id that Microsoft's support asks for.
 */
export class GraphClient {
  readonly #options: GraphClientOptions;

  constructor(options: GraphClientOptions) {
    this.#options = options;
  }

  get address(): string {
    return this.#options.address;
  }

  /** @returns the address of an object, as references to it are written */
  linkTo(path: string): string {
    return `${this.address}${path}`;
  }

  /** @param path with version and query, such as `/v1.0/me`. @returns undefined when there is none (404). @throws {GraphError} */
  async find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.call<T>('GET', path);
    } catch (error) {
      if (error instanceof GraphError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Deletes what is there. What is gone already is as good. @throws {GraphError} */
  async remove(path: string): Promise<void> {
    await this.call('DELETE', path).catch((error: unknown) => {
      const isGone = error instanceof GraphError && (error.status === 404 || GONE.test(error.message));
      if (!isGone) throw error;
    });
  }

  /** All pages of a collection. @throws {GraphError} */
  async list<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    let next: string | undefined = path;
    while (next !== undefined) {
      const page: { value?: T[]; '@odata.nextLink'?: string } = await this.call('GET', next);
      if (!Array.isArray(page?.value)) throw new GraphError(200, 'NoList', `Microsoft Graph gave no list for ${next}`);
      items.push(...page.value);
      next = this.#ownPath(page['@odata.nextLink']);
    }
    return items;
  }

  /** @returns the answer's JSON; undefined where it has none. @throws {GraphError} */
  async call<T>(method: string, path: string, body?: unknown, { justMade = false }: CallOptions = {}): Promise<T> {
    let busy = 0;
    let unsettled = 0;
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#send(method, path, body);
      if (answer.status < 400) return answer.body as T;
      const { code, message } = refusalOf(answer.body);
      const pause = PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)]!;
      if (mayRepeat(method, answer.status)) {
        const wait = Math.max(millisecondsOf(answer.retryAfter) ?? pause, 1_000);
        busy += wait;
        if (busy > BUSY_MS) throw tooBusy(answer, wait);
        await this.#options.wait(wait);
      } else if (justMade && isUnsettled(answer.status, `${code} ${message}`) && unsettled < SETTLE_MS) {
        unsettled += pause;
        await this.#options.wait(pause);
      } else {
        const hint = unsettled >= SETTLE_MS ? `\nWhat was just made is not known everywhere yet. ${RUN_AGAIN}` : '';
        throw refused(method, path, answer, { code, message, hint });
      }
    }
  }

  async #send(method: string, path: string, body: unknown): Promise<Answer> {
    const { address, token, fetch: send } = this.#options;
    const headers: Record<string, string> = { authorization: `Bearer ${token}`, accept: 'application/json' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    try {
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const signal = AbortSignal.timeout(100_000);
      const reply = await send(`${address}${path}`, { method, headers, redirect: 'error', signal, ...sent });
      const text = await reply.text();
      const requestId = reply.headers.get('request-id') ?? '';
      return { status: reply.status, retryAfter: reply.headers.get('retry-after'), requestId, body: jsonOf(text) };
    } catch (error) {
      const { message, cause } = error as Error & { cause?: { code?: string } };
      const why = cause?.code ?? message;
      throw new GraphError(0, 'NoAnswer', `Microsoft Graph does not answer (${method} ${path}: ${why}). ${RUN_AGAIN}`);
    }
  }

  /** The token is sent to no other address than the one that was asked. */
  #ownPath(link: string | undefined): string | undefined {
    if (link === undefined) return undefined;
    if (link.startsWith(`${this.#options.address}/`)) return link.slice(this.#options.address.length);
    throw new GraphError(
      0,
      'ForeignLink',
      `Microsoft Graph names a next page at another address: ${printable(link.slice(0, 200))}`,
    );
  }
}

const RUN_AGAIN = 'Run the command again: it goes on where it stopped.';

/** A POST that broke off (503, 504) may have made something; nothing is made twice. */
function mayRepeat(method: string, status: number): boolean {
  return status === 429 || ((status === 503 || status === 504) && method !== 'POST');
}

function isUnsettled(status: number, said: string): boolean {
  return status === 404 || (status === 400 && UNSETTLED.test(said));
}

/** RFC 9110 10.2.3: seconds or a date; Graph sends seconds. */
function millisecondsOf(retryAfter: string | null): number | undefined {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter.trim()) ? Number(retryAfter) * 1_000 : undefined;
}

/** Graph's errors (Microsoft Learn, "Microsoft Graph error responses"): `{error: {code, message, details}}`. */
function refusalOf(body: unknown): { code: string; message: string } {
  const { code, message, details } = fieldsOf(fieldsOf(body)['error']);
  const more = (Array.isArray(details) ? details : []).map((detail) => fieldsOf(detail)['code']);
  const codes = [code ?? 'Unknown', ...more].filter((each) => typeof each === 'string');
  return { code: printable(codes.join('/')), message: typeof message === 'string' ? message : 'no reason given' };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function refused(method: string, path: string, answer: Answer, said: { code: string; message: string; hint: string }) {
  const { code, message, hint } = said;
  const what = `${method} ${path.split('?')[0]}`;
  const where = `HTTP ${answer.status} ${code}, request-id ${answer.requestId || 'none'}`;
  return new GraphError(
    answer.status,
    code,
    `Microsoft Graph refused ${what} (${where}): ${printable(message.slice(0, 600))}${hint}`,
  );
}

function tooBusy({ status, requestId }: Answer, wait: number): GraphError {
  const text = `Microsoft Graph is busy and asks to wait ${Math.ceil(wait / 1_000)} seconds more (HTTP ${status}, request-id ${requestId || 'none'}). ${RUN_AGAIN}`;
  return new GraphError(status, 'TooBusy', text);
}

function jsonOf(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
