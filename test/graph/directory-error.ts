/** A refusal as Microsoft Graph gives it. */
export class DirectoryError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: { code: string; target: string }[];

  constructor(status: number, code: string, message: string, details: { code: string; target: string }[] = []) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

export const badRequest = (message: string, code = 'Request_BadRequest') => new DirectoryError(400, code, message);

export const notFound = (id: string) =>
  new DirectoryError(
    404,
    'Request_ResourceNotFound',
    `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
  );

export const denied = () =>
  new DirectoryError(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
