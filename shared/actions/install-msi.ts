import * as z from 'zod';
import { forbiddenCharacter, xml } from '../wire/xml.ts';
import { action } from './action.ts';

const GUID = /^\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$/i;
const writable = (text: string) => forbiddenCharacter(text) === undefined;

const input = z.strictObject({
  productCode: z.string().trim().regex(GUID, 'must be the product code of the MSI, a GUID'),
  url: z
    .string()
    .trim()
    .max(2_000)
    .refine((text) => /^https:\/\/[^\s"'<>]+$/.test(text) && URL.canParse(text), 'must be an https address'),
  sha256: z
    .string()
    .trim()
    .regex(/^[0-9a-f]{64}$/i, 'must be the SHA-256 of the file, 64 hexadecimal digits'),
  version: z
    .string()
    .trim()
    .regex(/^\d{1,5}(\.\d{1,5}){1,3}$/, 'must be a version such as 1.2.3'),
  arguments: z
    .string()
    .trim()
    .max(1_000)
    .refine(writable, 'has a character that XML cannot carry')
    .default('/quiet /norestart'),
  timeoutMinutes: z.int().min(1).max(240).default(30),
  retries: z.int().min(0).max(10).default(3),
  retryAfterMinutes: z.int().min(1).max(1_440).default(5),
});

/**
 * EnterpriseDesktopAppManagement CSP: the node is added, then run with an MsiInstallJob. The device answers 200 or 202 and tells
 * later what came of it (alert 1226, win32csp_install), or is asked for it.
 */
export const installMsi = action({
  name: 'install-msi',
  summary: 'Installs an MSI package for all users of the device.',
  input,
  plan(_, given) {
    const productCode = `{${given.productCode.replace(/[{}]/g, '').toUpperCase()}}`;
    const target = `./Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/${encodeURIComponent(productCode)}/DownloadInstall`;
    const data = String(jobOf(given, productCode));
    const hidden = new URL(given.url).search !== '' ? { secret: true as const } : {};
    return {
      commands: [
        { verb: 'Add', target },
        { verb: 'Exec', target, data, format: 'xml', type: 'text/plain', ...hidden },
      ],
      warnings: [
        'The device fetches the file as itself, before anybody signs in: the address must need no login and stay good until then.',
        'It installs nothing whose SHA-256 or product code is another. The result comes later, in a session of its own.',
        ...(hidden.secret ? ['The address has a query, so it is kept and shown as a secret.'] : []),
        `To remove it later: Delete of ${target.replace(/\/DownloadInstall$/, '')}.`,
      ],
    };
  },
});

function jobOf(given: z.output<typeof input>, productCode: string) {
  const { url, sha256, version, timeoutMinutes, retries, retryAfterMinutes } = given;
  return xml`<MsiInstallJob id="${productCode}"><Product Version="${version}"><Download><ContentURLList><ContentURL>${url}</ContentURL></ContentURLList></Download><Validation><FileHash>${sha256.toUpperCase()}</FileHash></Validation><Enforcement><CommandLine>${given.arguments}</CommandLine><TimeOut>${timeoutMinutes}</TimeOut><RetryCount>${retries}</RetryCount><RetryInterval>${retryAfterMinutes}</RetryInterval></Enforcement></Product></MsiInstallJob>`;
}
