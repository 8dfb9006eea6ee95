import { METINF, SYNCML_1_1, SYNCML_1_2 } from '../wire/namespaces.ts';
import { innerXml, type XmlElement } from '../wire/xml.ts';
import { isShownNode } from './shown-nodes.ts';

/**
 * A SyncML message as a trace may keep it: its elements, addresses and numbers, and the values of a list of nodes. It is
 * built anew from what is known to be harmless, so that what nobody thought of is left out and not let through: every text
 * that has not the form that its element is for is `***`; credentials, nonces and LocName always are.
 */

export const HIDDEN = '***';
const MAX_VALUE = 500;
const MAX_LOC_URI = 1_024;

/** Some clients write the children of Meta without a namespace. */
const NAMESPACES = new Set([SYNCML_1_2, SYNCML_1_1, METINF, '']);

/** What is kept of the elements of OMA-DM Representation and metinf that only hold others. */
const CONTAINERS = new Set(
  'SyncML SyncHdr SyncBody Target Source Cred Chal Meta Item Status Results Alert Add Replace Delete Get Exec Atomic Sequence Final MoreData NoResp'.split(
    ' ',
  ),
);

const NUMBER = /^\d{1,10}$/;
const COMMANDS = /^(SyncHdr|Status|Results|Alert|Add|Replace|Delete|Get|Exec|Atomic|Sequence)$/;
/** Media types and credential types of OMA-DM, and the types of the alerts that Windows sends (MS-MDM 2.2.7.2). */
const TYPES = new RegExp(
  [
    '^text/plain$',
    '^application/(xml|octet-stream)$',
    '^application/vnd\\.syncml-devinf\\+xml$',
    '^syncml:auth-(basic|md5|MAC)$',
    '^com\\.microsoft/MDM/(LoginStatus|AADUserToken|DevicePrepSync)$',
    '^com\\.microsoft\\.mdm\\.synctype$',
    '^com\\.microsoft:mdm\\.unenrollment\\.userrequest$',
    '^[Rr]eversed-[Dd]omain-[Nn]ame:com\\.microsoft\\.mdm\\.(win32csp_install|requestpending|EnterpriseStoreAppInstall\\.result)$',
  ].join('|'),
);

/** The form that the text of an element must have to be shown. */
const FORMS: Record<string, RegExp> = {
  VerDTD: /^\d\.\d$/,
  VerProto: /^DM\/\d\.\d$/,
  SessionID: /^[0-9A-Za-z]{1,8}$/,
  MsgID: NUMBER,
  CmdID: NUMBER,
  MsgRef: NUMBER,
  CmdRef: NUMBER,
  Size: NUMBER,
  MaxMsgSize: NUMBER,
  MaxObjSize: NUMBER,
  Cmd: COMMANDS,
  Format: /^(chr|int|bool|b64|xml|node|null|bin|float|date|time)$/,
  Type: TYPES,
  Mark: /^(fatal|critical|exception|warning|informational)$/,
};

/** Alerts whose data is one of a few words or a number (MS-MDM 2.2.7.2, 3.2.5). */
const ALERT_DATA: Record<string, RegExp> = {
  'com.microsoft/MDM/LoginStatus': /^(user|others|none)$/,
  'com.microsoft.mdm.synctype': /^(user|device|mixed)$/,
  'com.microsoft/MDM/DevicePrepSync':
    /^(PendingProvisioning|Bootstrapping|ExecutingProvisioning|ProvisioningComplete)$/,
  'com.microsoft:mdm.unenrollment.userrequest': /^(\d{1,2}|AADJ Unregister Failed)$/,
};
const INSTALLED = /mdm\.win32csp_install$/;
const RESULT = /^(-?\d{1,10}|0x[0-9A-Fa-f]{1,8})$/;

interface Rules {
  /** @returns whether the value of a node is a secret here, though its node is listed: somebody has marked it so */
  isSecret(locUri: string): boolean;
}

/**
 * @param root a SyncML message of either side
 * @returns the same message without what a trace must not show
 */
export function redact(root: XmlElement, rules: Rules): XmlElement {
  return element(root, { rules });
}

/** @returns the markup of a redacted message, indented. */
export function writeRedacted(root: XmlElement): string {
  const whole = { ...root, name: '', namespace: '', attributes: [], children: [], content: [indented(root, '')] };
  return innerXml(whole).trim();
}

interface Place {
  rules: Rules;
  /** The command that an element stands in. */
  command?: XmlElement;
  item?: ItemRules;
  parent?: XmlElement;
}

/** What may be shown of the data of an item: found once, however much of it a device puts into one. */
interface ItemRules {
  /** Each address in it is of a node whose values are shown. */
  isShown: boolean;
  /** The form of the data, where it is that of an alert. */
  alertForm: RegExp | undefined;
}

function element(from: XmlElement, place: Place): XmlElement {
  if (!NAMESPACES.has(from.namespace)) return leaf('Other', '', HIDDEN);
  if (CONTAINERS.has(from.name)) return container(from, place);
  const text = from.children.length > 0 ? HIDDEN : shownText(from, place);
  const hresult = from.name === 'Data' ? from.attributes.find(({ name }) => name === 'originalerror') : undefined;
  const attributes = hresult && RESULT.test(hresult.value) ? [{ ...hresult, namespace: '' }] : [];
  return { ...leaf(KNOWN_LEAVES.has(from.name) ? from.name : 'Other', from.namespace, text), attributes };
}

const KNOWN_LEAVES = new Set([
  ...Object.keys(FORMS),
  ...'Data LocURI LocName RespURI TargetRef SourceRef NextNonce Correlator'.split(' '),
]);

function container(from: XmlElement, place: Place): XmlElement {
  const isCommand = place.parent?.name === 'SyncBody' || COMMANDS.test(from.name);
  const inside: Place = {
    rules: place.rules,
    command: isCommand ? from : place.command,
    item: from.name === 'Item' ? itemRules(from, place.rules) : place.item,
    parent: from,
  };
  const kept =
    from.name === 'Cred' ? from.children.filter(({ name }) => name === 'Meta' || name === 'Data') : from.children;
  const children = kept.map((child) => element(child, inside));
  const stray = from.text.trim() === '' ? [] : [leaf('Other', from.namespace, HIDDEN)];
  const all = [...children, ...stray];
  return { name: from.name, namespace: from.namespace, attributes: [], children: all, text: '', content: all };
}

function leaf(name: string, namespace: string, text: string): XmlElement {
  return { name, namespace, attributes: [], children: [], text, content: text === '' ? [] : [text] };
}

function shownText(from: XmlElement, place: Place): string {
  const text = from.text.trim();
  if (text === '') return '';
  if (from.name === 'LocURI' || from.name === 'RespURI' || from.name === 'TargetRef' || from.name === 'SourceRef') {
    return shownAddress(text);
  }
  if (from.name === 'Data') return shownData(text, place);
  return FORMS[from.name]?.test(text) ? text : HIDDEN;
}

/** Nodes, and the server without what stands behind its path; a device's own id and everything else is hidden. */
function shownAddress(text: string): string {
  if (text.length <= MAX_LOC_URI && /^\.\/[^\s<>]+$/.test(text)) return text;
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) {
    const { host, pathname, protocol } = new URL(text);
    return pathname.startsWith('/ManagementServer/') ? `${protocol}//${host}${pathname.slice(0, 100)}` : HIDDEN;
  }
  return HIDDEN;
}

function shownData(text: string, { command, item, parent }: Place): string {
  if (!item) return isCodeOf(command, parent) && /^\d{3,4}$/.test(text) ? text : HIDDEN;
  if (parent?.name !== 'Item') return HIDDEN;
  if (command?.name === 'Alert') return item.alertForm?.test(text) ? text : HIDDEN;
  if (!item.isShown) return HIDDEN;
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text;
}

/** The status code of a Status, or the code of an Alert. */
function isCodeOf(command: XmlElement | undefined, parent: XmlElement | undefined): boolean {
  return command !== undefined && command === parent && (command.name === 'Status' || command.name === 'Alert');
}

function alertForm(item: XmlElement): RegExp | undefined {
  const [type, ...others] = descendants(item, 'Type').map(({ text }) => text.trim());
  if (type === undefined || others.length > 0 || !TYPES.test(type)) return undefined;
  return ALERT_DATA[type] ?? (INSTALLED.test(type) ? RESULT : undefined);
}

/** Source and Target: an item has no other address. */
const MAX_ADDRESSES = 2;

function itemRules(item: XmlElement, { isSecret }: Rules): ItemRules {
  const addresses = descendants(item, 'LocURI').map(({ text }) => text.trim());
  const isItem = addresses.length > 0 && addresses.length <= MAX_ADDRESSES;
  return {
    isShown: isItem && addresses.every((each) => isShownNode(each) && !isSecret(each)),
    alertForm: alertForm(item),
  };
}

function descendants(from: XmlElement, name: string): XmlElement[] {
  return from.children.flatMap((each) => [...(each.name === name ? [each] : []), ...descendants(each, name)]);
}

function indented(from: XmlElement, indent: string): XmlElement {
  if (from.children.length === 0) return from;
  const inner = `${indent}  `;
  const content = from.children.flatMap((each) => [`\n${inner}`, indented(each, inner)]);
  return { ...from, content: [...content, `\n${indent}`] };
}
