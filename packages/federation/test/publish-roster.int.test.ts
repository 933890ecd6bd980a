/** What hubs make of the operator's lists, and of two operators who each have a copy of the folder. One hub on loopback. */
import { generateNodeIdentity, publishRoster, signerOf, signRoster, type Roster } from '@routerd/federation';
import { RIG_GROUP } from '@routerd/federation/contract';
import type { NodeName } from '@routerd/resources';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AWS_A } from '../src/contract/federation-rig.ts';
import { makeStreamsAnew, openHub, type HubUnderTest } from './nats-rig.ts';
import { valueOf } from './value-of.ts';

let under: HubUnderTest;
const operator = generateNodeIdentity();
const rosterKey = operator.publicKey;

beforeAll(async () => {
  under = await openHub();
  await makeStreamsAnew(under);
});
afterAll(async () => {
  await under.close();
});

function listOf(serial: number, node: NodeName, seed = operator.seed): string {
  const nodes: Roster['nodes'] = new Map([[node, { publicKey: generateNodeIdentity().publicKey }]]);
  return signRoster({ group: RIG_GROUP, serial, hubs: new Map(), nodes }, valueOf(signerOf(seed)).sign);
}

async function publish(text: string, key = rosterKey): ReturnType<typeof publishRoster> {
  const servers = [`tls://127.0.0.1:${under.hub.port}`];
  return publishRoster({
    group: RIG_GROUP,
    servers,
    caFile: under.caFile,
    seed: under.operator.seed,
    text,
    rosterKey: key,
  });
}

test('a list is taken when it is newer, and told of as old when it is another of the same serial', async () => {
  const [first, second] = [listOf(1, AWS_A), listOf(2, AWS_A)];
  expect(valueOf(await publish(first))).toBe(true);
  expect(valueOf(await publish(first))).toBe(true);
  expect(valueOf(await publish(listOf(1, AWS_A)))).toBe(false);
  expect(valueOf(await publish(second))).toBe(true);
  expect(valueOf(await publish(first))).toBe(false);
  expect(valueOf(await publish(second))).toBe(true);
});

test('of two that are told at the same time one is the newest, and nobody is told otherwise', async () => {
  const [one, other] = [listOf(10, AWS_A), listOf(10, AWS_A)];
  const told = await Promise.all([publish(one), publish(other)]);
  expect(told.filter((each) => each.ok && each.value)).toHaveLength(1);
  const again = await Promise.all([publish(one), publish(other)]);
  expect(again.map((each) => each.ok && each.value)).toEqual(told.map((each) => each.ok && each.value));
});

test('a list that another key signed is not given to the hubs', async () => {
  const forged = listOf(20, AWS_A, generateNodeIdentity().seed);
  expect(await publish(forged)).toMatchObject({ ok: false });
});
