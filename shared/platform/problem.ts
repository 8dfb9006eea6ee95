/** One thing that is wrong with a request; `field` is its place as a JSON path, such as `items[0].target`. */
export interface FieldError {
  field: string;
  message: string;
}

/** What a Problem may carry beside its status, title and detail. */
export interface ProblemOptions {
  errors?: FieldError[];
  /** more reply headers, such as Retry-After */
  headers?: Record<string, string>;
}

/**
 * An answer that refuses a request, as a problem details object (RFC 9457) in the making.
 * `title` is the same for every occurrence; `detail` says what is wrong here and what to do. Both are shown to the caller.
 */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly errors?: FieldError[];
  readonly headers?: Record<string, string>;

  constructor(status: number, title: string, detail: string, options: ProblemOptions = {}) {
    super(`${status} ${title}: ${detail}`);
    this.name = 'Problem';
    this.status = status;
    this.title = title;
    this.detail = detail;
    if (options.errors !== undefined) this.errors = options.errors;
    if (options.headers !== undefined) this.headers = options.headers;
  }
}

/** 400: the request cannot be read; `errors` names each field that is wrong. */
export function badRequest(errors: FieldError[], detail?: string): Problem {
  const what = detail ?? errors.map((e) => (e.field ? `${e.field}: ${e.message}` : e.message)).join('; ');
  return new Problem(400, 'Bad request', what, { errors });
}

/** 403: the caller is known and may not do this. */
export function forbidden(detail: string): Problem {
  return new Problem(403, 'Forbidden', detail);
}

/** 404: there is no such thing. */
export function notFound(detail: string): Problem {
  return new Problem(404, 'Not found', detail);
}

/** 409: the thing is in a state that does not allow this. */
export function conflict(detail: string): Problem {
  return new Problem(409, 'Conflict', detail);
}

/** 413: the body is over the size that is read, in bytes. */
export function contentTooLarge(maxBytes: number): Problem {
  return new Problem(413, 'Content too large', `The body is larger than ${maxBytes} bytes.`);
}

/** 429: too many requests; the caller may come again after so many seconds. */
export function tooManyRequests(detail: string, retryAfterSeconds: number): Problem {
  return new Problem(429, 'Too many requests', detail, { headers: { 'Retry-After': retryAfter(retryAfterSeconds) } });
}

/** 503: something that the answer needs does not answer; the caller may come again after so many seconds. */
export function serviceUnavailable(detail: string, retryAfterSeconds: number): Problem {
  return new Problem(503, 'Service unavailable', detail, { headers: { 'Retry-After': retryAfter(retryAfterSeconds) } });
}

function retryAfter(seconds: number): string {
  return String(Math.max(1, Math.ceil(seconds)));
}
