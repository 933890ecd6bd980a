/** From what zod reports to problems in our words: the field, what was found, what is allowed, the nearest spelling. */
import type { DiagnosticCode } from '../diagnostic-codes.ts';
import type { z } from 'zod';
import type { FieldPath, Problem } from '../diagnostic.ts';
import { nearestSpelling } from '../spelling.ts';
import { namesSecret } from '../secret-words.ts';
import { expectedOf, insteadOf, objectSchema, schemaAt, valueAt } from './schema-shape.ts';

type Issue = z.core.$ZodIssue;

/** Texts that zod makes by itself; everything else was written by one of our schemas. */
const STOCK_MESSAGE = /^(Invalid |Too (small|big)|Unrecognized )/;

/** @param value what the schema refused: found values are quoted from it */
export function problemsOf(issues: readonly Issue[], schema: z.ZodType, value: unknown): readonly Problem[] {
  return issues.flatMap((issue) => problemOf(issue, schema, value));
}

function problemOf(issue: Issue, schema: z.ZodType, value: unknown): readonly Problem[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownField(key, path, schema, value));
  const found = valueAt(value, path);
  const expected = expectedOf(schemaAt(schema, value, path));
  const own = STOCK_MESSAGE.test(issue.message) ? undefined : issue.message;
  if (found === undefined && path.length > 0) return [missingField(path, own, expected)];
  switch (issue.code) {
    case 'invalid_value':
      return [notAllowed(path, found, issue.values.map(String), own)];
    case 'invalid_union':
      return [
        notAllowed(path, found, 'options' in issue && issue.options ? issue.options.map(String) : [], own, expected),
      ];
    case 'invalid_type':
      return [wrongType(path, found, expected)];
    case 'invalid_key':
      return [
        error(
          'field.bad-name',
          path,
          'key',
          `The name ${quoted(path.at(-1))} is not allowed here; allowed: ${keyWords(issue.issues)}.`,
        ),
      ];
    case 'too_small':
    case 'too_big':
      return [outOfRange(issue, path, found, expected)];
    case 'invalid_format':
      return [error('field.malformed', path, 'value', `Found ${describeFound(found, path)}; expected ${expected}.`)];
    case 'custom':
    case 'invalid_element':
    case 'not_multiple_of':
      return [error('field.invalid', path, 'value', sentence(invalidWords(own, path, found, expected)))];
  }
}

/** Our own words about a field begin with "is …". */
function invalidWords(own: string | undefined, path: FieldPath, found: unknown, expected: string): string {
  if (own === undefined) return `Found ${describeFound(found, path)}; expected ${expected}`;
  return own.startsWith('is ') ? `Field ${quoted(path.at(-1))} ${own}` : own;
}

function keyWords(issues: readonly Issue[]): string {
  const message = issues[0]?.message ?? '';
  return STOCK_MESSAGE.test(message) || message === '' ? 'letters, digits and "_"' : message.replace(/^expected /, '');
}

function unknownField(key: string, path: FieldPath, schema: z.ZodType, value: unknown): Problem {
  const inner = valueAt(value, path);
  const allowed = Object.keys(objectSchema(schemaAt(schema, value, path), inner)?.shape ?? {});
  const instead = insteadOf(objectSchema(schemaAt(schema, value, path), inner), key);
  if (instead !== undefined) {
    const text = `Field ${quoted(key)} is not supported here; allowed: ${allowed.join(', ')}.`;
    return { ...error('field.replaced', [...path, key], 'key', text), remedy: instead };
  }
  const nearest = nearestSpelling(key, allowed);
  const message = `Unknown field ${quoted(key)}; allowed here: ${allowed.join(', ')}.`;
  if (key === '<<') {
    const remedy =
      'Merge keys are not supported: write the fields out, or reuse a whole value with an anchor and alias.';
    return { ...error('field.unknown', [...path, key], 'key', message), remedy };
  }
  const remedy = nearest === undefined ? {} : { remedy: `Did you mean ${quoted(nearest)}?` };
  return { ...error('field.unknown', [...path, key], 'key', message), ...remedy };
}

function missingField(path: FieldPath, own: string | undefined, expected: string): Problem {
  const name = path.at(-1);
  const field = typeof name === 'number' ? `Item ${name}` : `Field ${quoted(name)}`;
  const message = own?.startsWith('is ') === true ? `${field} ${own}` : `${field} is missing; expected ${expected}`;
  return error('field.missing', path, 'key', sentence(message));
}

function notAllowed(
  path: FieldPath,
  found: unknown,
  allowed: readonly string[],
  own: string | undefined,
  expected = allowed.join(', '),
): Problem {
  if (typeof found !== 'string' && allowed.every((text) => text !== 'true' && text !== 'false')) {
    return wrongType(path, found, expected);
  }
  const nearest = typeof found === 'string' ? nearestSpelling(found, allowed) : undefined;
  const list = allowed.length === 0 ? expected : allowed.join(', ');
  const text = own === undefined ? `allowed: ${list}` : own;
  const problem = error('field.not-allowed', path, 'value', sentence(`Found ${describeFound(found, path)}; ${text}`));
  return nearest === undefined ? problem : { ...problem, remedy: `Did you mean ${quoted(nearest)}?` };
}

function wrongType(path: FieldPath, found: unknown, expected: string): Problem {
  const problem = error(
    'field.wrong-type',
    path,
    'value',
    `Found ${describeFound(found, path)}; expected ${expected}.`,
  );
  const remedy = retyped(found, expected);
  return remedy === undefined ? problem : { ...problem, remedy };
}

/** YAML decides between text, number and boolean by how a value is written: the usual surprises. */
function retyped(found: unknown, expected: string): string | undefined {
  const isScalar = typeof found === 'number' || typeof found === 'boolean';
  if (expected.startsWith('text') && isScalar) return `Put it in quotes: "${found}".`;
  if (typeof found !== 'string') return undefined;
  if (expected.startsWith('an integer') && /^\d+$/.test(found)) return `Remove the quotes: ${found}.`;
  if (expected !== 'true or false') return undefined;
  if (/^(yes|on|true)$/i.test(found)) return 'Write true, without quotes.';
  return /^(no|off|false)$/i.test(found) ? 'Write false, without quotes.' : undefined;
}

function outOfRange(
  issue: Extract<Issue, { code: 'too_small' | 'too_big' }>,
  path: FieldPath,
  found: unknown,
  expected: string,
): Problem {
  const isSize = issue.origin === 'array' || issue.origin === 'string';
  const bound = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
  const unit = issue.origin === 'array' ? 'item(s)' : 'character(s)';
  const wanted = isSize ? `${bound} ${unit}` : expected;
  return error('field.out-of-range', path, 'value', `Found ${describeFound(found, path)}; expected ${wanted}.`);
}

function error(code: DiagnosticCode, path: FieldPath, at: 'key' | 'value', message: string): Problem {
  return { severity: 'error', code, path, at, message };
}

function sentence(text: string): string {
  const begun = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.?!]$/.test(begun) ? begun : `${begun}.`;
}

const SHOWN_MAX = 80;

/** Text in quotes, cut when long; line breaks and control characters escaped. */
export function quoted(text: unknown): string {
  const full = String(text);
  return JSON.stringify(full.length > SHOWN_MAX ? `${full.slice(0, SHOWN_MAX)}…` : full);
}

/** A text that may be a secret is not repeated: messages end in logs. */
function describeFound(found: unknown, path: FieldPath): string {
  if (typeof found !== 'string' || found === '' || !path.some(namesSecret)) return describeValue(found);
  return `a text of ${found.length} characters`;
}

/** `the number 5`, `"text"`, `an empty value`, `a list`: a found value as a sentence can carry it. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'an empty value';
  if (typeof value === 'string') return value === '' ? 'an empty text' : quoted(value);
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${value}`;
  if (typeof value === 'boolean') return `${value}`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return 'a mapping';
}
