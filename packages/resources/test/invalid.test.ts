/** What operators get wrong, and the exact text they are told. Rewrite the texts with `vitest -u` and read the diff. */
import { describe, expect, it } from 'vitest';
import { loadConfiguration, renderDiagnostic, type Diagnostic } from '../src/index.ts';
import type { InvalidCase } from './invalid/case.ts';
import { dynamicCases } from './invalid/dynamic-cases.ts';
import { fieldCases } from './invalid/field-cases.ts';
import { netCases } from './invalid/net-cases.ts';
import { poolCases } from './invalid/pool-cases.ts';
import { relationCases } from './invalid/relation-cases.ts';
import { yamlCases } from './invalid/yaml-cases.ts';

const TABLES = {
  yaml: yamlCases,
  fields: fieldCases,
  pools: poolCases,
  relations: relationCases,
  dynamic: dynamicCases,
  net: netCases,
};

function sourcesOf({ text }: InvalidCase): readonly { readonly file: string; readonly text: string }[] {
  if (typeof text === 'string') return [{ file: 'router.yaml', text }];
  return Object.entries(text).map(([file, content]) => ({ file, text: content }));
}

function reported(invalid: InvalidCase): readonly Diagnostic[] {
  return loadConfiguration(sourcesOf(invalid)).diagnostics;
}

function rendered(invalid: InvalidCase): string {
  const sources = sourcesOf(invalid);
  const texts = reported(invalid).map((diagnostic) =>
    renderDiagnostic(diagnostic, sources.find(({ file }) => file === diagnostic.file)?.text ?? ''),
  );
  return `## ${invalid.title}\n\n${texts.join('\n\n')}\n`;
}

describe.each(Object.entries(TABLES))('the table of %s', (name, cases) => {
  it.each(cases)('reports $title', (invalid) => {
    expect(reported(invalid).map(({ code }) => code)).toEqual(invalid.codes);
  });

  it('is told in the words of its golden text', async () => {
    await expect(cases.map(rendered).join('\n')).toMatchFileSnapshot(`invalid/${name}.txt`);
  });

  it('has titles that tell the cases apart', () => {
    expect(new Set(cases.map(({ title }) => title)).size).toBe(cases.length);
  });
});
