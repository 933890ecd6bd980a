/** Every code as programs see it: one diagnostic each, from the tables of invalid input. */
import { expect, it } from 'vitest';
import { diagnosticToJson, loadConfiguration } from '../src/index.ts';
import type { InvalidCase } from './invalid/case.ts';
import { dynamicCases } from './invalid/dynamic-cases.ts';
import { fieldCases } from './invalid/field-cases.ts';
import { netCases } from './invalid/net-cases.ts';
import { poolCases } from './invalid/pool-cases.ts';
import { relationCases } from './invalid/relation-cases.ts';
import { yamlCases } from './invalid/yaml-cases.ts';
import { jsonText } from './json-text.ts';

const cases = [...yamlCases, ...fieldCases, ...poolCases, ...relationCases, ...dynamicCases, ...netCases];

function diagnosticsOf({ text }: InvalidCase): readonly ReturnType<typeof diagnosticToJson>[] {
  const sources = typeof text === 'string' ? { 'router.yaml': text } : text;
  const files = Object.entries(sources).map(([file, content]) => ({ file, text: content }));
  return loadConfiguration(files).diagnostics.map((diagnostic) => diagnosticToJson(diagnostic));
}

it('a diagnostic of each code is told in JSON', async () => {
  const byCode = new Map<string, unknown>();
  for (const invalid of cases) {
    const found = diagnosticsOf(invalid).filter(({ code }) => invalid.codes.some((wanted) => wanted === code));
    for (const diagnostic of found) {
      const code = String(diagnostic['code']);
      if (!byCode.has(code)) byCode.set(code, { title: invalid.title, diagnostic });
    }
  }
  const sorted = [...byCode].toSorted(([a], [b]) => (a < b ? -1 : 1));
  await expect(jsonText(Object.fromEntries(sorted))).toMatchFileSnapshot('invalid/every-code.json');
});
