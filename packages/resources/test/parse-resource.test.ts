/** One resource that comes from elsewhere than a file: a plugin's output, a stored part. */
import { describe, expect, it } from 'vitest';
import { KINDS, parseResource } from '../src/index.ts';

const LAN = {
  apiVersion: 'net.routerd.net/v1alpha1',
  kind: 'Interface',
  metadata: { name: 'lan' },
  spec: { ifname: 'lan0' },
};

function codes(input: unknown): readonly string[] {
  const result = parseResource(input);
  return result.ok ? [] : result.error.problems.map(({ code }) => code);
}

describe('parseResource', () => {
  it('fills in defaults and keeps its input as it was', () => {
    const frozen = Object.freeze({ ...LAN, spec: Object.freeze({ ...LAN.spec }) });
    expect(parseResource(frozen)).toMatchObject({ ok: true, value: { spec: { ifname: 'lan0', managed: false } } });
    expect(frozen.spec).toEqual({ ifname: 'lan0' });
  });

  it('refuses what is not a mapping', () => {
    for (const input of [null, undefined, 7, 'text', [], [LAN]])
      expect(codes(input)).toEqual(['document.not-a-mapping']);
  });

  it('refuses kinds that only a prototype has', () => {
    for (const kind of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      expect(codes({ ...LAN, kind })).toEqual(['kind.unknown']);
    }
  });

  it('does not take members of a prototype for fields', () => {
    expect(
      codes(Object.assign(Object.create({ spec: { ifname: 'lan0' } }) as object, { ...LAN, spec: undefined })),
    ).toEqual(['field.missing']);
  });

  it('is no slower for a name that is almost one: a plugin may send it, and the daemon has one thread', () => {
    const setting = (key: string) => ({
      apiVersion: 'system.routerd.net/v1alpha1',
      kind: 'Sysctl',
      metadata: { name: 'a' },
      spec: { key, value: '1' },
    });
    expect(codes(setting('net/ipv4/conf/eth0.7/proxy_arp'))).toEqual([]);
    expect(codes(setting('net.ipv4..ip_forward'))).not.toEqual([]);
    expect(codes(setting(`net${'.a'.repeat(100_000)}!`))).not.toEqual([]);
  });

  it('has every kind under its own API group', () => {
    for (const [kind, schema] of Object.entries(KINDS)) {
      expect(schema.shape.kind.value).toBe(kind);
      expect(schema.shape.apiVersion.value).toMatch(/^[a-z]+\.routerd\.net\/v1alpha1$/);
      expect(codes({ apiVersion: 'x', kind, metadata: { name: 'n' }, spec: {} })).toContain('kind.wrong-api-version');
    }
  });
});
