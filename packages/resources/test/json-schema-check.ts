/**
 * Checks a value against the part of JSON Schema (draft 7) that our schemas use, independently of what made them.
 * An unknown keyword is an error of the test: nothing is taken for checked that is not.
 */
import { asMapping, type Mapping } from './mapping.ts';

/** Keywords that say nothing about whether a value fits. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  '$schema',
  'title',
  'description',
  'default',
  'definitions',
  'then', // read by `if`
  'else',
]);

type Check = (wanted: unknown, value: unknown, schema: Mapping, root: Mapping) => boolean;

const CHECKS: Readonly<Record<string, Check>> = {
  $ref: (wanted, value, _, root) => fits(definition(root, String(wanted)), value, root),
  type: (wanted, value) => hasType(String(wanted), value),
  const: (wanted, value) => wanted === value,
  enum: (wanted, value) => list(wanted).includes(value),
  pattern: (wanted, value) => typeof value !== 'string' || new RegExp(String(wanted), 'u').test(value),
  minLength: (wanted, value) => typeof value !== 'string' || value.length >= Number(wanted),
  minimum: (wanted, value) => typeof value !== 'number' || value >= Number(wanted),
  maximum: (wanted, value) => typeof value !== 'number' || value <= Number(wanted),
  minItems: (wanted, value) => !Array.isArray(value) || value.length >= Number(wanted),
  maxItems: (wanted, value) => !Array.isArray(value) || value.length <= Number(wanted),
  items: (wanted, value, _, root) =>
    !Array.isArray(value) || value.every((item) => fits(asMapping(wanted), item, root)),
  required: (wanted, value) => !isMapping(value) || list(wanted).every((name) => Object.hasOwn(value, String(name))),
  properties: (wanted, value, _, root) =>
    !isMapping(value) ||
    Object.entries(asMapping(wanted)).every(
      ([name, inner]) => !Object.hasOwn(value, name) || fits(asMapping(inner), value[name], root),
    ),
  propertyNames: (wanted, value, _, root) =>
    !isMapping(value) || Object.keys(value).every((name) => fits(asMapping(wanted), name, root)),
  additionalProperties: (wanted, value, schema, root) => {
    if (!isMapping(value)) return true;
    const known = isMapping(schema['properties']) ? schema['properties'] : {};
    const others = Object.entries(value).filter(([name]) => !Object.hasOwn(known, name));
    return wanted === false ? others.length === 0 : others.every(([, inner]) => fits(asMapping(wanted), inner, root));
  },
  oneOf: (wanted, value, _, root) => list(wanted).filter((option) => fits(asMapping(option), value, root)).length === 1,
  anyOf: (wanted, value, _, root) => list(wanted).some((option) => fits(asMapping(option), value, root)),
  allOf: (wanted, value, _, root) => list(wanted).every((option) => fits(asMapping(option), value, root)),
  not: (wanted, value, _, root) => !fits(asMapping(wanted), value, root),
  if: (wanted, value, schema, root) => {
    const branch = fits(asMapping(wanted), value, root) ? schema['then'] : schema['else'];
    return branch === undefined || fits(asMapping(branch), value, root);
  },
};

/** @param root where `$ref` looks for definitions */
export function fits(schema: Mapping, value: unknown, root: Mapping = schema): boolean {
  return Object.entries(schema).every(([keyword, wanted]) => {
    const check = CHECKS[keyword];
    if (check !== undefined) return check(wanted, value, schema, root);
    if (ANNOTATIONS.has(keyword)) return true;
    throw new Error(`unknown JSON Schema keyword ${keyword}`);
  });
}

function definition(root: Mapping, reference: string): Mapping {
  const name = /^#\/definitions\/(\w+)$/.exec(reference)?.[1] ?? '';
  return asMapping(asMapping(root['definitions'])[name]);
}

function hasType(type: string, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isMapping(value);
  if (type === 'string' || type === 'number' || type === 'boolean') return typeof value === type;
  throw new Error(`unknown JSON Schema type ${type}`);
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error('expected a list in a JSON Schema');
  return value;
}
