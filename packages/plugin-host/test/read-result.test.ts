import { describe, expect, test } from 'vitest';
import { readResult } from '../src/index.ts';

const ROUTE = {
  apiVersion: 'net.routerd.net/v1alpha1',
  kind: 'IPv4Route',
  metadata: { name: 'net' },
  spec: { destination: '192.0.2.0/24', device: 'eth0' },
};
const result = (status: object, changes: object = {}): object => ({
  apiVersion: 'plugin.routerd.net/v1alpha1',
  kind: 'PluginResult',
  metadata: { name: 'inventory' },
  status: { ttl: '30m', ...status },
  ...changes,
});
const read = (document: unknown) => readResult(JSON.stringify(document), 'inventory');
const problems = (document: unknown): readonly string[] => {
  const outcome = read(document);
  return outcome.ok ? [] : outcome.error.problems.map(({ path, message }) => `${path}: ${message}`);
};

const YAML = `# what a shell script writes
apiVersion: plugin.routerd.net/v1alpha1
kind: PluginResult
metadata: { name: inventory }
status:
  observedAt: 2026-11-21T08:00:00.250Z
  ttl: 1h30m
  generation: 4
  resources:
    - apiVersion: net.routerd.net/v1alpha1
      kind: IPv4Route
      metadata: { name: net }
      spec: { destination: 192.0.2.0/24, device: eth0 }
  directives:
    - op: mask
      target: { apiVersion: net.routerd.net/v1alpha1, kind: IPv4Route, name: fallback }
      reason: the cloud is healthy
  events:
    - { type: routerd.client.ipv4.observed, subject: 10.77.60.10/32, pool: lab, ttl: 10m }
`;

describe('a result', () => {
  test('is read from YAML and from JSON alike', () => {
    const outcome = readResult(YAML, 'inventory');
    expect(outcome).toMatchObject({
      ok: true,
      value: {
        observedAt: Date.UTC(2026, 10, 21, 8, 0, 0, 250),
        ttl: 5_400_000,
        generation: 4,
        resources: [{ kind: 'IPv4Route', metadata: { name: 'net', annotations: {} } }],
        directives: [{ op: 'mask', target: { name: 'fallback' } }],
        events: [{ type: 'routerd.client.ipv4.observed', subject: '10.77.60.10/32', pool: 'lab', ttl: 600_000 }],
      },
    });
    expect(read(result({ resources: [ROUTE] }))).toMatchObject({
      ok: true,
      value: { observedAt: undefined, ttl: 1_800_000, generation: undefined, resources: [{ kind: 'IPv4Route' }] },
    });
  });

  test.each([
    ['status.ttl: Invalid input: expected string, received undefined.', result({ ttl: undefined })],
    ['status.ttl: "0s" is not a duration above zero, such as 30m.', result({ ttl: '0s' })],
    ['status.ttl: "soon" is not a duration above zero, such as 30m.', result({ ttl: 'soon' })],
    ['metadata.name: Found "other"; the request was for "inventory".', result({}, { metadata: { name: 'other' } })],
    ['status: Unrecognized key: "more".', result({ more: 1 })],
    [
      'status.directives[0].op: Invalid input: expected "mask".',
      result({ directives: [{ op: 'delete', target: { apiVersion: 'a', kind: 'b', name: 'c' }, reason: 'x' }] }),
    ],
    [
      'status.events[0].ttl: "x" is not a duration above zero, such as 30m.',
      result({ events: [{ type: 't', subject: 's', ttl: 'x' }] }),
    ],
    [
      'status.observedAt: "2026-11-21T08:00:00.1234Z" has more than milliseconds.',
      result({ observedAt: '2026-11-21T08:00:00.1234Z' }),
    ],
  ])('is refused with the place: %s', (problem, document) => {
    expect(problems(document)).toEqual([problem]);
  });

  test('names every resource that is wrong, with the place in it and the nearest spelling', () => {
    const broken = [
      ROUTE,
      { ...ROUTE, kind: 'IPv4Rout' },
      { ...ROUTE, spec: { ...ROUTE.spec, destination: '192.0.2.1/24' } },
      'text',
    ];
    expect(problems(result({ resources: broken }))).toEqual([
      expect.stringMatching(/^status\.resources\[1\]\.kind: Unknown kind "IPv4Rout".*Did you mean "IPv4Route"\?$/),
      expect.stringMatching(/^status\.resources\[2\]\.spec\.destination: .*host bits/),
      expect.stringMatching(/^status\.resources\[3\]: /),
    ]);
  });

  test('that is wrong all over is cut short', () => {
    const outcome = read(result({ resources: Array.from({ length: 100 }, () => 1) }));
    expect(outcome.ok ? 0 : outcome.error.problems.length).toBe(20);
    expect(outcome.ok ? '' : outcome.error.message).toContain('(and 80 more)');
  });

  test.each([
    ['', 'plugin.bad-output', 'decode plugin inventory stdout: it is empty'],
    ['{"a": ', 'plugin.bad-output', 'decode plugin inventory stdout: Flow map'],
    ['a: b: c', 'plugin.bad-output', 'decode plugin inventory stdout: Nested mappings'],
    ['a: 1\n---\nb: 2\n', 'plugin.bad-output', 'decode plugin inventory stdout: '],
    [`- ${'x'.repeat(256 * 1024)}`, 'plugin.output-too-long', 'it is no JSON, and longer than 262144 bytes'],
    ['hello', 'plugin.result-invalid', 'the result of plugin inventory is invalid: the result: '],
  ])('that is no document is told as such (%#)', (text, code, message) => {
    const outcome = readResult(text, 'inventory');
    expect(outcome).toMatchObject({ ok: false, error: { code } });
    expect(outcome.ok ? '' : outcome.error.message).toContain(message);
  });

  test('that grows by references is not resolved', () => {
    const levels = Array.from({ length: 12 }, (_, level) =>
      level === 0 ? 'l0: &l0 [x, x]' : `l${level}: &l${level} [${`*l${level - 1}, `.repeat(8)}*l${level - 1}]`,
    );
    const began = performance.now();
    expect(readResult(levels.join('\n'), 'inventory')).toMatchObject({
      ok: false,
      error: { code: 'plugin.bad-output' },
    });
    expect(performance.now() - began).toBeLessThan(2000);
  });

  test('cannot reach into prototypes', () => {
    const text = JSON.stringify(result({})).replace('"ttl"', '"__proto__":{"polluted":1},"ttl"');
    expect(readResult(text, 'inventory').ok).toBe(false);
    expect('polluted' in {}).toBe(false);
  });
});

/** Small, seeded, good enough to draw mutations. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('no mutation of a result makes the reader throw or hang: it is read, or refused with a code', () => {
  const texts = [YAML, JSON.stringify(result({ resources: [ROUTE], generation: 2 }), undefined, 1)];
  const inserts = [
    '{',
    '}',
    '[',
    ']',
    '&a ',
    '*a',
    '!!binary ',
    '- ',
    '"',
    "'",
    '\n',
    ': ',
    '#',
    '\0',
    '\uD800',
    '9'.repeat(400),
    '%YAML 1.1\n---\n',
    '<<: *a',
    '__proto__: 1',
  ];
  const began = performance.now();
  const codes = new Set<string>();
  for (let seed = 1; seed <= 2000; seed++) {
    const random = randomOf(seed);
    let text = texts[seed % texts.length] ?? '';
    for (let count = Math.ceil(random() * 4); count > 0; count--) {
      const at = Math.floor(random() * text.length);
      const length = random() < 0.5 ? 0 : Math.floor(random() * 20);
      text = text.slice(0, at) + (inserts[Math.floor(random() * inserts.length)] ?? '') + text.slice(at + length);
    }
    const outcome = readResult(text, 'inventory');
    codes.add(outcome.ok ? 'ok' : outcome.error.code);
    if (!outcome.ok) expect(outcome.error.message, `seed ${seed}`).not.toBe('');
  }
  expect([...codes].toSorted()).toEqual(['ok', 'plugin.bad-output', 'plugin.result-invalid']);
  expect(performance.now() - began).toBeLessThan(30_000);
});
