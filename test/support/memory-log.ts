import type { Log } from '../../shared/platform/log.ts';

type Facts = Parameters<Log['info']>[1];

/** Keeps what is logged, so that a test can say what an administrator would read. */
export class MemoryLog implements Log {
  readonly lines: { level: 'info' | 'warn' | 'error'; message: string; facts: Facts }[] = [];

  info(message: string, facts?: Facts): void {
    this.lines.push({ level: 'info', message, facts });
  }

  warn(message: string, facts?: Facts): void {
    this.lines.push({ level: 'warn', message, facts });
  }

  error(message: string, facts?: Facts): void {
    this.lines.push({ level: 'error', message, facts });
  }
}
