/**
 * The long runs are the tests of this folder at full scale. `npm test` runs a twentieth of each, from the same seeds.
 * @returns true in `npm run soak`
 */
export const isSoak = process.env['LANYARD_SOAK'] === '1';

/** @param full how many there are in the soak @returns how many to run now */
export function scaled(full: number): number {
  return isSoak ? full : Math.ceil(full / 20);
}

/** Far more than either takes on a quiet machine. */
export const TIMEOUT_MS = isSoak ? 35 * 60_000 : 300_000;

/** The figures of a long run, for people to read and for the docs. */
export function tell(title: string, figures: Record<string, number | string>): void {
  if (!isSoak) return;
  const lines = Object.entries(figures).map(([name, figure]) => `  ${name.padEnd(44)} ${String(figure).padStart(8)}`);
  process.stdout.write(`\n${title}\n${lines.join('\n')}\n`);
}
