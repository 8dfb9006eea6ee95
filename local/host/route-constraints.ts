/** A condition on a parameter's text, for example `int` in `{n:int}`. */
export type Constraint = (value: string) => boolean;

const integer = /^\s*[+-]?\d+\s*$/;

function integerBetween(least: bigint, most: bigint): Constraint {
  return (value) => integer.test(value) && BigInt(value.trim()) >= least && BigInt(value.trim()) <= most;
}

const number: Constraint = (value) => /^\s*[+-]?(\d+(,\d{3})*\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(value);

const plain: Record<string, Constraint> = {
  int: integerBetween(-(2n ** 31n), 2n ** 31n - 1n),
  long: integerBetween(-(2n ** 63n), 2n ** 63n - 1n),
  bool: (value) => /^\s*(true|false)\s*$/i.test(value),
  guid: (value) =>
    /^([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}|\([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\))$/i.test(
      value,
    ),
  alpha: (value) => /^[a-z]*$/i.test(value),
  decimal: number,
  double: number,
  float: number,
  datetime: (value) => !Number.isNaN(Date.parse(value)),
  required: (value) => value !== '',
};

/** Numbers of a constraint's parentheses, exactly as many as one of `counts`. */
function numbers(
  name: string,
  text: string | undefined,
  counts: number[],
  refuse: (reason: string) => never,
): number[] {
  const values = (text ?? '').split(',').map((part) => (integer.test(part) ? Number(part) : Number.NaN));
  if (!counts.includes(values.length) || values.some(Number.isNaN)) {
    refuse(`has the constraint "${name}" with arguments that are not ${counts.join(' or ')} whole numbers`);
  }
  return values;
}

/**
 * The inline constraints of ASP.NET routing. `refuse` is called, and must throw, for a name or an argument that ASP.NET
 * does not know: Azure would then not serve the function.
 */
export function constraint(name: string, text: string | undefined, refuse: (reason: string) => never): Constraint {
  const key = name.toLowerCase();
  if (plain[key] && text === undefined) return plain[key];
  const within = (least: number, most: number): Constraint => {
    return (value) => integer.test(value) && Number(value) >= least && Number(value) <= most;
  };
  switch (key) {
    case 'length': {
      const [least = 0, most = least] = numbers(name, text, [1, 2], refuse);
      return (value) => value.length >= least && value.length <= most;
    }
    case 'minlength': {
      const [least = 0] = numbers(name, text, [1], refuse);
      return (value) => value.length >= least;
    }
    case 'maxlength': {
      const [most = 0] = numbers(name, text, [1], refuse);
      return (value) => value.length <= most;
    }
    case 'min': {
      const [least = 0] = numbers(name, text, [1], refuse);
      return within(least, Number.POSITIVE_INFINITY);
    }
    case 'max': {
      const [most = 0] = numbers(name, text, [1], refuse);
      return within(Number.NEGATIVE_INFINITY, most);
    }
    case 'range': {
      const [least = 0, most = 0] = numbers(name, text, [2], refuse);
      return within(least, most);
    }
    case 'regex': {
      const expression = new RegExp(text ?? '', 'i');
      return (value) => expression.test(value);
    }
    default:
      return refuse(`has the unknown constraint "${name}"`);
  }
}
