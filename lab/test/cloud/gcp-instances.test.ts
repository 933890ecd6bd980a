import { describe, expect, test } from 'vitest';
import { createAddressSpace, freeAddresses } from '../../src/cloud/address-space.ts';
import { parseInstanceUpdate, parseNicPatch, renderInstance } from '../../src/cloud/gcp/instance-document.ts';
import { sampleConfig, valueOf } from './sample-space.ts';

const config = sampleConfig('gcp');
const { subnet, nics } = createAddressSpace(config);

const refusalOf = (body: unknown): string => {
  const parsed = parseNicPatch(typeof body === 'string' ? body : JSON.stringify(body), subnet);
  return parsed.ok ? 'accepted' : `${parsed.error.status} ${parsed.error.reason}`;
};
const range = (ipCidrRange: string): unknown => ({ fingerprint: 'f', aliasIpRanges: [{ ipCidrRange }] });

describe('a patch of a NIC', () => {
  test('means nothing for the ranges when it has no list, and none when the list is empty', () => {
    expect(valueOf(parseNicPatch('{"fingerprint":"f"}', subnet)).addresses).toBeUndefined();
    expect(valueOf(parseNicPatch('{"fingerprint":"f","aliasIpRanges":[]}', subnet)).addresses).toEqual([]);
  });

  test('has addresses with and without their length', () => {
    const aliasIpRanges = [{ ipCidrRange: '10.77.60.10/32' }, { ipCidrRange: '10.77.60.12' }];
    const body = JSON.stringify({ fingerprint: 'f', aliasIpRanges });
    expect(valueOf(parseNicPatch(body, subnet)).addresses).toEqual(['10.77.60.10', '10.77.60.12']);
  });

  test.each([
    ['no JSON', 'nothing', '400 badRequest'],
    ['no fingerprint', { aliasIpRanges: [] }, '400 required'],
    ['an unknown field', { fingerprint: 'f', aliasRanges: [] }, '400 badRequest'],
    ['an address outside the subnet', range('10.77.61.1/32'), '400 invalid'],
    ['the address before the last, which GCP keeps', range('10.77.60.254/32'), '400 invalid'],
    ['a range that the lab does not have', range('10.77.60.64/28'), '400 invalid'],
    [
      'a secondary range without a name to be found',
      { fingerprint: 'f', aliasIpRanges: [{ ipCidrRange: '10.77.60.10/32', subnetworkRangeName: 'pods' }] },
      '400 invalid',
    ],
  ])('is refused for %s', (_, body, refusal) => {
    expect(refusalOf(body)).toBe(refusal);
  });
});

test('an update of an instance needs its fingerprint, and sets what it leaves out to the default', () => {
  const body = { name: 'a', networkInterfaces: [] };
  expect(parseInstanceUpdate(JSON.stringify(body))).toMatchObject({ ok: false, error: { reason: 'required' } });
  expect(valueOf(parseInstanceUpdate(JSON.stringify({ ...body, fingerprint: 'f' }))).canIpForward).toBe(false);
});

test('an instance is shown without what is empty, its names as links', () => {
  const [nic] = nics.values();
  if (nic === undefined) throw new Error('the sample has no NIC');
  const shown = renderInstance(nic, config, { nic: 'n', instance: 'i' });
  expect(shown).toMatchObject({
    fingerprint: 'i',
    networkInterfaces: [{ name: 'nic0', networkIP: '10.77.60.4', fingerprint: 'n' }],
    selfLink: expect.stringMatching(/^https:\/\/www\.googleapis\.com\/compute\/v1\//),
  });
  expect(shown).not.toHaveProperty('networkInterfaces.0.aliasIpRanges');
});

test('GCP keeps two addresses at either end of a subnet', () => {
  const free = freeAddresses(createAddressSpace(config));
  expect([free[0], free.at(-1)]).toEqual(['10.77.60.2', '10.77.60.253']);
});
