/** routerctl schema: the JSON Schema of the kinds, from the definitions that check configuration. */
import { jsonSchema, jsonSchemaOf, KINDS, nearestSpelling, type Kind } from '@routerd/resources';
import { buildCommand } from '@stricli/core';
import { fail, outputAliases, type Context } from '../command-context.ts';
import { renderStructured } from '../output.ts';

interface SchemaFlags {
  readonly output: 'json' | 'yaml';
}

export const schemaCommand = buildCommand<SchemaFlags, [string?], Context>({
  func(this: Context, { output }: SchemaFlags, name?: string) {
    const kind = name === undefined ? undefined : kindNamed(name);
    if (name !== undefined && kind === undefined) {
      const meant = nearestSpelling(name, kindNames());
      return fail(this, {
        code: 'kind.unknown',
        message: `There is no kind "${name}".`,
        remedy: `${meant === undefined ? '' : `Did you mean ${meant}? `}Kinds: ${kindNames().join(', ')}.`,
      });
    }
    const schema = kind === undefined ? jsonSchema() : jsonSchemaOf(kind);
    this.process.stdout.write(`${renderStructured(output, schema)}\n`);
  },
  parameters: {
    flags: { output: { kind: 'enum', values: ['json', 'yaml'], default: 'json', brief: 'How to write it' } },
    aliases: outputAliases,
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Kind, in any case', parse: String, placeholder: 'kind', optional: true }],
    },
  },
  docs: {
    brief: 'Write the JSON Schema of a kind, or of everything that a configuration may hold',
    fullDescription: [
      'Write the JSON Schema (draft 7) of a kind, or of every document that a configuration may hold.',
      '',
      'EXAMPLES',
      '  routerctl schema > routerd.schema.json           for an editor: # yaml-language-server: $schema=routerd.schema.json',
      '  routerctl schema MobilityPool -o yaml',
    ].join('\n'),
  },
});

function kindNames(): readonly (Kind | 'Router')[] {
  return [...Object.keys(KINDS).filter(isKindName), 'Router' as const].toSorted();
}

function isKindName(name: string): name is Kind {
  return Object.hasOwn(KINDS, name);
}

function kindNamed(name: string): Kind | 'Router' | undefined {
  return kindNames().find((kind) => kind.toLowerCase() === name.toLowerCase());
}
