/** The branded scalars: what they accept, and that they come back as they went in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bareAddress,
  compareAddresses,
  durationMs,
  formatDuration,
  formatInstant,
  hostAddressOf,
  instant,
  networkOf,
  parseDuration,
  parseHostAddress,
  parseInterfaceAddress,
  parseIpv4,
  parseIpv4Prefix,
  parseNodeName,
  prefixContains,
  prefixesOverlap,
  type Ipv4,
  type Ipv4Prefix,
  type Result,
} from '../src/index.ts';

function valueOf<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const quad = fc.ipV4();
const prefix = fc
  .tuple(quad, fc.integer({ min: 0, max: 32 }))
  .map(([address, length]): Ipv4Prefix => networkOf(valueOf(parseInterfaceAddress(`${address}/${length}`))));
const numberOf = (address: string): number => address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
const firstAndLast = (network: Ipv4Prefix): readonly [number, number] => {
  const [address = '', length = ''] = network.split('/');
  return [numberOf(address), numberOf(address) + 2 ** (32 - Number(length)) - 1];
};

describe('addresses', () => {
  it.each(['10.77.60.10/32', '0.0.0.0/32', '255.255.255.255/32'])('takes %s as a host', (text) => {
    expect(valueOf(parseHostAddress(text))).toBe(text);
  });

  it.each([
    '10.77.60.10',
    '10.77.60.10/',
    '10.77.60/32',
    '10.77.60.256/32',
    '010.77.60.1/32',
    '10.77.60.1/032',
    ' 10.77.60.1/32',
    '10.77.60.1/32/1',
    '::1/128',
    '1e1.1.1.1/32',
    '',
  ])('refuses %j as a host', (text) => {
    expect(parseHostAddress(text)).toEqual({ ok: false, error: { code: 'address.malformed', input: text } });
  });

  it('says what a network is when a host was wanted, and how a network with host bits is written', () => {
    expect(parseHostAddress('10.77.60.0/24')).toMatchObject({
      error: { code: 'address.not-host-prefix', prefixLength: 24 },
    });
    expect(parseIpv4Prefix('10.77.60.9/24')).toMatchObject({
      error: { code: 'address.host-bits-set', canonical: '10.77.60.0/24' },
    });
  });

  it('converts between host and bare address without loss', () => {
    fc.assert(
      fc.property(quad, (text) => {
        expect(bareAddress(hostAddressOf(valueOf(parseIpv4(text))))).toBe(text);
      }),
    );
  });

  it('contains and overlaps as intervals of numbers do', () => {
    fc.assert(
      fc.property(prefix, prefix, quad, (a, b, address) => {
        const [[aFirst, aLast], [bFirst, bLast]] = [firstAndLast(a), firstAndLast(b)];
        expect(parseIpv4Prefix(a).ok).toBe(true);
        expect(prefixContains(a, b)).toBe(aFirst <= bFirst && bLast <= aLast);
        expect(prefixesOverlap(a, b)).toBe(aFirst <= bLast && bFirst <= aLast);
        const bare: Ipv4 = valueOf(parseIpv4(address));
        expect(prefixContains(a, bare)).toBe(aFirst <= numberOf(address) && numberOf(address) <= aLast);
      }),
    );
  });

  it('orders by number', () => {
    fc.assert(
      fc.property(quad, quad, (a, b) => {
        const order = compareAddresses(valueOf(parseIpv4(a)), valueOf(parseIpv4(b)));
        expect(Math.sign(order)).toBe(Math.sign(numberOf(a) - numberOf(b)));
      }),
    );
  });
});

describe('times', () => {
  it.each([
    ['250ms', 250],
    ['5s', 5000],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['0s', 0],
  ])('reads %s', (text, milliseconds) => expect(valueOf(parseDuration(text))).toBe(milliseconds));

  it.each(['', '5', 's', '5d', '-5s', '5 s', '5S', '1h 30m', '.5s', '1e3s'])('refuses %j', (text) => {
    expect(parseDuration(text).ok).toBe(false);
  });

  it('writes a duration as it reads it', () => {
    fc.assert(
      fc.property(fc.nat(1e9), (ms) => {
        expect(valueOf(parseDuration(formatDuration(durationMs(ms))))).toBe(ms);
      }),
    );
  });

  it('writes an instant as everybody else does', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
        (date) => {
          expect(formatInstant(instant(date.getTime()))).toBe(date.toISOString());
        },
      ),
    );
  });
});

describe('names', () => {
  it.each(['a', 'aws-a', '0', 'a'.repeat(63)])('takes %s', (text) => expect(parseNodeName(text).ok).toBe(true));
  it.each(['', '-a', 'a-', 'A', 'a.b', 'a_b', 'a b', 'ä', 'a'.repeat(64), 'a\n'])('refuses %j', (text) => {
    expect(parseNodeName(text).ok).toBe(false);
  });
});
