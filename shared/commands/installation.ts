import { nodePath, relation } from '../wire/node-path.ts';
import type { Verb } from './command.ts';

/**
 * Installations of MSI packages (EnterpriseDesktopAppManagement CSP). The Exec only starts one: what came of it is told by an
 * alert, or stands in two nodes beside it.
 */

const DOWNLOAD_INSTALL = 'EnterpriseDesktopAppManagement/MSI/*/DownloadInstall';

/**
 * @returns whether a command starts an installation. Its answer is no result, be it 202 or 200: PCs were seen to answer 200
 *   and to install nothing (windows-itpro-docs, issues 1416 and 1746)
 */
export function isInstallation(verb: Verb, target: string): boolean {
  return verb === 'Exec' && relation(nodePath(target), DOWNLOAD_INSTALL) === 'at';
}

/** @returns the node of the same package that says how far it is, or with which code it failed last */
export function nodeOfPackage(downloadInstall: string, leaf: 'Status' | 'LastError'): string {
  return downloadInstall.replace(/[^/]+$/, leaf);
}

/** What Status says (EnterpriseDesktopAppManagement CSP, MSI/{ProductID}/Status). */
const STATES: Readonly<Record<string, string>> = {
  10: 'it is about to begin',
  20: 'the file is being downloaded',
  25: 'the download failed and is tried again',
  30: 'the download failed',
  40: 'the file was downloaded',
  48: 'it waits for a user to sign in',
  50: 'it is being installed',
  55: 'the installation failed and is tried again',
  60: 'the installation failed',
  70: 'it is installed',
};

/** @returns what an installation has come to: `goesOn` for every state that is no end, known or not */
export function installationState(status: string): { end: 'done' | 'failed' | 'goesOn'; words: string } {
  const words = `Status ${status.slice(0, 16)}: ${STATES[status] ?? 'no known state'}.`;
  if (status === '70') return { end: 'done', words };
  return { end: status === '30' || status === '60' ? 'failed' : 'goesOn', words };
}

/** Windows Installer's words for success that ends with a restart, as they are and as HRESULT (Learn, "MsiExec.exe error messages"). */
const RESTART: ReadonlySet<number> = new Set([3010, 1641, 0x80070bc2, 0x80070669]);

/** @returns whether what the device says of its end is success, and whether it waits for a restart */
export function installationEnd(data: string): { done: boolean; restart: boolean } {
  const restart = RESTART.has(codeOf(data) ?? 0);
  return { done: data === '0' || restart, restart };
}

/** @returns a code as Windows writes an HRESULT, where it is a number; else its beginning */
export function hresult(data: string): string {
  const code = codeOf(data);
  return code === undefined ? data.slice(0, 64) : `0x${code.toString(16).toUpperCase().padStart(8, '0')}`;
}

/** As 32 bits without a sign; devices write it with one. */
function codeOf(data: string): number | undefined {
  return /^-?\d{1,10}$/.test(data) ? Number(data) >>> 0 : undefined;
}
