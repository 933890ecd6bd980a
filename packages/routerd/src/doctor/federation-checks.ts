/** Checks of the group: connection, members, how far everybody has read, clocks. */
import { ofKind, type Resource } from '@routerd/resources';
import type { DoctorFacts } from './doctor-facts.ts';
import { check, type Finding } from './finding.ts';

/** Above this a clock is worth setting; above half the replay window it is plainly wrong. */
const SKEW_MS_MAX = 1000;
/** More than a burst that is under way. */
const BEHIND_MAX = 100;

export function federationFindings(facts: DoctorFacts): readonly Finding[] {
  const [group] = ofKind(facts.effective, 'EventGroup');
  const { federation } = facts;
  if (group === undefined || federation === undefined)
    return [check('federation', 'group', 'EventGroup').skip('this node belongs to no group')];
  const name = `EventGroup/${group.metadata.name}`;
  const connected = check('federation', 'connected', name);
  const read = check('federation', 'caught-up', name);
  const outbox = check('federation', 'outbox', name);
  const refused = Object.entries(federation.refused).filter(([, count]) => count > 0);
  const refusals = check('federation', 'refused', name);
  return [
    federation.connected
      ? connected.pass(`connected to ${federation.hub ?? 'a hub'}`)
      : connected.fail(
          `not connected${federation.lastError === undefined ? '' : `: ${federation.lastError}`}`,
          'Nothing is captured or released anew meanwhile. Check spec.servers, the network and the key of this node.',
        ),
    federation.factsCaughtUp && federation.registryCaughtUp
      ? read.pass('facts and registry were read to their end')
      : read.warn('facts or registry were not read to their end yet', 'Wait; if it stays so, look at the hub.'),
    federation.outboxDepth === 0
      ? outbox.pass('every fact of this node was sent')
      : outbox.warn(`${federation.outboxDepth} facts wait to be sent`, 'Connect this node to a hub.'),
    refused.length === 0
      ? refusals.pass('no message was refused')
      : refusals.warn(
          `refused: ${refused.map(([why, count]) => `${count} ${why}`).join(', ')}`,
          'A key, a clock or a pool differs between nodes; the log names the sender.',
        ),
    hubBeside(group, facts.effective),
    ownClock(federation.clock, name),
    ...federation.peers.flatMap((peer) => peerFindings(peer, group.spec.replayWindow)),
  ];
}

function ownClock(clock: NonNullable<DoctorFacts['federation']>['clock'], name: string): Finding {
  const asked = check('federation', 'own-clock', name);
  if (clock === undefined) return asked.skip('no majority of the group agrees on a time');
  const { aheadMs, agreeing, of, isSkewed } = clock;
  const off = `${Math.abs(aheadMs)} ms ${aheadMs > 0 ? 'behind' : 'ahead of'} what ${agreeing} of ${of} clocks agree on`;
  if (!isSkewed) return asked.pass(`this clock is ${off}`);
  return asked.fail(
    `ClockSkewed: this clock is ${off}`,
    'Run NTP on this machine. Facts are judged by the clocks of their sources meanwhile; execution windows and dates of logs are wrong.',
  );
}

function hubBeside(group: Extract<Resource, { kind: 'EventGroup' }>, effective: readonly Resource[]): Finding {
  const asked = check('federation', 'hub-place', `EventGroup/${group.metadata.name}`);
  const isMember = ofKind(effective, 'MobilityPool').some(({ spec }) =>
    spec.members.some(({ nodeRef }) => nodeRef === group.spec.nodeName),
  );
  if (group.spec.hub === undefined || !isMember) return asked.pass('no hub stands and falls with this router');
  return asked.warn(
    'a hub runs on this router: when the router dies, what it held is fenced only after an election of hubs',
    'Put hubs on small machines of their own, or where no router is that they fence.',
  );
}

type Peer = NonNullable<DoctorFacts['federation']>['peers'][number];

function peerFindings(peer: Peer, replayWindowMs: number): readonly Finding[] {
  const { node, liveness, factsBehind, capturesBehind, clockAheadMs, differingPools } = peer;
  const alive = check('federation', 'member', node);
  const behind = check('federation', 'behind', node);
  const clock = check('federation', 'clock', node);
  const pools = check('federation', 'pools', node);
  const most = Math.max(factsBehind ?? 0, capturesBehind ?? 0);
  const skew = Math.abs(clockAheadMs ?? 0);
  const heard = peer.silentFor === undefined ? '' : `, last heard ${Math.round(peer.silentFor / 1000)} s ago`;
  return [
    liveness === 'alive'
      ? alive.pass(`alive${heard}`)
      : liveness === 'dead'
        ? alive.fail(`dead${heard}`, 'Look at the machine, its routerd and its way to the hub.')
        : alive.warn(`${liveness}${heard}`, 'Wait; if it stays so, look at the machine and its way to the hub.'),
    factsBehind === undefined && capturesBehind === undefined
      ? behind.skip('it does not tell how far it has read')
      : most <= BEHIND_MAX
        ? behind.pass(`${most} messages behind`)
        : behind.warn(`${most} messages behind this node`, 'Is its hub slow, or its network?'),
    clockAheadMs === undefined
      ? clock.skip('not heard yet')
      : skew > replayWindowMs / 2
        ? clock.fail(`its clock differs by ${skew} ms: one of both is plainly wrong`, 'Run NTP on both machines.')
        : skew > SKEW_MS_MAX
          ? clock.warn(`its clock differs by ${skew} ms`, 'Run NTP on both machines.')
          : clock.pass(`its clock differs by ${skew} ms`),
    differingPools.length === 0
      ? pools.pass('it defines the pools as this node does')
      : pools.fail(
          `it defines ${differingPools.join(', ')} in another way`,
          'Give every node the same MobilityPool; `routerctl get mobilitypools -o yaml` on both shows the difference.',
        ),
  ];
}
