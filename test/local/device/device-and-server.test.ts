import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { md5Credential } from '../../../local/device/digest.ts';
import { discoverRequest, readDiscoverResponse } from '../../../local/device/discovery.ts';
import { envelopeRemarks } from '../../../local/device/envelope-remarks.ts';
import { newMachine } from '../../../local/device/machine.ts';
import { getPoliciesRequest, readPolicies } from '../../../local/device/policy.ts';
import { readProvisioningDocument } from '../../../local/device/provisioning-reader.ts';
import { contextItems, readTokenResponse, requestSecurityToken } from '../../../local/device/security-token.ts';
import { OIW_SHA1_WITH_RSA, SHA256, signingRequest } from '../../../local/device/signing-request.ts';
import { faultError } from '../../../local/device/soap-fault.ts';
import { readServerMessage } from '../../../local/device/syncml-message.ts';
import { type Outgoing, writeMessage } from '../../../local/device/syncml-writer.ts';
import { openKeyFolder } from '../../../shared/certificates/file-keys.ts';
import { issueLeaf } from '../../../shared/certificates/leaf.ts';
import { readSigningRequest } from '../../../shared/certificates/signing-request.ts';
import { digestMatches, hashedCredential } from '../../../shared/wire/digest.ts';
import { discoverResponse, readDiscover } from '../../../shared/wire/discovery.ts';
import { FAULT_HRESULT, type FaultName, fault } from '../../../shared/wire/fault.ts';
import { provisioningDocument } from '../../../shared/wire/provisioning.ts';
import { readEnvelope } from '../../../shared/wire/soap.ts';
import { readSyncML } from '../../../shared/wire/syncml.ts';
import { atomicElement, commandElement, statusElement, writeSyncML } from '../../../shared/wire/syncml-writer.ts';
import { readRequestSecurityToken, tokenResponse } from '../../../shared/wire/wstep.ts';
import { getPoliciesResponse, readGetPolicies } from '../../../shared/wire/xcep.ts';

// Two independent readers and writers of one language: what one side writes, the other has to understand.

const machine = newMachine('PC-ÄNNE & <Söhne>');
const credential = { kind: 'password' as const, user: 'ann@contoso.example', secret: ' a "secret" & <more> ' };
const to = 'https://mdm.contoso.example/EnrollmentServer/Enrollment.svc';
const folder = mkdtempSync(join(tmpdir(), 'device-and-server-'));
afterAll(() => rmSync(folder, { recursive: true }));

const remarks = (body: Buffer, step: string, action: string, messageId = 'urn:uuid:1') =>
  envelopeRemarks(
    { status: 200, contentType: 'application/soap+xml; charset=utf-8', body },
    { step, action, messageId },
  );

describe('enrollment', () => {
  test('the server reads a Discover of the device, and the device its answer', () => {
    const asked = readDiscover(readEnvelope(discoverRequest(machine, credential.user, to)));
    expect(asked).toMatchObject({
      emailAddress: credential.user,
      requestVersion: '9.0',
      deviceType: 'CIMClient_Windows',
      authPolicies: ['OnPremise', 'Federated'],
    });
    const urls = { policyUrl: to.replace('Enrollment.svc', 'Policy.svc'), enrollmentUrl: to };
    const answer = discoverResponse({
      relatesTo: 'urn:uuid:1',
      authPolicy: 'OnPremise',
      enrollmentVersion: '4.0',
      activityId: 'a',
      ...urls,
    });
    expect(readDiscoverResponse(answer)).toMatchObject({ authPolicy: 'OnPremise', enrollmentVersion: '4.0', ...urls });
    const action =
      'http://schemas.microsoft.com/windows/management/2012/01/enrollment/IDiscoveryService/DiscoverResponse';
    expect(remarks(answer, 'discover', action)).toEqual([]);
  });

  test('the server reads a GetPolicies of the device, and the device its answer', () => {
    const envelope = readEnvelope(getPoliciesRequest(credential, to));
    readGetPolicies(envelope);
    expect(envelope.security.usernameToken).toEqual({ username: credential.user, password: credential.secret });
    const answer = getPoliciesResponse({
      relatesTo: 'urn:uuid:1',
      commonName: 'Contoso',
      validityDays: 365,
      renewalDays: 60,
      minimalKeyLength: 2048,
    });
    expect(readPolicies(answer)).toEqual({ minimalKeyLength: 2048, hashOid: SHA256, cryptoProviders: [], remarks: [] });
  });

  test.each(['federated', 'entra'] as const)('the server reads a %s token as it was posted', (kind) => {
    const envelope = readEnvelope(getPoliciesRequest({ kind, token: 'eyJ-a.b_c' }, to));
    expect(Buffer.from(envelope.security.binarySecurityToken?.token ?? '', 'base64').toString()).toBe('eyJ-a.b_c');
  });

  test.each([SHA256, OIW_SHA1_WITH_RSA])(
    'a request signed by %s gets a certificate and a document that the device takes',
    async (hashOid) => {
      const { privateKey: key } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const csr = signingRequest({
        key,
        deviceId: machine.deviceId,
        guid: '6A8B2F0C-55A1-4D7E-8C1B-0E9F7A6D5C4B',
        hashOid,
      });
      const asked = readRequestSecurityToken(
        readEnvelope(
          requestSecurityToken({ credential, to, signingRequest: csr, context: contextItems(machine, '4.0') }),
        ),
      );
      expect(asked.requestType).toBe('Issue');
      expect(asked.context).toContainEqual({ name: 'DeviceName', value: machine.name });
      expect(asked.context.filter((item) => item.name === 'MAC')).toHaveLength(13);

      const ca = await openKeyFolder(folder, new Date());
      const enrollmentId = 'b7c1f6a2-3d4e-4f5a-8b6c-7d8e9f0a1b2c';
      const now = new Date();
      const { subjectPublicKeyInfo } = readSigningRequest(asked.token?.data ?? Buffer.alloc(0));
      const leaf = await issueLeaf({ ca, enrollmentId, subjectPublicKeyInfo, now });
      const answer = tokenResponse({
        relatesTo: 'urn:uuid:1',
        provisioningDocument: provisioningDocument({
          enrollmentId,
          enrollmentType: 'Full',
          providerId: 'Lanyard',
          name: 'Contoso & Söhne',
          managementUrl: 'https://mdm.contoso.example/ManagementServer/MDM.svc',
          upn: credential.user,
          deviceName: machine.name,
          rootCertificate: ca.rootCertificate,
          issuingCertificate: ca.issuingCertificate,
          leafCertificate: leaf.der,
          renewPeriodDays: 60,
          retryIntervalDays: 4,
          appsrv: { secret: 's1', nonce: Buffer.alloc(16, 1).toString('base64') },
          client: { secret: 's2', nonce: Buffer.alloc(16, 2).toString('base64') },
          poll: {
            first: { interval: 15, count: 5 },
            second: { interval: 60, count: 10 },
            remaining: { interval: 480, count: 0 },
          },
          pollOnLogin: true,
        }),
        created: now,
        expires: now,
        activityId: 'a',
      });
      expect(
        remarks(answer, 'token', 'http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RSTRC/wstep'),
      ).toEqual([]);
      const document = readTokenResponse(answer) ?? '';
      const provisioned = readProvisioningDocument(document, {
        enrollmentType: 'Full',
        publicKey: createPublicKey(key),
        now,
      });
      expect(provisioned.remarks).toEqual([]);
      expect(provisioned).toMatchObject({
        account: { name: 'Contoso & Söhne', search: { subjects: [`CN=${enrollmentId}`], stores: ['My\\User'] } },
        client: { entDmId: enrollmentId, entDeviceName: machine.name },
      });
    },
  );

  test.each(Object.entries(FAULT_HRESULT))('the fault %s is shown as %s', (name, hresult) => {
    const answer = fault({ name: name as FaultName, reason: 'because of <this> & that', traceId: 'trace-9' });
    const error = faultError(answer, 500, 'token');
    expect(error).toMatchObject({ hresult, traceId: 'trace-9' });
    expect(error.message).toContain('because of <this> & that');
  });
});

describe('management', () => {
  const package1: [number, Outgoing][] = [
    [2, { kind: 'Alert', code: 1201 }],
    [3, { kind: 'Alert', code: 1224, type: 'com.microsoft/MDM/LoginStatus', data: 'user' }],
    [
      4,
      {
        kind: 'Alert',
        code: 1226,
        type: 'com.microsoft:mdm.unenrollment.userrequest',
        format: 'int',
        mark: 'critical',
        data: '1',
      },
    ],
    [5, { kind: 'Replace', items: [{ source: './DevInfo/DevId', data: machine.deviceId }] }],
  ];
  const header = {
    sessionId: '7',
    msgId: 1,
    target: 'https://mdm.contoso.example/x?a=1&b=2',
    source: machine.deviceId,
  };

  test('the server reads package 1 of the device', () => {
    const message = readSyncML(writeMessage({ ...header, locName: 'id', credential: 'AAAA', commands: package1 }));
    expect(message).toMatchObject({
      header: {
        sessionId: '7',
        msgId: '1',
        source: machine.deviceId,
        locName: 'id',
        cred: { type: 'syncml:auth-md5', format: 'b64', data: 'AAAA' },
      },
      commands: [
        { kind: 'Alert', cmdId: '2', code: 1201 },
        { kind: 'Alert', cmdId: '3', code: 1224, items: [{ data: 'user' }] },
        { kind: 'Alert', cmdId: '4', code: 1226, items: [{ data: '1', meta: { format: 'int', mark: 'critical' } }] },
        { kind: 'Replace', cmdId: '5', items: [{ source: './DevInfo/DevId', data: machine.deviceId }] },
      ],
      final: true,
    });
  });

  test('the server reads statuses and results of the device, whatever characters are in them', () => {
    const data = 'a <b> & "c"\r\n é';
    const answers: [number, Outgoing][] = [
      [1, { kind: 'Status', msgRef: '1', cmdRef: '0', cmd: 'SyncHdr', code: 200 }],
      [2, { kind: 'Status', msgRef: '1', cmdRef: '8', cmd: 'Get', targetRef: './A/%20', code: 404 }],
      [3, { kind: 'Results', msgRef: '1', cmdRef: '8', items: [{ source: './B', data, format: 'xml' }] }],
    ];
    const message = readSyncML(writeMessage({ ...header, msgId: 2, commands: answers }));
    expect(message.commands).toMatchObject([
      { kind: 'Status', cmdRef: '0', code: 200 },
      { kind: 'Status', cmdRef: '8', targetRef: './A/%20', code: 404 },
      { kind: 'Results', cmdRef: '8', items: [{ source: './B', data, meta: { format: 'xml' } }] },
    ]);
  });

  test('the device reads a reply of the server', () => {
    const statuses = [
      ['0', 'SyncHdr'],
      ['2', 'Alert'],
      ['3', 'Alert'],
      ['4', 'Alert'],
      ['5', 'Replace'],
    ];
    const body = statuses.map(([cmdRef = '', cmd = ''], n) =>
      statusElement(n + 1, { msgRef: '1', cmdRef, cmd, code: 200 }),
    );
    const set = {
      target: './Device/Vendor/MSFT/Policy/Config/A/B',
      data: '<x a="1">&</x>',
      format: 'chr',
      type: 'text/plain',
    };
    body.push(commandElement(6, { verb: 'Get', items: [{ target: './DevDetail/SwV' }] }));
    body.push(atomicElement(7, [commandElement(8, { verb: 'Replace', items: [set] })]));
    const bytes = writeSyncML({
      sessionId: '7',
      msgId: 1,
      target: machine.deviceId,
      source: header.target,
      body,
      final: true,
    });
    const sent = package1.map(([cmdId, command]) => ({ cmdId: String(cmdId), cmd: command.kind }));
    const message = readServerMessage(bytes, {
      sessionId: '7',
      msgId: 1,
      deviceId: machine.deviceId,
      lastServerMsgId: 0,
      sent,
    });
    expect(message.commands).toMatchObject([
      { name: 'Get', cmdId: '6', items: [{ target: './DevDetail/SwV' }] },
      { name: 'Atomic', cmdId: '7', commands: [{ name: 'Replace', cmdId: '8', items: [set] }] },
    ]);
  });

  test('the device reads a challenge of the server, and the server believes its credential', () => {
    const nonce = Buffer.from('0123456789abcdef');
    const chal = { type: 'syncml:auth-md5', format: 'b64', nextNonce: nonce.toString('base64') };
    const body = [statusElement(1, { msgRef: '1', cmdRef: '0', cmd: 'SyncHdr', code: 407, chal })];
    const bytes = writeSyncML({
      sessionId: '7',
      msgId: 1,
      target: machine.deviceId,
      source: header.target,
      body,
      final: false,
    });
    const message = readServerMessage(bytes, {
      sessionId: '7',
      msgId: 1,
      deviceId: machine.deviceId,
      lastServerMsgId: 0,
      sent: [],
    });
    expect(message).toMatchObject({ headerStatus: 407, challenge: chal, remarks: [] });
    const data = md5Credential('the-device', 'the-secret', message.challenge?.nextNonce ?? '');
    expect(digestMatches(data, hashedCredential('the-device', 'the-secret'), nonce)).toBe(true);
  });
});
