// Two libraries behind types of our own (xml-signature.d.ts): theirs bring all of the browser's global types with them.
export { DOMParser } from '@xmldom/xmldom';
export { ExclusiveCanonicalization, SignedXml } from 'xml-crypto';
