/** XML in and out: everything that the languages of this folder need of it. */
export { forbiddenCharacter, XmlError } from './xml-characters.ts';
export { parseXml, type XmlLimits } from './xml-reader.ts';
export { attribute, child, children, descend, trimmed, type XmlAttribute, type XmlElement } from './xml-tree.ts';
export { innerXml, Xml, type XmlValue, xml } from './xml-writer.ts';
