import { type Constraint, constraint } from './route-constraints.ts';

/** A route template of ASP.NET: segments between slashes, each a text or a parameter or a mix of both. */
export interface RouteTemplate {
  text: string;
  segments: Segment[];
}

export interface Segment {
  parts: Part[];
}

export type Part = { kind: 'literal'; text: string } | Parameter;

export interface Parameter {
  kind: 'parameter';
  name: string;
  optional: boolean;
  catchAll: boolean;
  default?: string;
  constraints: Constraint[];
}

/** Reads a template. Throws an Error that quotes it when ASP.NET would refuse it, or when this host cannot match it. */
export function parseRouteTemplate(text: string): RouteTemplate {
  const refuse = (reason: string): never => {
    throw new Error(`The route "${text}" ${reason}.`);
  };
  if (/^[/~]/.test(text)) refuse('must not begin with "/" or "~"');
  const segments = text === '' ? [] : splitSegments(text, refuse).map((parts) => ({ parts }));
  checkSegments(segments, refuse);
  return { text, segments };
}

type Refuse = (reason: string) => never;

function splitSegments(text: string, refuse: Refuse): Part[][] {
  const segments: Part[][] = [[]];
  let literal = '';
  const closeLiteral = (): void => {
    if (literal !== '') segments.at(-1)?.push({ kind: 'literal', text: literal });
    literal = '';
  };
  for (let at = 0; at < text.length; at++) {
    const pair = text.slice(at, at + 2);
    const character = text[at] as string;
    if (pair === '{{' || pair === '}}') {
      literal += character;
      at++;
    } else if (character === '{') {
      closeLiteral();
      const end = endOfParameter(text, at, refuse);
      segments.at(-1)?.push(parseParameter(text.slice(at + 1, end), refuse));
      at = end;
    } else if (character === '}' || character === '?') {
      refuse(`has a "${character}" outside of a parameter`);
    } else if (character === '/') {
      closeLiteral();
      segments.push([]);
    } else {
      literal += character;
    }
  }
  closeLiteral();
  if (segments.at(-1)?.length === 0) segments.pop();
  return segments;
}

/** The index of the brace that closes the parameter; a doubled brace belongs to a regular expression inside. */
function endOfParameter(text: string, from: number, refuse: Refuse): number {
  for (let at = from + 1; at < text.length; at++) {
    const pair = text.slice(at, at + 2);
    if (pair === '{{' || pair === '}}') at++;
    else if (text[at] === '}') return at;
    else if (text[at] === '{') break;
  }
  return refuse('has a parameter that is not closed');
}

function parseParameter(inner: string, refuse: Refuse): Parameter {
  const head = /^(\*{0,2})([^:=?*{}/]+)(.*)$/s.exec(inner);
  if (!head) return refuse(`has a parameter without a usable name: "{${inner}}"`);
  const [, stars, name, tail] = head as unknown as [string, string, string, string];
  let rest = tail.replaceAll('{{', '{').replaceAll('}}', '}');
  const constraints: Constraint[] = [];
  for (;;) {
    const next = /^:([a-z]+)(?:\((.*?)\)(?=[:=?]|$))?/is.exec(rest);
    if (!next) break;
    constraints.push(constraint(next[1] as string, next[2], refuse));
    rest = rest.slice(next[0].length);
  }
  const optional = rest === '?';
  if (rest !== '' && !optional && !rest.startsWith('=')) refuse(`has a parameter that cannot be read: "{${inner}}"`);
  return {
    kind: 'parameter',
    name,
    optional,
    catchAll: stars !== '',
    default: rest.startsWith('=') ? rest.slice(1) : undefined,
    constraints,
  };
}

function checkSegments(segments: Segment[], refuse: Refuse): void {
  const names = new Set<string>();
  segments.forEach(({ parts }, index) => {
    if (parts.length === 0) refuse('has an empty segment');
    parts.forEach((part, at) => {
      if (part.kind === 'literal') return;
      if (names.has(part.name.toLowerCase())) refuse(`has the parameter "${part.name}" twice`);
      names.add(part.name.toLowerCase());
      const last = index === segments.length - 1 && at === parts.length - 1;
      if (part.catchAll && !(last && parts.length === 1)) refuse('has a catch-all that is not its last segment');
      if (part.optional && parts.length > 1) refuse('has an optional parameter inside a mixed segment');
      if (parts[at + 1]?.kind === 'parameter') refuse('has two parameters without a text between them');
    });
  });
}
