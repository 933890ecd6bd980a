/** JSON Schema of the kinds, for editors and other tools: what can be said of a resource without knowing the others. */
import { z } from 'zod';
import { KINDS, type Kind } from '../resource.ts';
import { conditional, fieldIs } from './json-condition.ts';
import { ROUTER_DOCUMENT } from '../router-document.ts';

/** JSON data: draft 7, which yaml-language-server and most other tools understand. */
export type JsonSchema = Readonly<Record<string, unknown>>;

type MutableSchema = z.core.JSONSchema.BaseSchema;

const DRAFT_7 = 'http://json-schema.org/draft-07/schema#';

/** Pure: the same schemas give the same value. It describes what an author writes: defaults may be left out. */
export function jsonSchemaOf(kind: Kind | 'Router'): JsonSchema {
  return { $schema: DRAFT_7, title: kind, ...bodyOf(kind) };
}

/**
 * One schema for every document of a file: `# yaml-language-server: $schema=…` at its top, or an editor's setting for a folder.
 * The kind chooses among them, so that a mistake is reported at its field and not as "none of 26 fits".
 */
export function jsonSchema(): JsonSchema {
  const kinds = Object.keys(KINDS).filter(isKindName).toSorted();
  const definitions: Record<string, unknown> = {};
  for (const kind of kinds) definitions[kind] = bodyOf(kind);
  definitions['Router'] = bodyOf('Router', { $ref: '#/definitions/Resource' });
  definitions['Resource'] = choice(kinds);
  return { $schema: DRAFT_7, title: 'A document of startup-config', ...choice([...kinds, 'Router']), definitions };
}

function isKindName(name: string): name is Kind {
  return Object.hasOwn(KINDS, name);
}

function choice(kinds: readonly string[]): JsonSchema {
  return {
    type: 'object',
    required: ['apiVersion', 'kind'],
    properties: { kind: { enum: kinds } },
    allOf: kinds.map((kind) =>
      conditional({ when: fieldIs('kind', kind), demands: { $ref: `#/definitions/${kind}` } }),
    ),
  };
}

/** @param entry the schema of one of a Router's resources */
function bodyOf(kind: Kind | 'Router', entry: JsonSchema = {}): JsonSchema {
  const schema = kind === 'Router' ? ROUTER_DOCUMENT : KINDS[kind];
  const { $schema: _, ...body } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema: node }) => tell(zodSchema, node, entry),
  });
  const { description } = kind === 'Router' ? ROUTER_DOCUMENT : KINDS[kind].shape.spec;
  return description === undefined ? body : { description, ...body };
}

/** Turns our own words into what editors show: a description, and a default where an empty mapping stands for one. */
function tell(zodSchema: z.core.$ZodTypes, node: MutableSchema, entry: JsonSchema): void {
  const { expected, instead: _, reference: __, description } = node;
  delete node['expected'];
  delete node['instead'];
  delete node['reference'];
  if (typeof expected === 'string') {
    const words = `${expected.slice(0, 1).toUpperCase()}${expected.slice(1)}.`;
    node.description = description === undefined ? words : `${description} ${words}`;
    if (expected === 'a resource') Object.assign(node, entry);
  }
  if (zodSchema instanceof z.ZodPrefault) node.default = zodSchema.def.defaultValue;
}
