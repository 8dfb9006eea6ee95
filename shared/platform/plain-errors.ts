import * as z from 'zod';

/**
 * What a check says when a schema has no words of its own, for people who have never heard of the library that checks.
 * Set once for the process; loading this module is enough.
 */
z.config({ customError: plainWords });

type Issue = Parameters<NonNullable<z.core.$ZodConfig['customError']>>[0];

function plainWords(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${KINDS[String(issue.expected)] ?? issue.expected}`;
    case 'too_small':
      return `must ${MEASURES[issue.origin] ?? 'be'} at least ${issue.minimum}${UNITS[issue.origin] ?? ''}`;
    case 'too_big':
      return `must ${MEASURES[issue.origin] ?? 'be'} at most ${issue.maximum}${UNITS[issue.origin] ?? ''}`;
    case 'invalid_value':
      return `must be ${issue.values
        .map(String)
        .join(', ')
        .replace(/, ([^,]*)$/, ' or $1')}`;
    default:
      return undefined;
  }
}

const KINDS: Record<string, string> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

const MEASURES: Record<string, string> = { string: 'have', array: 'have' };
const UNITS: Record<string, string> = { string: ' characters', array: ' entries' };
