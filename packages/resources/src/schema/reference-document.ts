/** The reference of all kinds as Markdown, made from the schemas: docs/reference/resources.md. */
import { z } from 'zod';
import { DIAGNOSTIC_CODES } from '../diagnostic-codes.ts';
import { KINDS, STORED_KINDS } from '../resource.ts';
import { ROUTER_DOCUMENT } from '../router-document.ts';
import { discriminatorNames, expectedOf, listWords, writtenSchema } from './schema-shape.ts';

const OPENING = `# Resources

<!-- Made from the schemas of packages/resources by \`node tools/with.mjs -- node tools/reference-docs.ts\`. Do not edit. -->

What may be written in startup-config: one file or a folder of \`*.yaml\` files, each with any number of documents. A
document is one resource, or a \`Router\` that lists resources. Nothing is ignored: what is not described here is an
error, and with one error nothing is applied. Fields that other designs have, and this one decides elsewhere, are listed
as not supported, with what to write instead.

Every resource has \`apiVersion\`, \`kind\`, \`metadata.name\` and \`spec\`; \`metadata.annotations\` (names to text) and
\`metadata.ownerRefs\` are optional. apiVersion, kind and name together are its identity, which occurs once.
A reference to a resource is its name, \`NAME\` or \`Kind/NAME\`. Durations are written as \`250ms\`, \`5s\`, \`1h30m\`.

The same as JSON Schema, for editors: [all documents](schema/routerd.json), and one file for each kind beside it. With
yaml-language-server the first line \`# yaml-language-server: $schema=PATH\` of a file is enough.

Made by routerd and never declared: ${Object.keys(STORED_KINDS)
  .map((kind) => `\`${kind}\``)
  .join(', ')}.
`;

/** Pure: the same schemas give the same text. */
export function referenceDocument(): string {
  const kinds = Object.entries(KINDS)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, schema]) => kindSection(kind, schema.shape.apiVersion.value, schema.shape.spec));
  return `${OPENING}\n${kinds.join('\n')}\n${routerSection()}\n${codeSection()}`;
}

function kindSection(kind: string, apiVersion: string, spec: z.ZodType): string {
  const about = spec.description ?? '';
  return `## ${kind}\n\n${about}\n\n\`apiVersion: ${apiVersion}\`, fields of \`spec\`:\n\n${fieldList(spec, '').join('\n')}\n`;
}

function routerSection(): string {
  const { apiVersion, spec } = ROUTER_DOCUMENT.shape;
  return kindSection('Router', [...apiVersion.values].join(), spec.describe(ROUTER_DOCUMENT.description ?? ''));
}

function fieldList(schema: unknown, indent: string): readonly string[] {
  const written = writtenSchema(schema);
  if (written instanceof z.ZodArray) return fieldList(written.element, indent);
  if (written instanceof z.ZodDiscriminatedUnion) return unionList(written, indent);
  if (!(written instanceof z.ZodObject)) return [];
  return [
    ...Object.entries(written.shape).flatMap(([name, field]) => fieldItem(name, field, indent)),
    ...insteadList(written, indent),
  ];
}

/** What authors of other designs look for. */
function insteadList(mapping: z.ZodObject, indent: string): readonly string[] {
  return Object.entries(mapping.meta()?.['instead'] ?? {}).map(
    ([name, words]) => `${indent}- \`${name}\` (not supported): ${String(words)}`,
  );
}

function unionList(union: z.ZodDiscriminatedUnion, indent: string): readonly string[] {
  const { discriminator } = union.def;
  return union.options.flatMap((option, position) => [
    `${indent}- \`${discriminator}: ${discriminatorNames(union)[position]}\``,
    ...(option instanceof z.ZodObject
      ? Object.entries(option.shape)
          .filter(([name]) => name !== discriminator)
          .flatMap(([name, field]) => fieldItem(name, field, `${indent}  `))
      : []),
  ]);
}

function fieldItem(name: string, field: unknown, indent: string): readonly string[] {
  const inner = fieldList(field, `${indent}  `);
  const allowed = inner.length === 0 ? `: ${expectedOf(field)}` : containerWords(field);
  const description = descriptionOf(field);
  const about = description === undefined ? '' : ` ${description}`;
  return [`${indent}- \`${name}\` (${presenceOf(field)})${allowed}.${about}`, ...inner];
}

/** What a field with fields of its own is, besides those. */
function containerWords(field: unknown): string {
  const written = writtenSchema(field);
  if (written instanceof z.ZodArray) return `: ${listWords(written)}`;
  return written instanceof z.ZodDiscriminatedUnion ? `: by \`${written.def.discriminator}\`` : ': a mapping';
}

function presenceOf(field: unknown): string {
  if (field instanceof z.ZodOptional) return 'optional';
  if (!(field instanceof z.ZodDefault || field instanceof z.ZodPrefault)) return 'required';
  const value: unknown = field.def.defaultValue;
  const hasFields = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  if (hasFields) return Array.isArray(value) ? 'default: none' : 'optional';
  const words = typeof value === 'object' && value !== null ? defaultFields(value) : JSON.stringify(value);
  return `default: \`${words.replaceAll('"', '')}\``;
}

function defaultFields(value: object): string {
  return Object.entries(value)
    .map(([name, inner]) => `${name}: ${JSON.stringify(inner)}`)
    .join(', ');
}

/** Of the outermost layer that has one. */
function descriptionOf(field: unknown): string | undefined {
  if (field instanceof z.ZodType && field.description !== undefined) return field.description;
  if (field instanceof z.ZodOptional || field instanceof z.ZodDefault || field instanceof z.ZodPrefault) {
    return descriptionOf(field.unwrap());
  }
  return undefined;
}

function codeSection(): string {
  const lines = Object.entries(DIAGNOSTIC_CODES).map(([code, meaning]) => `- \`${code}\`: ${meaning}`);
  return `## Rules and their codes\n\nWhat loading and validation check. A report names the file, the line, the column, the path in the document and the\ncode of the rule; all that is wrong is reported at once.\n\n${lines.join('\n')}\n`;
}
