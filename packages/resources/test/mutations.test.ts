/**
 * Valid documents with something changed in them: each is either still valid, or told what is wrong at a place that exists, in
 * every way of writing it. What a seed finds stays found: the runs are the same each time.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import {
  hasErrors,
  jsonSchema,
  loadConfiguration,
  parseResource,
  renderDiagnostic,
  type Diagnostic,
} from '../src/index.ts';
import { DYNAMIC, HYBRID, NET, ONPREM, STATIC_PAIR } from './configurations.ts';
import { fits } from './json-schema-check.ts';

const SEED = 20_261_121;
const SCHEMA = jsonSchema();

function documentsOf(text: string): readonly unknown[] {
  const parsed = parseAllDocuments(text, { version: '1.2' });
  return ('empty' in parsed ? [] : parsed).map((document): unknown => document.toJS());
}

const CONFIGURATIONS = [ONPREM, STATIC_PAIR, DYNAMIC, HYBRID, NET].map(documentsOf);

interface Change {
  readonly verb: 'replace' | 'remove' | 'rename' | 'add' | 'repeat';
  /** Which of the values of the document, counted in the order of writing. */
  readonly at: number;
  readonly value: unknown;
  readonly name: string;
}

const scalar = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    ' ',
    '0',
    'true',
    '10.0.0.0/8',
    '10.0.0.1/32',
    '0.0.0.0/0',
    '5s',
    '-1s',
    '*',
    'self',
  ),
  fc.constantFrom<unknown>(0, 1, -1, 65_536, 1.5, Number.MAX_SAFE_INTEGER, true, false),
  fc.constantFrom<unknown>('OverlayPeer/x', 'Wrong/x', '/', 'a/', 'lan0', 'fleet', '10.77.60.9/32', '169.254.1.1'),
  fc.string({ maxLength: 8 }),
);
const change: fc.Arbitrary<Change> = fc.record({
  verb: fc.constantFrom('replace', 'remove', 'rename', 'add', 'repeat'),
  at: fc.nat(200),
  value: fc.oneof(
    scalar,
    fc.array(scalar, { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('type', 'mode', 'x'), scalar),
  ),
  name: fc.constantFrom('spec', 'kind', 'nmae', 'address', 'type', 'constructor', '__proto__', 'a b', ''),
});

/** The value with the change made to its n-th inner value. */
function changed(value: unknown, { verb, at, value: put, name }: Change): unknown {
  let left = at % countOf(value);
  const visit = (inner: unknown): unknown => {
    if (typeof inner !== 'object' || inner === null) return inner;
    if (Array.isArray(inner)) {
      return inner.flatMap((item: unknown) => {
        if (left-- !== 0) return [visit(item)];
        if (verb === 'remove') return [];
        return verb === 'repeat' ? [item, item] : [put];
      });
    }
    const members: [string, unknown][] = Object.entries(inner).flatMap(([key, member]: [string, unknown]) => {
      if (left-- !== 0) return [[key, visit(member)]];
      if (verb === 'remove') return [];
      if (verb === 'rename') return [[name, member]];
      return verb === 'add'
        ? [
            [key, member],
            [name, put],
          ]
        : [[key, put]];
    });
    return Object.fromEntries(members.filter(([key]) => key !== '__proto__'));
  };
  return visit(value);
}

function countOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, inner) => sum + countOf(inner), 1);
}

const configuration = fc
  .record({
    documents: fc.constantFrom(...CONFIGURATIONS),
    changes: fc.array(fc.record({ document: fc.nat(20), change }), { minLength: 1, maxLength: 3 }),
  })
  .map(({ documents, changes }) =>
    changes.reduce<readonly unknown[]>(
      (before, { document, change: made }) =>
        before.map((value, position) => (position === document % before.length ? changed(value, made) : value)),
      documents,
    ),
  );

/** Block style, flow style, and one Router around all. */
const WRITINGS: readonly ((documents: readonly unknown[]) => string)[] = [
  (documents) => documents.map((value) => `---\n${stringify(value)}`).join(''),
  (documents) => documents.map((value) => `--- ${JSON.stringify(value)}\n`).join(''),
  (documents) =>
    stringify({
      apiVersion: 'routerd.net/v1alpha1',
      kind: 'Router',
      metadata: { name: 'r' },
      spec: { resources: documents },
    }),
];

function expectPlaced(diagnostic: Diagnostic, lines: readonly string[], text: string): void {
  const { line, column, endColumn, code, message, path } = diagnostic;
  const shown = lines[line - 1] ?? '';
  expect(line).toBeGreaterThanOrEqual(1);
  expect(line).toBeLessThanOrEqual(lines.length);
  expect(column).toBeLessThanOrEqual(shown.length + 1);
  expect(endColumn).toBeGreaterThan(column);
  expect(message).toMatch(/[.?!]$/);
  const rendered = renderDiagnostic(diagnostic, text);
  const about = shown.slice(column - 1, Math.min(endColumn, column + 20) - 1);
  expect(rendered.includes(about) || rendered.includes('*'.repeat(about.length))).toBe(true);
  if (code !== 'field.unknown') return;
  // What is unknown is a key, and stands where it is said to stand.
  const key = shown.slice(column - 1, endColumn - 1).replaceAll(/^["']|["']$/g, '');
  if (/^[\w-]+$/.test(key)) expect(path.endsWith(`.${key}`) || path === key).toBe(true);
}

describe('a changed configuration', () => {
  it.each(['in block style', 'in flow style', 'in a Router'].map((style, position) => [style, position] as const))(
    '%s is valid or told where it is not',
    (_, position) => {
      let valid = 0;
      fc.assert(
        fc.property(configuration, (documents) => {
          const text = WRITINGS[position]?.(documents) ?? '';
          const { diagnostics, resources } = loadConfiguration([{ file: 'f.yaml', text }]);
          const lines = text.split('\n');
          for (const diagnostic of diagnostics) expectPlaced(diagnostic, lines, text);
          if (!hasErrors(diagnostics)) {
            valid += 1;
            expect(resources.length).toBeGreaterThan(0);
          }
        }),
        { numRuns: 1000, seed: SEED },
      );
      // Both ways are taken often: the changes are neither too wild nor too tame.
      expect(valid).toBeGreaterThan(50);
      expect(valid).toBeLessThan(900);
    },
  );

  it('is accepted by the JSON Schema wherever the loader takes a resource', () => {
    let accepted = 0;
    fc.assert(
      fc.property(configuration, (documents) => {
        for (const value of documents) {
          if (!parseResource(value).ok) continue;
          accepted += 1;
          expect(fits(SCHEMA, value)).toBe(true);
        }
      }),
      { numRuns: 1000, seed: SEED },
    );
    expect(accepted).toBeGreaterThan(1000);
  });
});
