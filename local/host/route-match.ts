import type { Parameter, Part, RouteTemplate, Segment } from './route-template.ts';

/** Parameter values by name, as they stand in the decoded path; a parameter that is absent has no entry. */
export type RouteValues = Record<string, string>;

/**
 * Matches a decoded path that begins with `/` against a template, as ASP.NET's TemplateMatcher does: texts alike in any
 * case, one trailing slash allowed, no empty segment except inside a catch-all. Returns undefined when it does not match.
 */
export function matchRoute(template: RouteTemplate, path: string): RouteValues | undefined {
  const given = path.slice(1).split('/');
  if (given.at(-1) === '') given.pop();
  const values: RouteValues = Object.create(null);
  for (const [index, segment] of template.segments.entries()) {
    const only = segment.parts.length === 1 ? (segment.parts[0] as Part) : undefined;
    if (only?.kind === 'parameter' && only.catchAll) {
      const rest = path.slice(1).split('/').slice(index).join('/');
      return takeParameter(only, rest === '' ? undefined : rest, values) ? values : undefined;
    }
    const text = given[index];
    const matched =
      only?.kind === 'parameter' ? takeParameter(only, text || undefined, values) : matchMixed(segment, text, values);
    if (!matched || text === '') return undefined;
  }
  return given.length > template.segments.length ? undefined : values;
}

function takeParameter(parameter: Parameter, text: string | undefined, values: RouteValues): boolean {
  if (text === undefined) {
    if (parameter.default !== undefined) values[parameter.name] = parameter.default;
    return parameter.optional || parameter.catchAll || parameter.default !== undefined;
  }
  if (!parameter.constraints.every((holds) => holds(text))) return false;
  values[parameter.name] = text;
  return true;
}

/** A segment of texts and parameters; the parameters to the left take as much as they can. */
function matchMixed(segment: Segment, text: string | undefined, values: RouteValues): boolean {
  if (text === undefined) return false;
  const only = segment.parts[0] as Part;
  if (segment.parts.length === 1 && only.kind === 'literal') return text.toLowerCase() === only.text.toLowerCase();
  const pattern = segment.parts.map((part) => (part.kind === 'literal' ? escapeRegExp(part.text) : '(.+)')).join('');
  const found = new RegExp(`^${pattern}$`, 'is').exec(text);
  if (!found) return false;
  const parameters = segment.parts.filter((part) => part.kind === 'parameter');
  return parameters.every((parameter, index) => takeParameter(parameter, found[index + 1], values));
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/**
 * The order in which Azure tries the routes of an app: texts before parameters, parameters with more constraints first,
 * longer templates before their beginnings. For `Array.sort`.
 */
export function compareRoutes(a: RouteTemplate, b: RouteTemplate): number {
  for (const [index, segment] of a.segments.entries()) {
    const other = b.segments[index]?.parts[0];
    const part = segment.parts[0] as Part;
    if (!other) return -1;
    if (part.kind !== other.kind) return part.kind === 'literal' ? -1 : 1;
    if (part.kind === 'parameter' && other.kind === 'parameter') {
      const difference = other.constraints.length - part.constraints.length;
      if (difference !== 0) return difference;
    } else if (part.kind === 'literal' && other.kind === 'literal') {
      const [mine, theirs] = [part.text.toUpperCase(), other.text.toUpperCase()];
      if (mine !== theirs) return mine < theirs ? -1 : 1;
    }
  }
  return b.segments.length > a.segments.length ? 1 : 0;
}
