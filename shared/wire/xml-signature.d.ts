import type { KeyObject } from 'node:crypto';

/** A node of the DOM (W3C DOM Level 2 Core): handed from one library to the other and not looked into. */
export interface DomNode {
  readonly nodeType: number;
}

export interface DomDocument extends DomNode {
  readonly documentElement: DomNode;
  getElementsByTagNameNS(namespace: string, localName: string): ArrayLike<DomNode>;
}

/** The parser of `@xmldom/xmldom`. `errorHandler` is told of everything that is not well-formed; what it throws ends the parsing. */
export class DOMParser {
  constructor(options?: { errorHandler?: (level: string, message: unknown) => void });
  parseFromString(text: string, type: string): DomDocument;
}

/** The part of `xml-crypto`'s SignedXml that checks a signature. */
export class SignedXml {
  constructor(options: { publicCert: KeyObject; getCertFromKeyInfo: () => null });
  CanonicalizationAlgorithms: Record<string, unknown>;
  HashAlgorithms: Record<string, unknown>;
  SignatureAlgorithms: Record<string, unknown>;
  loadSignature(signature: DomNode): void;
  checkSignature(message: string): boolean;
  getSignedReferences(): string[];
}

/** `xml-crypto`'s own writers of the canonical forms. */
export class CanonicalXml {
  process(node: DomNode, options: object): { toString(): string };
}

export class ExclusiveCanonicalization {
  process(node: DomNode, options: object): { toString(): string };
}
