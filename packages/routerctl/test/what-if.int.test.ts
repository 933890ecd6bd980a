/** routerctl what-if and mobility against a socket that answers like the daemon: what is asked, what is shown, how it exits. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { run } from '@stricli/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { application } from '../src/application.ts';

let folder = '';
let server: Server | undefined;
let asked: { readonly path: string; readonly body: unknown }[] = [];
let answer: unknown;

beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'routerctl-what-if-'));
  asked = [];
  server = createServer((incoming, outgoing) => {
    let text = '';
    incoming.on('data', (chunk: Buffer) => (text += chunk.toString()));
    incoming.on('end', () => {
      asked.push({ path: incoming.url ?? '', body: text === '' ? undefined : JSON.parse(text) });
      outgoing.end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server?.listen(path.join(folder, 'sock'), resolve));
});

afterEach(async () => {
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  rmSync(folder, { recursive: true, force: true });
});

async function routerctl(...args: readonly string[]): Promise<{ readonly code: unknown; readonly text: string }> {
  let text = '';
  const write = (chunk: string): void => void (text += chunk);
  const fake = {
    stdout: { write },
    stderr: { write },
    env: {},
    exitCode: null as number | string | null,
  };
  const now = (): number => Date.parse('2026-01-01T00:01:00.000Z');
  await run(application, [...args, '--socket', path.join(folder, 'sock')], { process: fake, now });
  return { code: fake.exitCode ?? 0, text };
}

const at = '2026-01-01T00:00:00.000Z';
const calm = {
  pool: 'p',
  settled: true,
  moves: [1, 2, 3, 4].map((host) => ({ address: `10.0.0.${host}/32`, domain: 'd', from: 'a', to: 'b' })),
  leases: [],
  steps: [
    { round: 1, at, node: 'c', what: 'deliver', via: 'b', addresses: ['10.0.0.9/32'] },
    { round: 1, at, node: 'b', what: 'claim', domain: 'd', from: 'a', addresses: ['10.0.0.1/32', '10.0.0.2/32'] },
    {
      round: 2,
      at,
      node: 'b',
      what: 'call',
      verb: 'assign-secondary-ip',
      provider: 'aws',
      nicRef: 'eni-b',
      seizedFrom: ['a'],
      calls: 1,
      addresses: ['10.0.0.1/32'],
    },
  ],
  calls: { aws: 1 },
  unheld: [],
  assumptions: ['all answer'],
};

test('a drain that leaves nothing without a holder is shown with its moves, order and calls, and exits 0', async () => {
  answer = { items: [calm] };
  const { code, text } = await routerctl('what-if', 'drain', 'a');
  expect(asked).toEqual([{ path: '/v1/what-if', body: { kind: 'drain', node: 'a' } }]);
  expect(code).toBe(0);
  expect(text).toBe(`what if a drains · pool p

MOVES (4)
  DOMAIN  CHANGE  ADDRESSES
  d       a → b   10.0.0.1/32, 10.0.0.2/32, 10.0.0.3/32 and 1 more

PREDICTED ORDER (steps of one round do not wait for each other)
  ROUND  ROUTER  DOES                                        ADDRESSES
  1      c       delivers through b                          10.0.0.9/32
  1      b       claims from a                               10.0.0.1/32, 10.0.0.2/32
  2      b       assign-secondary-ip from a (1 call to aws)  10.0.0.1/32

API CALLS PER PROVIDER: aws 1

LEFT WITHOUT A HOLDER: none

Assumed: all answer.
`);
});

test('an address that would be left without a holder is named, and the exit says so, also for programs', async () => {
  const unheld = [{ address: '10.0.0.1/32', domain: 'd', site: 's', isNew: true, because: ['no NIC has room'] }];
  answer = { items: [{ ...calm, unheld }] };
  const shown = await routerctl('what-if', 'fail', 'a');
  expect(shown.code).toBe(1);
  expect(shown.text).toContain('LEFT WITHOUT A HOLDER: 1\n  10.0.0.1/32 at s: no NIC has room');
  expect((await routerctl('what-if', 'fail', 'a', '-o', 'json')).code).toBe(1);
});

test('a fact is asked for by site or by node, and by exactly one of them', async () => {
  answer = { items: [{ ...calm, moves: [], steps: [], calls: {} }] };
  await routerctl('what-if', 'fact', '10.0.0.9', '--site', 's');
  await routerctl('what-if', 'fact', '10.0.0.9', '--node', 'a', '--expired');
  expect(asked.map(({ body }) => body)).toEqual([
    { kind: 'fact', address: '10.0.0.9', says: 'observed', site: 's' },
    { kind: 'fact', address: '10.0.0.9', says: 'expired', node: 'a' },
  ]);
  expect((await routerctl('what-if', 'fact', '10.0.0.9')).code).toBe(2);
  expect(asked).toHaveLength(2);
});

test('a configuration that is not valid is not asked about', async () => {
  const { code, text } = await routerctl('what-if', 'apply', path.join(folder, 'nothing.yaml'));
  expect(code).toBe(1);
  expect(text).toContain('nothing.yaml');
  expect(asked).toEqual([]);
});

test('leases, captures and pools are tables', async () => {
  answer = {
    items: [
      {
        pool: 'p',
        address: '10.0.0.1/32',
        status: 'frozen',
        site: 's',
        ownerNode: 'a',
        leaseEpoch: 3,
        since: at,
        frozenBy: 'moves',
      },
    ],
  };
  expect((await routerctl('mobility', 'leases')).text).toBe(
    'ADDRESS      STATUS  SITE  OWNER  EPOCH  FOR  POOL  NOTE\n10.0.0.1/32  frozen  s     a      3      60s  p     frozen by moves\n',
  );
  answer = { items: [{ address: '10.0.0.1/32', domain: 'd', phase: 'none', because: ['no NIC has room'] }] };
  expect((await routerctl('mobility', 'captures')).text).toContain('no NIC has room');
  answer = {
    items: [
      {
        name: 'p',
        prefix: '10.0.0.0/24',
        self: 'a',
        leases: { active: 2 },
        noRoom: ['10.0.0.7/32'],
        members: [
          {
            node: 'a',
            site: 's',
            domain: 'd',
            priority: 10,
            liveness: 'alive',
            draining: true,
            captures: 2,
            capacity: 2,
          },
        ],
      },
    ],
  };
  const { text } = await routerctl('mobility', 'pools');
  expect(text).toContain('p 10.0.0.0/24: leases 2 active\nno NIC here has room for: 10.0.0.7/32\n');
  expect(text).toContain('alive, draining  2 of 2');
  expect(asked.map((each) => each.path)).toEqual([
    '/v1/mobility/leases',
    '/v1/mobility/captures',
    '/v1/mobility/pools',
  ]);
});
