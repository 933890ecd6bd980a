/** What nftables of others do with what we forward: by rule and by policy, and how sure that is. */
import { parseHostAddress } from '@routerd/resources';
import { expect, test } from 'vitest';
import { nftDrops, type NewPacket, type NftChain, type NftRule } from '../src/doctor/nft-verdict.ts';

const destination = parseHostAddress('10.77.60.10/32');
const packet: NewPacket = {
  hook: 'forward',
  in: 'lan0',
  out: 'wg-aws',
  ...(destination.ok ? { destination: destination.value } : {}),
};

const match = (left: object, right: unknown, op = '=='): NftRule['expr'][number] => ({ match: { op, left, right } });
const meta = (key: string, right: unknown, op?: string) => match({ meta: { key } }, right, op);
const daddr = (right: unknown) => match({ payload: { protocol: 'ip', field: 'daddr' } }, right);
const state = (right: unknown) => match({ ct: { key: 'state' } }, right, 'in');
const DROP = { drop: null };
const ACCEPT = { accept: null };
const COUNTER = { counter: { packets: 1, bytes: 2 } };

function chain(rules: readonly NftRule['expr'][], changes: Partial<NftChain> = {}): NftChain {
  const base = { family: 'inet', table: 'theirs', name: 'way', handle: 1, hook: 'forward', policy: 'accept' };
  return { ...base, rules: rules.map((expr, index) => ({ handle: 10 + index, expr })), ...changes };
}

const handlesOf = (...chains: readonly NftChain[]) =>
  nftDrops(chains, packet).map(({ handle, isUncertain }) =>
    [handle ?? 'policy', isUncertain ? 'may' : 'does'].join(' '),
  );

test.each<readonly [string, readonly NftRule['expr'][], Partial<NftChain>, readonly string[]]>([
  ['an empty chain lets it pass', [], {}, []],
  ['the policy drops', [], { policy: 'drop' }, ['policy does']],
  ['a rule drops everything', [[COUNTER, DROP]], {}, ['10 does']],
  ['a rule rejects', [[{ reject: { type: 'icmp' } }]], {}, ['10 does']],
  ['an accept comes before the drop', [[meta('iifname', 'lan0'), ACCEPT], [DROP]], {}, []],
  ['an accept is for another interface', [[meta('iifname', 'eth9'), ACCEPT], [DROP]], {}, ['11 does']],
  ['everything but our interface is accepted', [[meta('oifname', 'wg-aws', '!='), ACCEPT], [DROP]], {}, ['11 does']],
  ['a set of interfaces, with a wildcard', [[meta('oifname', { set: ['eth0', 'wg-*'] }), ACCEPT], [DROP]], {}, []],
  ['a network around the address', [[daddr({ prefix: { addr: '10.77.60.0', len: 24 } }), DROP]], {}, ['10 does']],
  ['another network', [[daddr({ prefix: { addr: '10.9.0.0', len: 24 } }), DROP]], {}, []],
  ['the address itself', [[daddr('10.77.60.10'), DROP]], {}, ['10 does']],
  ['only what is established passes', [[state(['established', 'related']), ACCEPT], [DROP]], {}, ['11 does']],
  ['what is invalid is dropped', [[state('invalid'), DROP]], {}, []],
  ['an accept by a named set', [[daddr('@allowed'), ACCEPT], [DROP]], {}, ['11 may']],
  ['a drop by a named set', [[daddr('@denied'), DROP]], {}, []],
  ['a limit on an accept', [[{ limit: { rate: 5 } }, ACCEPT]], { policy: 'drop' }, ['policy may']],
  ['a map of verdicts', [[{ vmap: { key: {}, data: {} } }]], { policy: 'drop' }, ['policy may']],
  ['a bridge', [[DROP]], { family: 'bridge' }, []],
  ['another hook', [[DROP]], { hook: 'input' }, []],
])('%s', (_, rules, changes, drops) => {
  expect(handlesOf(chain(rules, changes))).toEqual(drops);
});

test('a chain that is jumped to decides, returns, or comes to its end', () => {
  const jump = { jump: { target: 'more' } };
  const more = (...rules: readonly NftRule['expr'][]) =>
    chain(rules, { name: 'more', hook: undefined, policy: undefined });
  expect(handlesOf(chain([[jump], [DROP]]), more([ACCEPT]))).toEqual([]);
  expect(handlesOf(chain([[jump], [ACCEPT]]), more([DROP]))).toEqual(['10 does']);
  expect(handlesOf(chain([[jump], [DROP]]), more([{ return: null }], [ACCEPT]))).toEqual(['11 does']);
  expect(handlesOf(chain([[{ goto: { target: 'more' } }], [DROP]]), more())).toEqual([]);
  expect(handlesOf(chain([[jump]]), more([jump]))).toEqual([]);
});

test('an accept of one base chain is none of another', () => {
  const other = chain([[DROP]], { table: 'others' });
  expect(nftDrops([chain([[ACCEPT]]), other], packet)).toEqual([
    { chain: 'inet others way', handle: 10, isUncertain: false },
  ]);
});

test('a port is one of its own protocol', () => {
  const asked: NewPacket = { hook: 'input', protocol: 'udp', port: 51_820 };
  const port = (protocol: string, value: number) => match({ payload: { protocol, field: 'dport' } }, value);
  const input = (...rules: readonly NftRule['expr'][]) => chain(rules, { hook: 'input', policy: 'drop' });
  expect(nftDrops([input([port('udp', 51_820), ACCEPT])], asked)).toEqual([]);
  expect(nftDrops([input([port('tcp', 51_820), ACCEPT])], asked)).toMatchObject([
    { handle: undefined, isUncertain: false },
  ]);
  expect(nftDrops([input([port('udp', 22), ACCEPT])], asked)).toHaveLength(1);
});
