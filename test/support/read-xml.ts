import { parseStringPromise } from 'xml2js';

/** Reads XML with another reader than the server's. @returns what gives the text at a path below the root */
export async function readXml(xml: string): Promise<(...path: string[]) => string | undefined> {
  const root = (await parseStringPromise(xml, { explicitRoot: false })) as Record<string, unknown>;
  return (...path) =>
    path.reduce<unknown>((at, name) => (at as Record<string, unknown[]> | undefined)?.[name]?.[0], root) as
      | string
      | undefined;
}
