/** The reference is what the schemas say, and the catalogue of codes is complete. */
import { describe, expect, it } from 'vitest';
import { DIAGNOSTIC_CODES, loadConfiguration, referenceDocument } from '../src/index.ts';
import { derivedCases } from './invalid/derived-cases.ts';
import { dynamicCases } from './invalid/dynamic-cases.ts';
import { fieldCases } from './invalid/field-cases.ts';
import { netCases } from './invalid/net-cases.ts';
import { poolCases } from './invalid/pool-cases.ts';
import { relationCases } from './invalid/relation-cases.ts';
import { yamlCases } from './invalid/yaml-cases.ts';

describe('the reference document', () => {
  it('is up to date (else run tools/reference-docs.ts)', async () => {
    await expect(referenceDocument()).toMatchFileSnapshot('../../../docs/reference/resources.md');
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
