/** Messages quote what the other side sent; a log or journal must not be filled that way. */
const MAX_MESSAGE = 300;

/** What every reader and writer of this folder throws when a text breaks its language: one class to catch at a door. */
export class WireError extends Error {
  constructor(message: string) {
    super(message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}...` : message);
    this.name = new.target.name;
  }
}
