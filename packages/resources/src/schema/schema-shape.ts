/** What a schema allows, in words and as lists: for error messages and for the reference document. */
import { z } from 'zod';
import type { FieldPath } from '../diagnostic.ts';

/** The schema without its default, optionality and transformation: what an author writes. */
export function writtenSchema(schema: unknown): unknown {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable
  ) {
    return writtenSchema(schema.unwrap());
  }
  return schema instanceof z.ZodPipe && expectedWords(schema) === undefined ? writtenSchema(schema.in) : schema;
}

/** `meta({ expected })` of a scalar: completes the sentence "expected …". */
function expectedWords(schema: z.ZodType): string | undefined {
  const expected = schema.meta()?.['expected'];
  return typeof expected === 'string' ? expected : undefined;
}

/** The mapping that a value belongs to: of a union, the option that the value's discriminator names. */
export function objectSchema(schema: unknown, value: unknown): z.ZodObject | undefined {
  const written = writtenSchema(schema);
  if (written instanceof z.ZodObject) return written;
  if (!(written instanceof z.ZodDiscriminatedUnion)) return undefined;
  const { discriminator } = written.def;
  const chosen = memberOf(value, discriminator);
  return written.options.find(
    (option): option is z.ZodObject =>
      option instanceof z.ZodObject && discriminatorValues(option, discriminator).includes(chosen),
  );
}

function discriminatorValues(option: z.ZodObject, discriminator: string): readonly unknown[] {
  const literal = writtenSchema(option.shape[discriminator]);
  return literal instanceof z.ZodLiteral ? [...literal.values] : [];
}

/** `meta({ instead })` of a mapping: what to write in place of a field that it does not have. */
export function insteadOf(mapping: z.ZodObject | undefined, key: string): string | undefined {
  const words = memberOf(mapping?.meta()?.['instead'], key);
  return typeof words === 'string' ? words : undefined;
}

/** Own members only: a document's key `constructor` is nobody's prototype. */
export function memberOf(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}

export function valueAt(value: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>((inner, step) => memberOf(inner, step), value);
}

/** The schema that governs `path` in `value`; undefined where the schema knows no such field. */
export function schemaAt(schema: unknown, value: unknown, path: FieldPath): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return schema;
  const written = writtenSchema(schema);
  const inner = memberOf(value, step);
  if (written instanceof z.ZodArray) return schemaAt(written.element, inner, rest);
  if (written instanceof z.ZodRecord) return schemaAt(written.valueType, inner, rest);
  if (written instanceof z.ZodDiscriminatedUnion && step === written.def.discriminator && rest.length === 0) {
    return z.enum(discriminatorNames(written));
  }
  const member = objectSchema(written, value)?.shape[step];
  return member === undefined ? undefined : schemaAt(member, inner, rest);
}

export function discriminatorNames(union: z.ZodDiscriminatedUnion): string[] {
  return union.options.flatMap((option) =>
    option instanceof z.ZodObject ? discriminatorValues(option, union.def.discriminator).map(String) : [],
  );
}

/** Completes "expected …": `true or false`, `an integer from 1 to 65535`, `one of onprem, cloud`. */
export function expectedOf(schema: unknown): string {
  const written = writtenSchema(schema);
  if (written instanceof z.ZodType) {
    const words = expectedWords(written);
    if (words !== undefined) return words;
  }
  if (written instanceof z.ZodString) return 'text';
  if (written instanceof z.ZodBoolean) return 'true or false';
  if (written instanceof z.ZodNumber) return expectedNumber(written);
  if (written instanceof z.ZodEnum) return oneOf(written.options.map(String));
  if (written instanceof z.ZodLiteral) return oneOf([...written.values].map(String));
  if (written instanceof z.ZodArray) return `${listWords(written)}; each item: ${expectedOf(written.element)}`;
  if (written instanceof z.ZodRecord) return `a mapping of names to ${expectedOf(written.valueType)}`;
  if (written instanceof z.ZodObject) return `a mapping with ${Object.keys(written.shape).join(', ')}`;
  if (written instanceof z.ZodDiscriminatedUnion) {
    return `a mapping whose ${written.def.discriminator} is ${oneOf(discriminatorNames(written))}`;
  }
  return 'a value';
}

export function listWords(list: z.ZodArray): string {
  return list.safeParse([]).success ? 'a list' : 'a list that is not empty';
}

function expectedNumber(schema: z.ZodNumber): string {
  const { minValue, maxValue } = schema;
  const least = minValue !== null && Number.isFinite(minValue) && minValue > Number.MIN_SAFE_INTEGER;
  const most = maxValue !== null && Number.isFinite(maxValue) && maxValue < Number.MAX_SAFE_INTEGER;
  if (least && most) return `an integer from ${minValue} to ${maxValue}`;
  return least ? `an integer of at least ${minValue}` : 'an integer';
}

function oneOf(values: readonly string[]): string {
  const [only = '', ...others] = values;
  return others.length === 0 ? only : `one of ${values.join(', ')}`;
}
