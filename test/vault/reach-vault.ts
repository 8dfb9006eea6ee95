import type dns from 'node:dns';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';

/**
 * Makes this process find and trust a vault on this machine, as a deployment finds and trusts Azure's: by its name and by
 * the root of its certificate. RFC 6761 section 6.3 gives names below `localhost` to the loopback address, but not every
 * system knows. What is tested stays as it is: the SDK compares the vault's name with the resource of its challenge, and that
 * check is not to be switched off.
 */

const VAULTS = /\.vault\.localhost$/;
const roots: string[] = [];

type Lookup = (host: string, options: dns.LookupOptions, done: (...answer: unknown[]) => void) => void;

/** @param root PEM of the root above the vault's TLS certificate; it is trusted for vaults on this machine alone */
export function trustVault(root: string): void {
  if (roots.length === 0) replaceConnect();
  roots.push(root);
}

const toLoopback: Lookup = (_host, options, done) =>
  options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);

function replaceConnect(): void {
  const connect = tls.connect as (...args: unknown[]) => tls.TLSSocket;
  const replaced = (...args: unknown[]) => {
    const [options, ...rest] = args as [tls.ConnectionOptions, ...unknown[]];
    const isVault = typeof options === 'object' && VAULTS.test(options.host ?? '');
    return connect(...(isVault ? [{ ...options, ca: roots, lookup: toLoopback }, ...rest] : args));
  };
  tls.connect = replaced as typeof tls.connect;
}

const given = process.env['VAULT_TLS_ROOT'];
if (given) trustVault(readFileSync(given, 'utf8'));
