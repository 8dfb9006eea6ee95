/**
 * Somebody else wrote first (HTTP 409, 412, or 404 of a row that was to be changed): nothing of the write stands.
 * The caller reads again and starts over.
 */
export class Conflict extends Error {
  /** the row that was in the way, where the service says so */
  readonly rowKey?: string;
  /**
   * False in one rare case: an earlier try of this same write got no answer, and the rows have been changed since,
   * so that it cannot be seen any more whether that try had been carried out before somebody else's. Whoever acts on
   * "mine was refused" other than by reading again, such as a counter or a claim, looks at this.
   */
  readonly certain: boolean;

  constructor(message: string, details: { rowKey?: string; certain?: boolean } = {}) {
    super(message);
    this.name = 'Conflict';
    if (details.rowKey !== undefined) this.rowKey = details.rowKey;
    this.certain = details.certain ?? true;
  }
}

/**
 * Storage gave no usable answer: not reachable, timed out, 5xx or throttled, after all tries.
 * A write that ends so may or may not have been carried out; reading tells.
 */
export class StorageUnavailable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StorageUnavailable';
  }
}

/** A row or a transaction over the limits of Table Storage. Nothing was sent. */
export class RowTooLarge extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RowTooLarge';
  }
}

/** Storage refused for a reason that a retry does not cure: a right that is missing, a table that does not exist. */
export class StorageRefused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(message: string, status: number, code: string) {
    super(message);
    this.name = 'StorageRefused';
    this.status = status;
    this.code = code;
  }
}
