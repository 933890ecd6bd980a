/** No text makes the loader throw, hang, or report a place that does not exist. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfiguration, parseResource, renderDiagnostic } from '../src/index.ts';
import { ONPREM, STATIC_PAIR } from './configurations.ts';

function expectOrderly(text: string): void {
  const { diagnostics, resources } = loadConfiguration([{ file: 'f.yaml', text }]);
  const lines = text.split(/\r?\n/);
  for (const diagnostic of diagnostics.slice(0, 50)) {
    expect(diagnostic.line).toBeGreaterThanOrEqual(1);
    expect(diagnostic.line).toBeLessThanOrEqual(lines.length);
    expect(diagnostic.column).toBeGreaterThanOrEqual(1);
    expect(diagnostic.column).toBeLessThanOrEqual((lines[diagnostic.line - 1] ?? '').length + 1);
    expect(diagnostic.endColumn).toBeGreaterThan(diagnostic.column);
    expect(diagnostic.code).toMatch(/^[a-z0-9-]+\.[a-z0-9-]+$/);
    expect(diagnostic.message).toMatch(/[.?!]$/);
    expect(renderDiagnostic(diagnostic, text)).toContain(diagnostic.message);
  }
  expect(diagnostics.length + resources.length).toBeGreaterThan(0);
}

/** Pieces that YAML gives a meaning to. */
const piece = fc.oneof(
  fc.constantFrom(
    ': ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '\n',
    '\n  ',
    '\t',
    '"',
    "'",
    '|\n',
    '>\n',
    '&a ',
    '*a',
    '!!int ',
    '#',
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '? ',
    ',',
    '<<: ',
    '\r\n',
    '\u0000',
    '\ufeff',
    '~',
    '0x',
    '.inf',
    '\ud800',
  ),
  fc.constantFrom(
    'apiVersion',
    'kind',
    'metadata',
    'spec',
    'Router',
    'resources',
    'MobilityPool',
    'members',
    '__proto__',
    'constructor',
  ),
  fc.string({ maxLength: 5 }),
);

const mutation = fc.record({ at: fc.nat(4000), drop: fc.nat(12), put: fc.array(piece, { maxLength: 3 }) });

describe('loading', () => {
  it('takes any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), expectOrderly), { numRuns: 300 });
  });

  it('takes any heap of YAML', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => expectOrderly(pieces.join(''))),
      { numRuns: 1000 },
    );
  });

  it('takes any damage to a valid configuration', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(ONPREM, STATIC_PAIR),
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        (text, changes) => {
          let damaged = text;
          for (const { at, drop, put } of changes) {
            const start = at % (damaged.length + 1);
            damaged = damaged.slice(0, start) + put.join('') + damaged.slice(start + drop);
          }
          expectOrderly(damaged);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('takes any value as a resource', () => {
    fc.assert(
      fc.property(
        fc.anything({ withNullPrototype: true, withMap: true, withSparseArray: true }),
        fc.constantFrom('Interface', 'MobilityPool', 'RemoteAddressClaim'),
        (spec, kind) => {
          const result = parseResource({ apiVersion: 'net.routerd.net/v1alpha1', kind, metadata: spec, spec });
          expect(result.ok || result.error.problems.length > 0).toBe(true);
        },
      ),
    );
  });

  it.each([
    ['brackets', '['.repeat(50_000)],
    ['braces', '{a: '.repeat(20_000)],
    ['dashes', '- '.repeat(20_000)],
    ['question marks', '? '.repeat(5_000)],
    ['indentation', Array.from({ length: 1500 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
    ['anchors', Array.from({ length: 20_000 }, (_, n) => `k${n}: &a${n} v`).join('\n')],
    ['aliases', `a: &a v\n${Array.from({ length: 20_000 }, (_, n) => `k${n}: *a`).join('\n')}`],
    ['keys', Array.from({ length: 20_000 }, (_, n) => `k${n}: v`).join('\n')],
    ['mappings that begin on one line', 'a:\n'.repeat(30_000)],
    [
      'unknown fields',
      `apiVersion: net.routerd.net/v1alpha1\nkind: Interface\nspec:\n${Array.from({ length: 20_000 }, (_, n) => `  k${n}:`).join('\n')}`,
    ],
    ['quotes', `a: "${'\\n'.repeat(100_000)}"`],
    ['documents', '---\na\n'.repeat(1000)],
  ])('is not exhausted by many %s', { timeout: 10_000 }, (_, text) => {
    expectOrderly(text);
  });
});
