/** What holds for dynamic parts beyond what holds for files. */
import { describe, expect, it } from 'vitest';
import { checkResource, indexResources, loadResources, parseDynamicConfigPart } from '../src/index.ts';
import { DYNAMIC, ONPREM, STATIC_PAIR } from './configurations.ts';
import { derivedCases } from './invalid/derived-cases.ts';

const startup = loadResources([
  { file: 'dynamic.yaml', text: DYNAMIC },
  { file: 'pair.yaml', text: STATIC_PAIR },
  { file: 'onprem.yaml', text: ONPREM.replaceAll('name: fleet', 'name: fleet-2') },
]).resources.map(({ value }) => value);

describe('a dynamic part', () => {
  it.each(derivedCases)('cannot bring $title', ({ text, codes }) => {
    const [located] = loadResources([{ file: 'part.yaml', text: typeof text === 'string' ? text : '' }]).resources;
    expect(located).toBeDefined();
    if (located === undefined) return;
    const problems = checkResource(located.value, indexResources(startup), 'derived');
    expect(problems.filter(({ severity }) => severity === 'error').map(({ code }) => code)).toEqual(
      expect.arrayContaining([...codes]),
    );
  });
});

const PART = {
  apiVersion: 'config.routerd.net/v1alpha1',
  kind: 'DynamicConfigPart',
  metadata: { name: 'inventory' },
  spec: {
    source: 'Plugin/inventory',
    generation: 3,
    observedAt: '2026-01-31T12:00:00Z',
    expiresAt: '2026-01-31T12:30:00.250Z',
    digest: 'a'.repeat(64),
    resources: [
      {
        apiVersion: 'net.routerd.net/v1alpha1',
        kind: 'Interface',
        metadata: { name: 'lan' },
        spec: { ifname: 'lan0' },
      },
    ],
    directives: [
      {
        op: 'mask',
        target: { apiVersion: 'net.routerd.net/v1alpha1', kind: 'IPv4Route', name: 'fallback' },
        reason: 'the tunnel is healthy',
      },
    ],
  },
};

function problemsOf(spec: object): readonly string[] {
  const result = parseDynamicConfigPart({ ...PART, spec: { ...PART.spec, ...spec } });
  return result.ok ? [] : result.error.problems.map(({ code, path }) => `${code} ${path.join('.')}`);
}

describe('parseDynamicConfigPart', () => {
  it('parses the resources of the part and fills in their defaults', () => {
    expect(parseDynamicConfigPart(PART)).toMatchObject({
      ok: true,
      value: {
        spec: {
          observedAt: Date.UTC(2026, 0, 31, 12),
          expiresAt: Date.UTC(2026, 0, 31, 12, 30, 0, 250),
          resources: [{ kind: 'Interface', spec: { managed: false } }],
          actionPlans: [],
        },
      },
    });
  });

  it('says of each resource where in the part it is wrong', () => {
    const [lan] = PART.spec.resources;
    const resources = [lan, { ...lan, spec: { ifname: 'a/b' } }, 7, { ...PART }];
    expect(problemsOf({ resources })).toEqual([
      'field.malformed spec.resources.1.spec.ifname',
      'document.not-a-mapping spec.resources.2',
      'kind.not-authored spec.resources.3.kind',
    ]);
  });

  it('refuses times without a zone, digests that are none and directives that do not mask', () => {
    expect(problemsOf({ observedAt: '2026-01-31 12:00' })).toEqual(['field.invalid spec.observedAt']);
    expect(problemsOf({ expiresAt: '2026-02-30T12:00:00Z' })).toEqual(['field.invalid spec.expiresAt']);
    expect(problemsOf({ digest: 'abc' })).toEqual(['field.malformed spec.digest']);
    expect(problemsOf({ directives: [{ op: 'delete' }] })).toEqual([
      'field.not-allowed spec.directives.0.op',
      'field.missing spec.directives.0.target',
      'field.missing spec.directives.0.reason',
    ]);
  });
});
