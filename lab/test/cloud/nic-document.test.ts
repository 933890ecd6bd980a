import { describe, expect, test } from 'vitest';
import type { Nic } from '../../src/cloud/address-space.ts';
import {
  draftDocument,
  initialDocument,
  parsePut,
  renderDocument,
  type NicDocument,
} from '../../src/cloud/azure/nic-document.ts';
import { sampleConfig, sampleSpace, valueOf } from './sample-space.ts';

const config = sampleConfig('azure');
const nic = nicOfSample();
const subnet = { id: config.subnet.id };
const primary = {
  name: 'ipconfig1',
  properties: { privateIPAddress: '10.77.60.4', privateIPAllocationMethod: 'Static', primary: true, subnet },
};
const secondary = (name: string, privateIPAddress?: string): object => ({
  name,
  properties: {
    ...(privateIPAddress === undefined ? {} : { privateIPAddress, privateIPAllocationMethod: 'Static' }),
    primary: false,
    subnet,
  },
});

const put = (properties: object, beside: object = {}): string =>
  JSON.stringify({ location: 'eu-west-1', ...beside, properties });

function nicOfSample(): Nic {
  const [first] = sampleSpace().nics.values();
  if (first === undefined) throw new Error('the sample has NICs');
  return first;
}

function draft(body: string, current: NicDocument = initialDocument(nic, config)): ReturnType<typeof draftDocument> {
  const parsed = parsePut(body);
  return parsed.ok ? draftDocument(parsed.value, current, ['10.77.60.50', '10.77.60.51']) : parsed;
}

const codeOf = (result: ReturnType<typeof draftDocument>): string => (result.ok ? 'none' : result.error.code);

describe('a PUT', () => {
  test('keeps what it does not know, ignores what is read-only, and defaults what is left out', () => {
    const given = {
      ipConfigurations: [{ ...primary, zones: ['1'] }],
      macAddress: 'FF-FF-FF-FF-FF-FF',
      virtualMachine: { id: 'another' },
      novelty: { a: 1 },
    };
    const document = valueOf(draft(put(given, { tags: { a: 'b' }, etag: 'old', name: 'x' })));
    const rendered = renderDocument(document, { nic, config, etag: 'W/"1"', provisioningState: 'Succeeded' });
    expect(rendered).toMatchObject({
      name: nic.id,
      etag: 'W/"1"',
      tags: { a: 'b' },
      properties: {
        novelty: { a: 1 },
        macAddress: '02-00-0A-4D-3C-04',
        virtualMachine: { id: nic.instanceId },
        enableIPForwarding: false,
        ipConfigurations: [{ name: 'ipconfig1', zones: ['1'], properties: { primary: true } }],
      },
    });
  });

  test('of its own rendering changes nothing', () => {
    const context = { nic, config, etag: 'W/"1"', provisioningState: 'Succeeded' } as const;
    const before = valueOf(
      draft(put({ ipConfigurations: [primary, secondary('s', '10.77.60.10')], enableIPForwarding: true })),
    );
    const again = valueOf(draft(JSON.stringify(renderDocument(before, context)), before));
    expect(renderDocument(again, context)).toEqual(renderDocument(before, context));
  });

  test('gets addresses for dynamic entries, and the same again for the same name', () => {
    const first = valueOf(draft(put({ ipConfigurations: [primary, secondary('s'), secondary('t')] })));
    expect(first.ipConfigurations.map(({ address }) => address)).toEqual(['10.77.60.4', '10.77.60.50', '10.77.60.51']);
    const second = valueOf(draft(put({ ipConfigurations: [primary, secondary('t')] }), first));
    expect(second.ipConfigurations.map(({ address }) => address)).toEqual(['10.77.60.4', '10.77.60.51']);
  });

  test.each([
    ['no entries', { ipConfigurations: [] }, 'InvalidIPConfigCount'],
    [
      'two without a primary',
      { ipConfigurations: [secondary('s', '10.77.60.4'), secondary('t', '10.77.60.10')] },
      'InvalidPrimaryIpConfig',
    ],
    ['a name twice', { ipConfigurations: [primary, secondary('IPCONFIG1', '10.77.60.10')] }, 'DuplicateResourceName'],
    ['an address twice', { ipConfigurations: [primary, secondary('s', '10.77.60.4')] }, 'PrivateIPAddressIsAllocated'],
    ['an entry without a subnet', { ipConfigurations: [{ name: 's', properties: {} }] }, 'InvalidRequestFormat'],
    ['a flag that is text', { ipConfigurations: [primary], enableIPForwarding: 'true' }, 'InvalidRequestFormat'],
  ])('with %s is refused', (_what, properties, code) => {
    expect(codeOf(draft(put(properties)))).toBe(code);
  });

  test('that is no JSON is refused', () => {
    expect(codeOf(draft('{'))).toBe('InvalidRequestContent');
  });
});
