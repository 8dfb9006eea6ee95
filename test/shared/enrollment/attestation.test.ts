import { describe, expect, test } from 'vitest';
import { readAttestation } from '../../../shared/enrollment/attestation.ts';
import { readEnrollmentContext } from '../../../shared/enrollment/enrollment-context.ts';

const items = (values: Record<string, string>) => Object.entries(values).map(([name, value]) => ({ name, value }));
const ABSENT = {
  AIKPub: 'absent',
  AIKAttestationClaim: 'absent',
  AIKCert: 'absent',
  AadAIKAttestationClaim: 'absent',
  AADPub: 'absent',
  AzureAttestationBlob: 'absent',
};

describe('what a device says of its TPM', () => {
  test('is kept whole, and what came is told from what did not', () => {
    const claim = 'C'.repeat(1_624);
    expect(readAttestation(items({ AIKPub: 'P', AIKAttestationClaim: claim, DeviceName: 'PC-1' }))).toEqual({
      kept: { items: { AIKPub: 'P', AIKAttestationClaim: claim } },
      summary: { items: { ...ABSENT, AIKPub: 'present', AIKAttestationClaim: 'present' } },
    });
  });

  test('may be only why there is nothing', () => {
    const read = readAttestation(items({ AttestationStatus: 'Status=None', AttestationStatusHResult: '0x80070057' }));
    expect(read).toEqual({
      summary: { items: ABSENT, status: 'Status=None', hresult: '0x80070057' },
    });
  });

  test('may be nothing', () => {
    expect(readAttestation(items({ DeviceName: 'PC-1', AIKPub: '' }))).toBeUndefined();
  });

  test('cannot fill the storage: 32 KiB an item and 64 KiB in all', () => {
    const half = 'x'.repeat(32 * 1024);
    const read = readAttestation(
      items({
        AIKPub: half,
        AIKAttestationClaim: `${half}x`,
        AIKCert: half,
        AADPub: 'y',
        AttestationStatus: 'z'.repeat(9_999),
      }),
    );
    expect(read?.summary.items).toEqual({
      ...ABSENT,
      AIKPub: 'present',
      AIKAttestationClaim: 'tooLarge',
      AIKCert: 'present',
      AADPub: 'tooLarge',
    });
    expect(Object.keys(read?.kept?.items ?? {})).toEqual(['AIKPub', 'AIKCert']);
    expect(read?.summary.status).toHaveLength(512);
  });

  test('is not among what people look at, and neither is the proof of acceptance', () => {
    const context = readEnrollmentContext(
      items({ DeviceID: 'D1', EnrollmentType: 'Full', AIKPub: 'P', AzureAttestationBlob: 'B', EnrollmentData: 'E' }),
    );
    expect(context.values).toEqual({ DeviceID: 'D1', EnrollmentType: 'Full' });
    expect(context.attestation?.kept?.items).toEqual({ AIKPub: 'P', AzureAttestationBlob: 'B' });
  });
});
