import { DeviceError, HRESULT } from './errors.ts';
import { readXml, select, textAt, type XmlNode } from './xml-reader.ts';

/** What a provisioning package makes a PC do: enroll with a server, without anybody. */
export interface BulkEnrollment {
  user: string;
  /** the address of discovery, with its path */
  server: string;
  secret: string;
}

const PACKAGE = 'urn:schemas-Microsoft-com:Windows-ICD-Package-Config.v1.0';
const SETTINGS = 'urn:schemas-microsoft-com:windows-provisioning';
const NAMESPACES = { p: PACKAGE, s: SETTINGS };

/**
 * Reads the source of a provisioning package, `customizations.xml`, as far as enrolling goes (Learn, "Workplace (Windows
 * Configuration Designer reference)"). Errors: 0x80070057 for a text that is no such file, has no or several enrollments, or
 * one that needs more than a password.
 */
export function readProvisioningPackage(text: string): BulkEnrollment {
  const document = load(text);
  for (const name of ['ID', 'Name', 'Version', 'OwnerType', 'Rank']) {
    if (!textAt(document, `//p:PackageConfig/p:${name}`, NAMESPACES)) throw invalid(`PackageConfig has no ${name}`);
  }
  if (!/^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$/i.test(at(document, '//p:PackageConfig/p:ID'))) {
    throw invalid('the ID of the package is not a GUID in braces');
  }
  const path = '//s:Settings/s:Customizations/s:Common/s:Workplace/s:Enrollments/s:UPN';
  const [enrollment, another] = select(document, path, NAMESPACES);
  if (!enrollment || another) throw invalid('the package has no enrollment, or several');
  const policy = at(document, `${path}/s:AuthPolicy`);
  if (policy !== 'OnPremise') throw invalid(`AuthPolicy ${policy} needs more than this PC has`);
  const user = attribute(enrollment, 'UPN');
  if (user !== attribute(enrollment, 'Name')) throw invalid('UPN and Name of the enrollment are not the same');
  return { user, server: at(document, `${path}/s:DiscoveryServiceFullUrl`), secret: at(document, `${path}/s:Secret`) };
}

function load(text: string): XmlNode {
  try {
    const document = readXml(text);
    if (document.children[0]?.name === 'WindowsCustomizations') return document;
  } catch (cause) {
    throw new DeviceError(HRESULT.invalidArgument, 'package', 'the file is not XML', { cause });
  }
  throw invalid('the file is no WindowsCustomizations');
}

function at(document: XmlNode, path: string): string {
  const text = textAt(document, path, NAMESPACES);
  if (!text) throw invalid(`the package has no ${path.split(':').at(-1)}`);
  return text;
}

function attribute(node: XmlNode, name: string): string {
  return node.attributes.find((each) => each.name === name)?.value ?? '';
}

const invalid = (message: string): DeviceError => new DeviceError(HRESULT.invalidArgument, 'package', message);
