import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Provisioning, provisioningDocument, renewalDocument } from '../../../shared/wire/provisioning.ts';
import { attribute, parseXml, type XmlElement } from '../../../shared/wire/xml.ts';

const ID = '3f0a2c7e-5d1b-4a57-9c2e-8b7d0e6f1a42';
const PROVISIONING: Provisioning = {
  enrollmentId: ID,
  enrollmentType: 'Full',
  providerId: 'Lanyard',
  name: 'Example & Söhne "AG"',
  managementUrl: 'https://manage.example.org/ManagementServer/MDM.svc',
  upn: 'user@example.org',
  deviceName: 'PC-0001',
  rootCertificate: Buffer.from('root certificate'),
  issuingCertificate: Buffer.from('issuing certificate'),
  leafCertificate: Buffer.from('leaf certificate, longer than one line of base64 would be if anyone were to wrap it'),
  renewPeriodDays: 60,
  retryIntervalDays: 4,
  appsrv: { secret: 'device-secret', nonce: 'ABEiM0RVZneImaq7zN3u/w==' },
  client: { secret: 'server-secret', nonce: '/+7dzLuqmYh3ZlVEMyIRAA==' },
  poll: {
    first: { interval: 15, count: 5 },
    second: { interval: 60, count: 10 },
    remaining: { interval: 480, count: 0 },
  },
  pollOnLogin: true,
};

const thumbprint = (der: Buffer) => createHash('sha1').update(der).digest('hex').toUpperCase();
const parsed = (v: Partial<Provisioning> = {}) => parseXml(provisioningDocument({ ...PROVISIONING, ...v }));
const byType = (e: XmlElement | undefined, ...path: string[]) =>
  path.reduce((at, type) => at?.children.find((c) => attribute(c, 'type') === type), e);
const types = (e: XmlElement | undefined) => e?.children.map((c) => attribute(c, 'type'));
const parms = (e: XmlElement | undefined) =>
  e?.children.filter((c) => c.name === 'parm').map((c) => c.attributes.map((a) => a.value));

describe('the provisioning document', () => {
  test('holds CertificateStore, APPLICATION and DMClient, in this order, and nothing else', () => {
    const root = parsed();
    expect(root).toMatchObject({ name: 'wap-provisioningdoc', namespace: '' });
    expect(attribute(root, 'version')).toBe('1.1');
    expect(types(root)).toEqual(['CertificateStore', 'APPLICATION', 'DMClient']);
  });

  test('has no white space between elements and no line feed in any value', () => {
    const text = provisioningDocument(PROVISIONING);
    expect(text).not.toMatch(/>\s|\s<|[\r\n\t]/);
    expect(text).not.toMatch(/&#x[0-9A-F]+;/);
  });

  test.each([
    ['Full', 'User'],
    ['Device', 'System'],
  ] as const)(
    'stores root, issuing and, for %s, the leaf in My/%s with the key container beside it',
    (enrollmentType, store) => {
      const root = byType(parsed({ enrollmentType }), 'CertificateStore');
      expect(types(root)).toEqual(['Root', 'CA', 'My']);
      const { rootCertificate, issuingCertificate, leafCertificate } = PROVISIONING;
      const certificate = (e: XmlElement | undefined) => parms(e)?.flat();
      expect(types(byType(root, 'Root'))).toEqual(['System']);
      expect(types(byType(root, 'Root', 'System'))).toEqual([thumbprint(rootCertificate)]);
      expect(types(byType(root, 'CA', 'System'))).toEqual([thumbprint(issuingCertificate)]);
      expect(types(byType(root, 'My'))).toEqual([store, 'WSTEP']);
      expect(types(byType(root, 'My', store))).toEqual([thumbprint(leafCertificate), 'PrivateKeyContainer']);
      expect(certificate(byType(root, 'My', store, thumbprint(leafCertificate)))).toEqual([
        'EncodedCertificate',
        leafCertificate.toString('base64'),
      ]);
      expect(byType(root, 'My', store, 'PrivateKeyContainer')?.content).toEqual([]);
    },
  );

  test('renews by itself, with typed periods', () => {
    expect(parms(byType(parsed(), 'CertificateStore', 'My', 'WSTEP', 'Renew'))).toEqual([
      ['ROBOSupport', 'true', 'boolean'],
      ['RenewPeriod', '60', 'integer'],
      ['RetryInterval', '4', 'integer'],
    ]);
  });

  test('describes the account in the order that Windows accepts, without types', () => {
    expect(parms(byType(parsed(), 'APPLICATION'))).toEqual([
      ['APPID', 'w7'],
      ['PROVIDER-ID', 'Lanyard'],
      ['NAME', 'Example & Söhne "AG"'],
      ['ADDR', 'https://manage.example.org/ManagementServer/MDM.svc'],
      ['PROTOVER', '1.2'],
      ['CONNRETRYFREQ', '6'],
      ['INITIALBACKOFFTIME', '30000'],
      ['MAXBACKOFFTIME', '120000'],
      ['BACKCOMPATRETRYDISABLED'],
      ['DEFAULTENCODING', 'application/vnd.syncml.dm+xml'],
      ['SSLCLIENTCERTSEARCHCRITERIA', `Subject=CN%3D${ID}&Stores=My%5CUser`],
    ]);
  });

  test.each([
    ['Full', 'My%5CUser'],
    ['Device', 'My%5CSystem'],
  ] as const)(
    'names the certificate of %s by subject and store, the ampersand escaped once',
    (enrollmentType, store) => {
      expect(provisioningDocument({ ...PROVISIONING, enrollmentType })).toContain(
        `name="SSLCLIENTCERTSEARCHCRITERIA" value="Subject=CN%3D${ID}&amp;Stores=${store}"/>`,
      );
    },
  );

  test('gives both sides a digest credential with its own nonce, the device first', () => {
    const blocks = byType(parsed())?.children.find((c) => attribute(c, 'type') === 'APPLICATION');
    expect(blocks?.children.filter((c) => attribute(c, 'type') === 'APPAUTH').map(parms)).toEqual([
      [
        ['AAUTHLEVEL', 'APPSRV'],
        ['AAUTHTYPE', 'DIGEST'],
        ['AAUTHNAME', ID],
        ['AAUTHSECRET', 'device-secret'],
        ['AAUTHDATA', 'ABEiM0RVZneImaq7zN3u/w=='],
      ],
      [
        ['AAUTHLEVEL', 'CLIENT'],
        ['AAUTHTYPE', 'DIGEST'],
        ['AAUTHNAME', 'Lanyard'],
        ['AAUTHSECRET', 'server-secret'],
        ['AAUTHDATA', '/+7dzLuqmYh3ZlVEMyIRAA=='],
      ],
    ]);
  });

  test('tells the device its names and its schedule under the provider', () => {
    const provider = byType(parsed(), 'DMClient', 'Provider', 'Lanyard');
    expect(parms(provider)).toEqual([
      ['UPN', 'user@example.org', 'string'],
      ['EntDeviceName', 'PC-0001', 'string'],
      ['EntDMID', ID, 'string'],
    ]);
    expect(parms(byType(provider, 'Poll'))).toEqual([
      ['NumberOfFirstRetries', '5', 'integer'],
      ['IntervalForFirstSetOfRetries', '15', 'integer'],
      ['NumberOfSecondRetries', '10', 'integer'],
      ['IntervalForSecondSetOfRetries', '60', 'integer'],
      ['NumberOfRemainingScheduledRetries', '0', 'integer'],
      ['IntervalForRemainingScheduledRetries', '480', 'integer'],
      ['PollOnLogin', 'true', 'boolean'],
    ]);
  });

  test.each([
    ['a device enrollment', { enrollmentType: 'Device' }],
    ['no user', { upn: undefined }],
  ] as const)('names no UPN with %s', (_, v) => {
    expect(provisioningDocument({ ...PROVISIONING, ...v })).not.toContain('UPN');
  });

  test('never holds what Windows refuses or the account must not say', () => {
    const text = provisioningDocument(PROVISIONING);
    for (const word of ['RootCATrustedCertificates', 'ROLE', '"INIT"', 'USEHWDEVID', 'ServerURL', 'PFN', 'Policy']) {
      expect(text).not.toContain(word);
    }
  });

  const poll = PROVISIONING.poll;
  test.each([
    [{ renewPeriodDays: 0 }, 'renewPeriodDays'],
    [{ renewPeriodDays: 1001 }, 'renewPeriodDays'],
    [{ renewPeriodDays: 1.5 }, 'renewPeriodDays'],
    [{ retryIntervalDays: 61 }, 'retryIntervalDays'],
    [{ providerId: 'Two Words' }, 'providerId'],
    [{ providerId: '' }, 'providerId'],
    [{ managementUrl: 'https://manage.example.org/MDM.svc?a=b' }, 'query'],
    [{ poll: { ...poll, first: { interval: -1, count: 5 } } }, 'poll.first.interval'],
    [{ poll: { ...poll, second: { interval: 60, count: Number.NaN } } }, 'poll.second.count'],
    [{ poll: { ...poll, second: { interval: 60, count: 0 } } }, 'second and remaining both never end'],
    [
      {
        poll: {
          first: { interval: 0, count: 0 },
          second: { interval: 0, count: 0 },
          remaining: { interval: 480, count: 0 },
        },
      },
      'one set with a count',
    ],
  ])('is not written with %j', (v, message) => {
    expect(() => provisioningDocument({ ...PROVISIONING, ...v })).toThrow(RangeError);
    expect(() => provisioningDocument({ ...PROVISIONING, ...v })).toThrow(message);
  });
});

describe('the document of a renewal', () => {
  test('brings the certificates and names the account, and changes nothing else', () => {
    const root = parseXml(renewalDocument(PROVISIONING));
    expect(types(root)).toEqual(['CertificateStore', 'APPLICATION']);
    expect(types(byType(root, 'CertificateStore'))).toEqual(['Root', 'CA', 'My']);
    expect(types(byType(root, 'CertificateStore', 'My'))).toEqual(['User']);
    expect(types(byType(root, 'CertificateStore', 'My', 'User'))).toEqual([
      thumbprint(PROVISIONING.leafCertificate),
      'PrivateKeyContainer',
    ]);
    expect(parms(byType(root, 'APPLICATION'))).toEqual([['PROVIDER-ID', 'Lanyard']]);
  });
});
