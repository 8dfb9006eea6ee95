import { performance } from 'node:perf_hooks';

/** Prints what happens as plain lines: a tick, the step, what was exchanged, and how long it took since the line before. */
export class Journey {
  #last = performance.now();
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void = console.log) {
    this.#print = print;
  }

  /** @param took milliseconds, where the step knows them better than the clock between two lines */
  done(step: string, detail: string, took?: number): void {
    const now = performance.now();
    const ms = Math.round(took ?? now - this.#last);
    this.#last = now;
    this.#print(`  ✓ ${step.padEnd(22)} ${detail.padEnd(86)} ${String(ms).padStart(5)} ms`);
  }
}

/** @returns a size as a person reads it */
export function size(bytes: number): string {
  return bytes < 1_024 ? `${bytes} B` : `${(bytes / 1_024).toFixed(1)} KB`;
}
