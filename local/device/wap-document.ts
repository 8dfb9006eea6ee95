import { DeviceError, HRESULT } from './errors.ts';
import { attributeOf, readXml, type XmlNode } from './xml-reader.ts';

/** A characteristic of a provisioning document (MS-MDE2 2.2.9): parameters by name and what lies below. */
export interface Characteristic {
  type: string;
  parms: Map<string, Parm>;
  children: Characteristic[];
}

/** `value` is undefined for a parameter that is only there or not. */
export interface Parm {
  value?: string;
  datatype?: string;
}

export const provisioningError = (hresult: string, message: string): DeviceError =>
  new DeviceError(hresult, 'provisioning', message);

/**
 * Reads the text of a `wap-provisioningdoc`. Out: its top-level characteristics.
 * Errors, all 0x80180023: no XML, another root, version not 1.1, elements that are not characteristic or parm, missing or
 * doubled names, white space at the ends of a name or value.
 */
export function readWapDocument(text: string): Characteristic[] {
  let root: XmlNode | undefined;
  try {
    root = readXml(text).children[0];
  } catch (cause) {
    throw new DeviceError(HRESULT.provisionUnknown, 'provisioning', 'the provisioning document is not XML', { cause });
  }
  if (root?.name !== 'wap-provisioningdoc' || root.namespace !== '')
    throw refuse('the root is not wap-provisioningdoc');
  if (attributeOf(root, 'version') !== '1.1') throw refuse('wap-provisioningdoc version is not 1.1');
  return root.children.map(characteristic);
}

function characteristic(node: XmlNode): Characteristic {
  if (node.name !== 'characteristic') throw refuse(`<${node.name}> where a characteristic belongs`);
  const type = attributeOf(node, 'type');
  if (!type) throw refuse('a characteristic without type');
  checkEnds(type, type);
  const result: Characteristic = { type, parms: new Map(), children: [] };
  for (const child of node.children) {
    if (child.name === 'parm') addParm(result, child);
    else result.children.push(characteristic(child));
  }
  return result;
}

function addParm(to: Characteristic, node: XmlNode): void {
  const name = attributeOf(node, 'name');
  if (!name) throw refuse(`a parm without name in ${to.type}`);
  if (to.parms.has(name)) throw refuse(`${to.type} has ${name} twice`);
  const value = attributeOf(node, 'value');
  checkEnds(name, name);
  checkEnds(value ?? '', `${to.type}/${name}`);
  to.parms.set(name, { value, datatype: attributeOf(node, 'datatype') });
}

function checkEnds(text: string, where: string): void {
  if (text !== text.trim()) throw refuse(`white space round the value of ${where}`);
}

const refuse = (message: string): DeviceError => provisioningError(HRESULT.provisionUnknown, message);

export function childrenOfType(of: Characteristic | undefined, type: string): Characteristic[] {
  return of?.children.filter((child) => child.type === type) ?? [];
}

/** A typed parameter. Errors (with the code given): missing value, another datatype, a value that is not of the type. */
export function typedValue(of: Characteristic, name: string, type: Datatype, hresult: string): string | undefined {
  const parm = of.parms.get(name);
  if (!parm) return undefined;
  if (parm.datatype !== type) {
    throw provisioningError(hresult, `${of.type}/${name} needs datatype ${type}, not ${parm.datatype ?? 'none'}`);
  }
  if (parm.value === undefined || !DATATYPES[type].test(parm.value)) {
    throw provisioningError(hresult, `${of.type}/${name}: "${parm.value ?? ''}" is no ${type}`);
  }
  return parm.value;
}

export type Datatype = 'string' | 'integer' | 'boolean';
const DATATYPES: Record<Datatype, RegExp> = { string: /^/, integer: /^\d{1,9}$/, boolean: /^(true|false)$/ };
