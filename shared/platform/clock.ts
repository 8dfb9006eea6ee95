/** The only clock of the product: whatever depends on the time asks here, so that a test can move it. */

const system = () => new Date();
let read: () => Date = system;

/** The time now, as a new Date that the caller may keep. */
export function now(): Date {
  return new Date(read());
}

/**
 * Replaces the clock; `undefined` puts the system's back. For tests only.
 *
 * @param clock returns the time that `now` is to give
 */
export function setClock(clock: (() => Date) | undefined): void {
  read = clock ?? system;
}
