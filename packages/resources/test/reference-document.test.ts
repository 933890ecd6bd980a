/** The reference is what the schemas say, and the catalogue of codes is complete. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  DIAGNOSTIC_CODES,
  isKind,
  jsonSchema,
  jsonSchemaOf,
  KINDS,
  loadConfiguration,
  referenceDocument,
  type JsonSchema,
} from '../src/index.ts';
import { derivedCases } from './invalid/derived-cases.ts';
import { dynamicCases } from './invalid/dynamic-cases.ts';
import { fieldCases } from './invalid/field-cases.ts';
import { netCases } from './invalid/net-cases.ts';
import { poolCases } from './invalid/pool-cases.ts';
import { relationCases } from './invalid/relation-cases.ts';
import { yamlCases } from './invalid/yaml-cases.ts';
import { jsonText } from './json-text.ts';

describe('the reference document', () => {
  it('is up to date (else run tools/reference-docs.ts)', async () => {
    await expect(referenceDocument()).toMatchFileSnapshot('../../../docs/reference/resources.md');
  });

  const schemas: readonly (readonly [name: string, schema: JsonSchema])[] = [
    ...Object.keys(KINDS)
      .filter((name) => isKind(name))
      .map((kind) => [kind, jsonSchemaOf(kind)] as const),
    ['Router', jsonSchemaOf('Router')],
    ['routerd', jsonSchema()],
  ];
  it.each(schemas)('has an up-to-date JSON Schema %s', async (name, schema) => {
    await expect(jsonText(schema)).toMatchFileSnapshot(`../../../docs/reference/schema/${name}.json`);
  });

  it('has no JSON Schema of a kind that is no more', () => {
    const files = readdirSync(path.join(import.meta.dirname, '../../../docs/reference/schema')).toSorted();
    expect(files).toEqual(schemas.map(([name]) => `${name}.json`).toSorted());
  });

  it('lists no code that cannot occur, and every code has a case that shows its words', () => {
    const shown = new Set(
      [
        ...yamlCases,
        ...fieldCases,
        ...poolCases,
        ...relationCases,
        ...dynamicCases,
        ...netCases,
        ...derivedCases,
      ].flatMap(({ codes }) => codes),
    );
    expect([...shown].toSorted()).toEqual(Object.keys(DIAGNOSTIC_CODES).toSorted());
  });

  it('has no kind that the loader does not know', () => {
    for (const [, kind = ''] of referenceDocument().matchAll(/^## (\w+)$/gm)) {
      const { diagnostics } = loadConfiguration([{ file: 'f', text: `kind: ${kind}\n` }]);
      expect(diagnostics.map(({ code }) => code)).not.toContain('kind.unknown');
    }
  });
});
