/** LocURIs as places in the tree, so that rules about nodes hold however a node is spelt. */

/**
 * @returns the names on the way to a node, in lower case, with escapes resolved, without a query (`?list=…`), and without
 *   what several spellings leave out: `.`, `Device` or `User`, `Vendor/MSFT`. `./Device/Vendor/MSFT/WiFi` and
 *   `./Vendor/MSFT/WiFi` are one node (OMA-DM TND 5.1; Microsoft Learn, "OMA DM protocol support")
 */
export function nodePath(locUri: string): string[] {
  const names = (locUri.split('?')[0] ?? '').split('/').map((name) => unescaped(name).toLowerCase());
  if (names[0] === '.') names.shift();
  if (names[0] === 'device' || names[0] === 'user') names.shift();
  if (names[0] === 'vendor' && names[1] === 'msft') names.splice(0, 2);
  return names;
}

/** An escape that is not UTF-8 stays as it is. */
function unescaped(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** @returns whether two LocURIs are one node of one scope. */
export function isSameNode(one: string, other: string): boolean {
  return isUserScope(one) === isUserScope(other) && nodePath(one).join('/') === nodePath(other).join('/');
}

/** @returns whether a node lives in the signed-in user's tree and therefore needs that user at the device. */
export function isUserScope(locUri: string): boolean {
  return /^\.\/User(\/|\?|$)/i.test(locUri);
}

/**
 * How a node lies to a pattern, a path of names in which `*` stands for any one name: `at` it, `below` it, `above` it (the
 * pattern names something under the node), or elsewhere (undefined).
 */
export function relation(path: readonly string[], pattern: string): 'at' | 'below' | 'above' | undefined {
  const wanted = pattern.toLowerCase().split('/');
  const shared = Math.min(path.length, wanted.length);
  for (let index = 0; index < shared; index += 1) {
    if (wanted[index] !== '*' && wanted[index] !== path[index]) return undefined;
  }
  if (path.length === wanted.length) return 'at';
  return path.length > wanted.length ? 'below' : 'above';
}
