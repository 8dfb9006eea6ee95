import { child, children, descend, innerXml, trimmed, type XmlElement } from './xml.ts';

/** OMA DM Representation Protocol, Meta (metinf). Each value is trimmed and missing where the device left it out. */
export interface Meta {
  format?: string;
  type?: string;
  mark?: string;
  /** bytes of the whole object, with the first chunk of a large one */
  size?: number;
  /** base64 */
  nextNonce?: string;
  maxMsgSize?: number;
}

export interface Item {
  /** Target/LocURI */
  target?: string;
  /** Source/LocURI */
  source?: string;
  /** the item's own, completed from the command's */
  meta: Meta;
  /** as sent, white space included; markup as text */
  data?: string;
  /** further chunks of this object follow */
  moreData: boolean;
}

/** The items of a command; each takes from the command's own Meta what it does not say itself (OMA DM Representation). */
export function readItems(command: XmlElement): Item[] {
  const common = readMeta(child(command, 'Meta'));
  return children(command, 'Item').map((item) => readItem(item, common));
}

/** Real devices and Microsoft's samples put Type and Format in Meta or directly in Item. */
export function readItem(item: XmlElement, common: Meta = {}): Item {
  const data = child(item, 'Data');
  return {
    target: trimmed(descend(item, 'Target', 'LocURI')) || undefined,
    source: trimmed(descend(item, 'Source', 'LocURI')) || undefined,
    meta: { ...common, ...readMeta(item), ...readMeta(child(item, 'Meta')) },
    data: data && (data.children.length > 0 ? innerXml(data).trim() : data.text),
    moreData: child(item, 'MoreData') !== undefined,
  };
}

/** Reads by local name: the children come with the metinf namespace, with SyncML's, or with none. */
export function readMeta(meta: XmlElement | undefined): Meta {
  const text = (name: string) => trimmed(child(meta, name)) || undefined;
  const whole = (name: string) => {
    const value = text(name);
    return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
  };
  const read: Meta = {
    format: text('Format'),
    type: text('Type'),
    mark: text('Mark'),
    size: whole('Size'),
    nextNonce: text('NextNonce'),
    maxMsgSize: whole('MaxMsgSize'),
  };
  return Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined));
}
