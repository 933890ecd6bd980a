/** What editors are told about the kinds is what the loader accepts. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { jsonSchema, loadConfiguration } from '../src/index.ts';
import { DYNAMIC, HYBRID, NET, ONPREM, STATIC_PAIR } from './configurations.ts';
import { dynamicCases } from './invalid/dynamic-cases.ts';
import { fieldCases } from './invalid/field-cases.ts';
import { netCases } from './invalid/net-cases.ts';
import { poolCases } from './invalid/pool-cases.ts';
import { relationCases } from './invalid/relation-cases.ts';
import { fits } from './json-schema-check.ts';

const ROOT = path.join(import.meta.dirname, '../../..');
const SCHEMA = jsonSchema();

function documentsOf(text: string): readonly unknown[] {
  const parsed = parseAllDocuments(text, { stringKeys: true, version: '1.2', logLevel: 'silent' });
  return ('empty' in parsed ? [] : parsed)
    .map((document): unknown => document.toJS())
    .filter((value) => value !== null);
}

const rejects = (text: string): boolean => documentsOf(text).some((value) => !fits(SCHEMA, value));

describe('the JSON Schema', () => {
  it.each(Object.entries({ ONPREM, STATIC_PAIR, DYNAMIC, HYBRID, NET }))('accepts the configuration %s', (_, text) => {
    expect(rejects(text)).toBe(false);
  });

  const examples = globSync('examples/**/*.yaml', { cwd: ROOT, exclude: ['examples/executor-*/**'] }).toSorted();
  it.each(examples)('accepts %s', (file) => {
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    expect(loadConfiguration([{ file, text }]).diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(rejects(text)).toBe(false);
  });

  it('accepts the resources of a Router, and rejects a wrong one among them', () => {
    const router = (ifname: string): string =>
      `apiVersion: routerd.net/v1alpha1\nkind: Router\nmetadata: {name: r}\nspec: {resources: [{apiVersion: net.routerd.net/v1alpha1, kind: Interface, metadata: {name: lan}, spec: {ifname: ${ifname}}}]}\n`;
    expect(rejects(router('lan0'))).toBe(false);
    expect(rejects(router('lan/0'))).toBe(true);
  });
});

/** What JSON Schema has no words for. */
const BEYOND = new Set([
  'a prefix with host bits', // arithmetic
  'a window in no time zone', // time zone data
  'a range of ports that ends before it begins', // a comparison
  'advertisements too often', // arithmetic on durations
  'advertisements between hundredths of a second',
  'advertisements between seconds, with a password',
]);

const cases = [...fieldCases, ...poolCases, ...relationCases, ...dynamicCases, ...netCases].filter(
  ({ text, codes }) =>
    typeof text === 'string' &&
    codes.some((code) => code.startsWith('field.') || /^kind\.(unknown|missing|wrong|not-authored)/.test(code)),
);

describe('the JSON Schema rejects', () => {
  it.each(cases.filter(({ title }) => !BEYOND.has(title)))('$title', ({ text }) => {
    expect(typeof text === 'string' && rejects(text)).toBe(true);
  });
});
