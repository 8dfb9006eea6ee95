// Two libraries behind types of our own (xml-signature.d.ts): theirs bring all of the browser's global types with them.
export { DOMParser } from '@xmldom/xmldom';
export { C14nCanonicalization as CanonicalXml, ExclusiveCanonicalization, SignedXml } from 'xml-crypto';
