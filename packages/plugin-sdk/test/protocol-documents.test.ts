/** The JSON Schemas and the reference are what the code says: both are compared, and the schemas can be written with `--update`. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  ERROR_CLASSES,
  ERRORS,
  INVENTORY_PAGE_ENTRIES_MAX,
  pluginRequest,
  pluginResult,
  request,
  REQUEST_KINDS,
  result,
} from '../src/index.ts';

const REFERENCE = path.join(import.meta.dirname, '../../../docs/reference');
const reference = readFileSync(path.join(REFERENCE, 'plugin-protocol.md'), 'utf8');

const SCHEMAS = [
  ['executor-request', request],
  ['executor-result', result],
  ['observer-request', pluginRequest],
  ['observer-result', pluginResult],
] as const;

describe('the JSON Schemas', () => {
  test.each(SCHEMAS)('%s is up to date (else run this test with --update)', async (name, schema) => {
    const document = z.toJSONSchema(schema, { io: 'input', target: 'draft-7', unrepresentable: 'any' });
    await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot(
      `../../../docs/reference/plugin-schema/${name}.json`,
    );
  });
});

describe('the reference', () => {
  const blocks = [...reference.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = '']) =>
    z.json().parse(JSON.parse(text)),
  );

  test.each(blocks.map((block) => [z.looseObject({ kind: z.string() }).parse(block).kind, block] as const))(
    'its example of a %s is one',
    (kind, block) => {
      const isExecutor = !kind.startsWith('Plugin');
      const schema = kind.endsWith('Request')
        ? isExecutor
          ? request
          : pluginRequest
        : isExecutor
          ? result
          : pluginResult;
      const parsed = schema.safeParse(block);
      expect(parsed.error?.issues ?? []).toEqual([]);
    },
  );

  test('has every kind of request, every class and every number', () => {
    for (const kind of REQUEST_KINDS) expect(reference).toContain(`\`${kind}\``);
    for (const errorClass of ERROR_CLASSES) expect(reference).toMatch(new RegExp(`^\\| \`${errorClass}\` `, 'm'));
    const rows = [...reference.matchAll(/^\| (\d{3}) +\| `([a-z-]+)` +\| (.*?) +\|$/gm)].map(([, ...row]) => row);
    expect(rows).toEqual(
      ERRORS.map(({ number, class: errorClass, condition }) => [String(number), errorClass, condition]),
    );
    expect(reference).toContain(`${INVENTORY_PAGE_ENTRIES_MAX} entries`);
  });
});
