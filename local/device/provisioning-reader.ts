import { findCertificate } from './certificate-search.ts';
import { DeviceError, HRESULT } from './errors.ts';
import { type ProvisionedAccount, readAccount } from './provisioned-account.ts';
import {
  type CertificateExpectation,
  type ProvisionedCertificates,
  readCertificates,
} from './provisioned-certificates.ts';
import { type ProvisionedClient, readClient } from './provisioned-client.ts';
import { type Characteristic, provisioningError, readWapDocument } from './wap-document.ts';

export interface Provisioned {
  certificates: ProvisionedCertificates;
  account: ProvisionedAccount;
  client: ProvisionedClient;
  /** what a PC lets pass and a server should still have right */
  remarks: string[];
}

/** 25H2 takes these at the top and ends the enrollment over anything else. */
const ALLOWED = ['CertificateStore', 'APPLICATION', 'DMClient'];

/**
 * Reads a provisioning document as enrollment does, all of it before anything is kept.
 * In: the text of the document, the enrollment type, the public key of the signing request, the time.
 * Errors: DeviceError. A top-level CSP that is not allowed is event 56 with 0x83750005; search criteria that do not find the
 * certificate that came with them are 0x80180024; the parts have codes of their own.
 */
export function readProvisioningDocument(text: string, expected: CertificateExpectation): Provisioned {
  const top = readWapDocument(text);
  const unwanted = top.find((characteristic) => !ALLOWED.includes(characteristic.type));
  if (unwanted) {
    throw new DeviceError(
      HRESULT.unwantedCsp,
      'provisioning',
      `the CSP ${unwanted.type} is not taken during enrollment`,
      {
        event: { id: 56, hresult: HRESULT.unwantedCsp },
      },
    );
  }
  const certificates = readCertificates(single(top, 'CertificateStore', HRESULT.provisionCertificateStore), expected);
  const account = readAccount(single(top, 'APPLICATION', HRESULT.provisionAccount));
  const dmClient = single(top, 'DMClient', HRESULT.provisionDmClient);
  const client = readClient(dmClient, account.providerId, expected.enrollmentType);
  checkSearch(account, certificates);
  return { certificates, account, client, remarks: [...certificates.remarks, ...account.remarks, ...client.remarks] };
}

function single(top: Characteristic[], type: string, hresult: string): Characteristic {
  const [first, ...more] = top.filter((characteristic) => characteristic.type === type);
  if (first && more.length === 0) return first;
  throw provisioningError(hresult, `${type} must be there once`);
}

function checkSearch(account: ProvisionedAccount, certificates: ProvisionedCertificates): void {
  if (!account.search) {
    account.remarks.push('SSLCLIENTCERTSEARCHCRITERIA is missing: no client certificate will be shown');
    return;
  }
  const leaf = { store: certificates.store, certificate: certificates.leaf.toString(), key: '' };
  if (!findCertificate(account.search, [leaf])) {
    throw provisioningError(
      HRESULT.clientCertificateNotFound,
      'SSLCLIENTCERTSEARCHCRITERIA does not find the certificate of this document',
    );
  }
}
