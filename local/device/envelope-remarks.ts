import type { HttpReply } from './http-client.ts';
import { readXml, textAt, type XmlNode } from './xml-reader.ts';

const NAMESPACES = { s: 'http://www.w3.org/2003/05/soap-envelope', a: 'http://www.w3.org/2005/08/addressing' };

/**
 * What is wrong with the envelope of a good enrollment reply. The client looks at none of it, the documents (MS-MDE2 2.1,
 * SOAP 1.2, WS-Addressing) ask for it. In: the reply, the request's MessageID, the action due. Out: one sentence for each.
 */
export function envelopeRemarks(reply: HttpReply, v: { step: string; action: string; messageId: string }): string[] {
  const remarks: string[] = [];
  const add = (wrong: boolean, text: string) => wrong && remarks.push(`${v.step}: ${text}`);
  add(!/^application\/soap\+xml\b/i.test(reply.contentType), `Content-Type is "${reply.contentType}"`);
  let document: XmlNode;
  try {
    document = readXml(reply.body);
  } catch {
    return remarks;
  }
  const header = (name: string) => textAt(document, `/s:Envelope/s:Header/a:${name}`, NAMESPACES);
  add(textAt(document, '/s:Envelope/s:Body', NAMESPACES) === undefined, 'the envelope is not SOAP 1.2');
  add(header('Action') !== v.action, `Action is "${header('Action') ?? ''}", not ${v.action}`);
  add(header('RelatesTo') !== v.messageId, 'RelatesTo is not the MessageID of the request');
  return remarks;
}
