import { AsnParser, AsnSerializer } from '@peculiar/asn1-schema';
import { AttributeTypeAndValue, AttributeValue, Name, RelativeDistinguishedName } from '@peculiar/asn1-x509';
import { BitString, Constructed, fromBER, Integer, Null, ObjectIdentifier, Sequence } from 'asn1js';
import type { SigningKey } from './ca-certificates.ts';

const COMMON_NAME = '2.5.4.3';
const SHA256_WITH_RSA = '1.2.840.113549.1.1.11';
const CONTEXT_SPECIFIC = 3;

/**
 * Builds a certificate request for a CA key, to be signed by somebody else's root.
 *
 * @returns PKCS#10, DER, with one common name and no attributes: what a CA may do is for its issuer to say
 * @see RFC 2986 section 4
 */
export async function buildCertificationRequest(commonName: string, key: SigningKey): Promise<Buffer> {
  const attribute = new AttributeTypeAndValue({
    type: COMMON_NAME,
    value: new AttributeValue({ utf8String: commonName }),
  });
  const subject = new Name([new RelativeDistinguishedName([attribute])]);
  const info = new Sequence({
    value: [
      new Integer({ value: 0 }),
      fromBER(AsnSerializer.serialize(subject)).result,
      fromBER(new Uint8Array(key.subjectPublicKeyInfo)).result,
      new Constructed({ idBlock: { tagClass: CONTEXT_SPECIFIC, tagNumber: 0 }, value: [] }),
    ],
  });
  const signature = await key.sign(Buffer.from(info.toBER()));
  const algorithm = new Sequence({ value: [new ObjectIdentifier({ value: SHA256_WITH_RSA }), new Null()] });
  const bits = new BitString({ valueHex: new Uint8Array(signature).buffer });
  return Buffer.from(new Sequence({ value: [info, algorithm, bits] }).toBER());
}

/** The one common name of a request that was checked (`readSigningRequest`); undefined where its subject is another. */
export function commonNameOf(request: Buffer): string | undefined {
  const { result } = fromBER(new Uint8Array(request));
  const info = result instanceof Sequence ? result.valueBlock.value[0] : undefined;
  const subject = info instanceof Sequence ? info.valueBlock.value[1] : undefined;
  if (!subject) return undefined;
  const attributes = AsnParser.parse(subject.toBER(), Name).flatMap((part) => [...part]);
  const [only, ...more] = attributes;
  return only?.type === COMMON_NAME && more.length === 0 ? only.value.toString() : undefined;
}

/** RFC 7468 section 7. */
export function requestPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}
