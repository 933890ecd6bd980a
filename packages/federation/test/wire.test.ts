import { readFileSync } from 'node:fs';
import { canonicalJson } from '@routerd/config';
import { orderSubjectOf } from '@routerd/mobility';
import { err } from '@routerd/resources';
import { describe, expect, it } from 'vitest';
import { verifyingFacts } from '../src/batch-memory.ts';
import { signerOf, verifierOf } from '../src/node-identity.ts';
import { WIRE_BYTES_MAX } from '../src/wire/bounded-json.ts';
import { encodeCapture, parseCapture } from '../src/wire/capture-wire.ts';
import { encodeEvent, parseEvent } from '../src/wire/event-wire.ts';
import { encodeFact, encodeFacts, parseFact } from '../src/wire/fact-wire.ts';
import { factText } from '../src/wire/fact-text.ts';
import { encodeHeartbeat, parseHeartbeat } from '../src/wire/heartbeat-wire.ts';
import { encodeOrder, parseOrder } from '../src/wire/order-wire.ts';
import { valueOf } from './value-of.ts';

// The key that signed the fixtures. It signs nothing else.
const SEED = 'SUANTTMMUOH52RU2ZJ7HI7DDHEOJKFUCI6CWFAOFB5IOJTKKNJ6EUGERCY';
const PUBLIC_KEY = 'UC2J3S5ZXTRPKR6THEDJSXAG6DOT42CDLRTLFVEZ6VN3QQ433ORKA6BN';

type Json = Readonly<Record<string, unknown>>;

function fixture(name: string): Json {
  const text = readFileSync(new URL(`fixtures/wire-v1/${name}.json`, import.meta.url), 'utf8');
  const value: Json = JSON.parse(text);
  return value;
}

const bytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

const { sign } = valueOf(signerOf(SEED));
const isSound = verifyingFacts(valueOf(verifierOf(PUBLIC_KEY)));
const verify = valueOf(verifierOf(PUBLIC_KEY));

describe('facts on the wire', () => {
  for (const name of ['fact-observed', 'fact-expired']) {
    it(`${name} of version 1 is read, verified and written the same`, () => {
      const parsed = valueOf(parseFact(bytes(fixture(name))));
      expect(isSound(parsed)).toBe(true);
      expect(encodeFact(parsed.fact, sign)).toBe(canonicalJson(fixture(name)));
    });
  }

  it('two of version 1 under one signature are read, verified and written the same', () => {
    const names = ['fact-observed-batched', 'fact-expired-batched'];
    const parsed = names.map((name) => valueOf(parseFact(bytes(fixture(name)))));
    for (const each of parsed) expect(isSound(each)).toBe(true);
    const facts = parsed.map(({ fact }) => fact);
    expect(encodeFacts(facts, sign)).toEqual(names.map((name) => canonicalJson(fixture(name))));
  });

  it('the signature covers every other member', () => {
    const changes: Json = {
      id: 'x',
      source: 'onprem-b',
      type: 'routerd.client.ipv4.expired',
      subject: '10.77.60.11/32',
      time: '2026-11-21T07:00:00.124Z',
      group: 'demo2',
      pool: 'other',
      site: 'aws',
      ttlms: 300_001,
      sequence: '0000000000000043',
      origin: 'operator',
    };
    const members = Object.keys(fixture('fact-observed')).filter(
      (name) => !['signature', 'specversion'].includes(name),
    );
    expect(Object.keys(changes).toSorted(byCodeUnit)).toEqual(members.toSorted(byCodeUnit));
    for (const [name, value] of Object.entries(changes)) {
      const parsed = valueOf(parseFact(bytes({ ...fixture('fact-observed'), [name]: value })));
      expect(isSound(parsed), name).toBe(false);
    }
  });

  const malformed: readonly (readonly [string, Json, string])[] = [
    ['an unknown member', { extra: 1 }, 'Unrecognized key: "extra"'],
    ['another version', { specversion: '1.1' }, 'specversion'],
    ['an unknown type', { type: 'routerd.client.ipv6.observed' }, 'type'],
    ['a network', { subject: '10.77.60.0/24' }, 'subject: "10.77.60.0/24": address.not-host-prefix'],
    ['a source that is no node name', { source: 'On Prem' }, 'source'],
    ['a day that does not exist', { time: '2026-02-29T00:00:00.000Z' }, 'time'],
    ['a time without milliseconds', { time: '2026-11-21T07:00:00Z' }, 'time'],
    ['a time with an offset', { time: '2026-11-21T07:00:00.000+01:00' }, 'time'],
    ['an hour that does not exist', { time: '2026-11-21T24:00:00.000Z' }, 'time'],
    ['a negative TTL', { ttlms: -1 }, 'ttlms'],
    ['a TTL beyond 32 bits', { ttlms: 2 ** 31 }, 'ttlms'],
    ['a fraction of a TTL', { ttlms: 0.5 }, 'ttlms'],
    ['a sequence of zero', { sequence: '0000000000000000' }, 'sequence'],
    ['a sequence as a number', { sequence: 41 }, 'sequence'],
    ['a sequence beyond what JSON carries', { sequence: '9999999999999999' }, 'sequence'],
    ['an origin too long', { origin: 'x'.repeat(129) }, 'origin'],
    ['a signature too short', { signature: 'AAAA' }, 'signature'],
    ['no signature', { signature: undefined }, 'signature'],
    ['a null', { site: null }, 'site'],
  ];
  for (const [name, changes, said] of malformed) {
    it(`${name} is refused by name`, () => {
      const parsed = parseFact(bytes({ ...fixture('fact-observed'), ...changes }));
      expect(parsed).toMatchObject({ ok: false, error: { code: 'wire.malformed' } });
      expect(parsed.ok ? '' : parsed.error.detail).toContain(said);
    });
  }

  it('is read by its form as it is by its members, and written as canonical JSON has it', () => {
    const names = ['fact-observed', 'fact-expired', 'fact-observed-batched', 'fact-expired-batched'];
    for (const name of names) {
      for (const origin of [
        'operator',
        'say "so"',
        String.raw`a\b`,
        'tab\t',
        'Zürich',
        '\ud800',
        '😀',
        '\u2028',
        '\u007f',
        '',
      ]) {
        const value = { ...fixture(name), origin };
        const text = canonicalJson(value);
        const loose = valueOf(parseFact(bytes(JSON.stringify(value, undefined, 1))));
        expect(valueOf(parseFact(bytes(text))), text).toEqual(loose);
        const {
          signature: _signature,
          batchindex: _index,
          batchpath: _path,
          ...envelope
        } = value as Record<string, unknown>;
        expect(loose.content).toBe(canonicalJson(envelope));
        expect(factText(loose.fact, loose.signature, loose.place)).toBe(text);
      }
    }
  });

  it('another form than that written is looked at member by member, and judged the same', () => {
    const changes: readonly Json[] = [
      ...malformed.map(([, change]) => change),
      { batchindex: 0 },
      { batchindex: 256, batchpath: '' },
      { batchindex: 0, batchpath: 'AAA' },
      { batchindex: 0, batchpath: 'A'.repeat(348) },
      { batchindex: 2, batchpath: Buffer.alloc(32).toString('base64') },
      { signature: 'A'.repeat(88) },
      { signature: `${'A'.repeat(87)}=` },
      { subject: '10.77.060.10/32' },
      { subject: '256.1.1.1/32' },
      { group: '-demo' },
      { sequence: '9007199254740993' },
      { ttlms: 2_147_483_648 },
    ];
    for (const change of changes) {
      const value = { ...fixture('fact-observed'), ...change };
      const strict = parseFact(bytes(canonicalJson(value)));
      expect(strict, JSON.stringify(change)).toEqual(parseFact(bytes(JSON.stringify(value, undefined, 1))));
    }
  });

  it('what is too long is not even read', () => {
    expect(parseFact(bytes(' '.repeat(WIRE_BYTES_MAX + 1)))).toMatchObject({ error: { code: 'wire.too-long' } });
  });

  it('what is no UTF-8 or no JSON is refused', () => {
    expect(parseFact(new Uint8Array([0x22, 0xff, 0x22]))).toMatchObject({ error: { code: 'wire.not-json' } });
    expect(parseFact(bytes('{"id":'))).toMatchObject({ error: { code: 'wire.not-json' } });
  });
});

describe('orders and events on the wire', () => {
  it.each(['order-drain', 'order-hand-over'])('%s of version 1 is read and written the same', (name) => {
    const order = valueOf(parseOrder(bytes(fixture(name))));
    expect(orderSubjectOf(order.order)).toBe(order.subject);
    expect(encodeOrder(order)).toBe(canonicalJson(fixture(name)));
    expect(parseOrder(bytes({ ...fixture(name), order: { verb: 'destroy' } })).ok).toBe(false);
  });

  it('an event of version 1 is read, verified and written the same', () => {
    const { event, signed, signature } = valueOf(parseEvent(bytes(fixture('event'))));
    expect(verify(signed, signature)).toBe(true);
    expect(valueOf(encodeEvent(event, sign))).toBe(canonicalJson(fixture('event')));
    for (const changed of [{ subject: 'db-2' }, { data: { size: '13' } }, { dedupekey: 'x' }, { ttlms: 1 }]) {
      const forged = valueOf(parseEvent(bytes({ ...fixture('event'), ...changed })));
      expect(verify(forged.signed, forged.signature)).toBe(false);
    }
  });
});

describe('heartbeats on the wire', () => {
  it('version 1 is read, and written the same', () => {
    const heartbeat = valueOf(parseHeartbeat(bytes(fixture('heartbeat'))));
    expect(heartbeat).toEqual({ node: 'aws-a', start: '0011223344556677', sequence: 12 });
    expect(encodeHeartbeat(heartbeat)).toBe(canonicalJson(fixture('heartbeat')));
  });

  it('is read and written with what a node says of itself', () => {
    const heartbeat = valueOf(parseHeartbeat(bytes(fixture('heartbeat-about'))));
    expect(heartbeat.about).toEqual({
      time: Date.UTC(2026, 10, 21, 7, 0, 0, 123),
      factsRead: 41,
      capturesRead: 7,
      pools: new Map([['cloudedge', '00ff00ff00ff00ff']]),
      drains: new Set(),
    });
    expect(encodeHeartbeat(heartbeat)).toBe(canonicalJson(fixture('heartbeat-about')));
  });

  it('tells which pools take the node out of service, where one does', () => {
    const heartbeat = valueOf(parseHeartbeat(bytes(fixture('heartbeat-drains'))));
    expect(heartbeat.about?.drains).toEqual(new Set(['cloudedge']));
    expect(encodeHeartbeat(heartbeat)).toBe(canonicalJson(fixture('heartbeat-drains')));
  });

  it('an unknown member or a sequence of zero is refused', () => {
    expect(parseHeartbeat(bytes({ ...fixture('heartbeat'), load: 1 })).ok).toBe(false);
    expect(parseHeartbeat(bytes({ ...fixture('heartbeat'), sequence: 0 })).ok).toBe(false);
  });
});

describe('capture records on the wire', () => {
  for (const name of ['capture-acquiring', 'capture-vacant']) {
    it(`${name} of version 1 is read, and written the same`, () => {
      expect(encodeCapture(valueOf(parseCapture(bytes(fixture(name)))))).toBe(canonicalJson(fixture(name)));
    });
  }

  it('a key that does not name its parts is refused', () => {
    const parsed = parseCapture(bytes({ ...fixture('capture-acquiring'), address: '10.77.60.11/32' }));
    expect(parsed).toMatchObject(err({ code: 'wire.malformed' }));
  });

  it('nobody holds exactly when the record is vacant', () => {
    expect(parseCapture(bytes({ ...fixture('capture-acquiring'), holder: null })).ok).toBe(false);
    expect(parseCapture(bytes({ ...fixture('capture-vacant'), holder: 'aws-a' })).ok).toBe(false);
  });

  it('an unknown phase, a revision of zero or an unknown member is refused', () => {
    for (const changes of [{ phase: 'stolen' }, { revision: 0 }, { epoch: 1.5 }, { lease: true }]) {
      expect(parseCapture(bytes({ ...fixture('capture-acquiring'), ...changes })).ok).toBe(false);
    }
  });
});

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : 1;
}
