import type { NodeDefinition } from './csp-tree.ts';
import type { Machine } from './machine.ts';

/** Where a server puts the name of the PC; it holds after a restart. Learn: not for PCs of a domain. */
export const COMPUTER_NAME = './DevDetail/Ext/Microsoft/DNSComputerName';

const MAX_NAME = 15;

export function computerNameNode(machine: Machine): NodeDefinition {
  const inDomain = machine.join === 'domain' || machine.join === 'hybrid';
  return {
    path: COMPUTER_NAME,
    access: ['Get', 'Replace'],
    format: 'chr',
    value: machine.name,
    // The PC goes by its old name until it restarts.
    shows: machine.name,
    answers: inDomain ? { Replace: 405 } : {},
  };
}

/**
 * The name that a PC has after its restart: `%SERIAL%` is the serial number, cut from its beginning so that the whole has 15
 * characters; `%RAND:n%` is n random digits (Learn, DevDetail and Accounts CSPs).
 */
export function nameAfterRestart(template: string, serialNumber: string, random: () => number = Math.random): string {
  const digits = template.replace(/%RAND:(\d+)%/g, (_, n) =>
    Array.from({ length: Number(n) }, () => Math.floor(random() * 10)).join(''),
  );
  const room = MAX_NAME - digits.replace('%SERIAL%', '').length;
  const serial = serialNumber.replace(/[^A-Za-z0-9-]/g, '');
  return digits.replace('%SERIAL%', room > 0 ? serial.slice(-room) : '');
}
