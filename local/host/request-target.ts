const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Percent-decodes what is valid UTF-8 and leaves everything else as it came. */
function decodeRuns(text: string, runs: RegExp): string {
  if (!text.includes('%')) return text;
  return text.replace(runs, (run) => {
    try {
      return utf8.decode(Buffer.from(run.replaceAll('%', ''), 'hex'));
    } catch {
      return run;
    }
  });
}

/** A value or name of a query: `+` is a blank. */
function decodeQueryText(text: string): string {
  return decodeRuns(text.replaceAll('+', ' '), /(?:%[0-9a-f]{2})+/gi);
}

/**
 * The path that routes are matched against: percent-decoded except for `%2F`, which would otherwise become a separator,
 * and without dot segments, as Kestrel hands it on. A parameter therefore keeps `a%2Fb` as it is.
 */
export function decodePath(rawPath: string): string {
  const decoded = decodeRuns(rawPath, /(?:%(?!2f)[0-9a-f]{2})+/gi);
  return decoded.includes('/.') ? removeDotSegments(decoded) : decoded;
}

function removeDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  segments.forEach((segment, index) => {
    const last = index === segments.length - 1;
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
    if (last && (segment === '.' || segment === '..')) kept.push('');
  });
  return `/${kept.join('/')}`;
}

/**
 * The query as `req.query` shows it: names are alike in any case, the first spelling is kept, and the values of a repeated
 * name are joined by a comma.
 */
export function readQuery(rawQuery: string): Record<string, { value: string }> {
  const names = new Map<string, string>();
  const values: Record<string, { value: string }> = Object.create(null);
  for (const pair of rawQuery.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decodeQueryText(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decodeQueryText(pair.slice(equals + 1));
    const known = names.get(name.toLowerCase());
    if (known === undefined) {
      names.set(name.toLowerCase(), name);
      values[name] = { value };
    } else {
      values[known] = { value: `${values[known]?.value},${value}` };
    }
  }
  return values;
}

/** The first value of one query name, in any case; undefined when it is absent. */
export function firstInQuery(rawQuery: string, name: string): string | undefined {
  for (const pair of rawQuery.split('&')) {
    const equals = pair.indexOf('=');
    const given = decodeQueryText(equals < 0 ? pair : pair.slice(0, equals));
    if (given.toLowerCase() === name) return equals < 0 ? '' : decodeQueryText(pair.slice(equals + 1));
  }
  return undefined;
}

/** Parts of a request target (RFC 9112 section 3.2): origin form, or the path and query of an absolute one. */
export function splitTarget(target: string): { path: string; query: string } {
  const origin = target.startsWith('/') ? target : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  const at = origin.indexOf('?');
  const path = at < 0 ? origin : origin.slice(0, at);
  return { path: path === '' ? '/' : path, query: at < 0 ? '' : origin.slice(at + 1) };
}
