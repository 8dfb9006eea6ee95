/** An attribute; `name` is the local name, `namespace` is empty for an attribute without a prefix (Namespaces in XML 6.2). */
export interface XmlAttribute {
  name: string;
  namespace: string;
  value: string;
}

/** An element with its namespace resolved. Namespace declarations are not among the attributes. */
export interface XmlElement {
  /** the local name, without the prefix */
  name: string;
  namespace: string;
  attributes: XmlAttribute[];
  children: XmlElement[];
  /** the element's own text, CDATA included, the text of its children left out; white space as it came */
  text: string;
  /** text and children in document order, for content that is itself markup */
  content: (string | XmlElement)[];
}

/** The first child with this local name, in this namespace if one is given. */
export function child(element: XmlElement | undefined, name: string, namespace?: string): XmlElement | undefined {
  return element?.children.find((c) => c.name === name && (namespace === undefined || c.namespace === namespace));
}

/** All children with this local name, in document order. */
export function children(element: XmlElement | undefined, name: string, namespace?: string): XmlElement[] {
  return (element?.children ?? []).filter(
    (c) => c.name === name && (namespace === undefined || c.namespace === namespace),
  );
}

/** Follows a path of local names, at each step the first child that has the name. */
export function descend(element: XmlElement | undefined, ...names: string[]): XmlElement | undefined {
  return names.reduce((at, name) => child(at, name), element);
}

/** The value of an attribute by its local name, whatever prefix it was sent with. */
export function attribute(element: XmlElement | undefined, name: string): string | undefined {
  return element?.attributes.find((a) => a.name === name)?.value;
}

/** An element's own text without the white space around it; `undefined` when there is no element. */
export function trimmed(element: XmlElement | undefined): string | undefined {
  return element?.text.trim();
}
