import { setImmediate as turn } from 'node:timers/promises';
import type { Instant } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { judgeDepartures, type ClusterPeer } from '../src/adapters/nats-server/cluster-judgement.ts';
import { watchDepartures } from '../src/adapters/nats-server/departure-watch.ts';
import { parseGroupName } from '../src/subjects.ts';
import { valueOf } from './value-of.ts';

const there = (name: string): ClusterPeer => ({ name, id: name, isCurrent: true, silentMs: 100 });
const silent = (name: string, silentMs = 60_000): ClusterPeer => ({ name, id: name, isCurrent: false, silentMs });
const departedOf = (listed: readonly string[], peers: readonly ClusterPeer[]): readonly string[] =>
  judgeDepartures('hub-1', listed, peers).departed.map(({ name }) => name);

test('a hub has left when it is not in the list and silent, whatever the cluster still knows of its name', () => {
  const listed = ['hub-1', 'hub-2', 'hub-4'];
  expect(departedOf(listed, [there('hub-2'), silent('hub-3'), there('hub-4')])).toEqual(['hub-3']);
  expect(departedOf(listed, [there('hub-2'), silent('name unknown'), there('hub-4')])).toEqual(['name unknown']);
});

test('a hub that is in the list, that is heard, or that was heard a moment ago has not left', () => {
  const listed = ['hub-1', 'hub-2'];
  expect(departedOf(listed, [silent('hub-2')])).toEqual([]);
  expect(departedOf(listed, [there('hub-2'), there('hub-3')])).toEqual([]);
  expect(departedOf(listed, [there('hub-2'), silent('hub-3', 500)])).toEqual([]);
});

test('a hub of the list that is not there is missing, also when the cluster forgot its name', () => {
  const peers = [silent('name unknown'), there('hub-4')];
  expect(judgeDepartures('hub-1', ['hub-1', 'hub-2', 'hub-4'], peers).missing).toEqual(['hub-2']);
});

test('who has left is taken out once, when all of the list are there, and the wait is told once', async () => {
  const clock = new ManualClock(0 as Instant);
  const log = new RecordingLog();
  const peers = [there('hub-2'), silent('hub-3'), silent('hub-4', 500)];
  const taken: string[] = [];
  const ended = new AbortController();
  const watching = watchDepartures(
    {
      settings: { group: valueOf(parseGroupName('demo')), serverName: 'hub-1' },
      stateDir: '',
      self: 'hub-1',
      listed: ['hub-1', 'hub-2', 'hub-4'],
      hub: { peers: async () => Promise.resolve(peers) },
      clock,
      log,
    },
    ended.signal,
    async (peer) => {
      taken.push(peer.name);
      peers.splice(peers.indexOf(peer), 1);
      return Promise.resolve(undefined);
    },
  );
  const look = async (): Promise<void> => {
    clock.advance(2000);
    for (let index = 0; index < 10; index++) await turn();
  };
  await look();
  await look();
  expect(taken).toEqual([]);
  peers[2] = there('hub-4');
  await look();
  await look();
  expect(taken).toEqual(['hub-3']);
  expect(log.lines.map(({ fields }) => fields?.['event'])).toEqual(['hub.departure.waiting', 'hub.departed']);
  ended.abort();
  await watching;
});
