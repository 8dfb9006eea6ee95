/** What every reader and writer of this folder throws when a text breaks its language: one class to catch at a door. */
export class WireError extends Error {
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}
