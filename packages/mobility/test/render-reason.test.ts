import { instant, parseHostAddress, parseIpv4Prefix } from '@routerd/resources';
import { expect, test } from 'vitest';
import type { CaptureEpoch } from '../src/capture-record.ts';
import { captureKeyOf } from '../src/capture-record.ts';
import type { PlacementLoser, Reason } from '../src/model.ts';
import { renderReason } from '../src/render-reason.ts';
import { must, node, pool, site } from './fixtures.ts';

const [a, b] = [node('aws-router-a'), node('aws-router-b')];
const [lan, aws] = [site('onprem'), site('aws')];
const at = instant(1_800_000_000_000);
const epoch = 7 as CaptureEpoch;
const losers: readonly PlacementLoser[] = [{ node: b, because: 'dead' }];
const captureKey = captureKeyOf(pool, must(parseHostAddress('10.77.60.10/32')), 'site:onprem:segment:lan0' as never);

type Told = { readonly [Rule in Reason['rule']]: readonly [Extract<Reason, { readonly rule: Rule }>, string] };

/** One of each: a rule that is not listed here does not compile. */
const TOLD: Told = {
  'lease.observed': [
    { rule: 'lease.observed', source: a, site: aws, observedAt: at },
    'aws-router-a of site aws saw the address at 2027-01-15T08:00:00.000Z',
  ],
  'lease.static': [{ rule: 'lease.static', node: a }, 'the pool declares the address as owned at aws-router-a'],
  'lease.incumbent-kept': [
    { rule: 'lease.incumbent-kept', site: aws, over: lan },
    'site aws keeps the address over onprem: its facts are fresh',
  ],
  'lease.holding': [
    { rule: 'lease.holding', from: lan, to: aws, until: at },
    'site onprem is held until 2027-01-15T08:00:00.000Z, then aws takes over',
  ],
  'lease.conflict': [
    { rule: 'lease.conflict', incumbent: lan, challenger: aws },
    'conflict: sites onprem and aws both assert the address',
  ],
  'lease.stale-owner': [
    { rule: 'lease.stale-owner', node: a },
    'aws-router-a cannot be heard; its lease stands, stale, because silence proves nothing',
  ],
  'lease.silent-owner': [
    { rule: 'lease.silent-owner', node: a },
    'aws-router-a cannot be heard, and nothing that it said stands any more',
  ],
  'lease.expired-fact': [{ rule: 'lease.expired-fact', source: a }, 'aws-router-a says that the address is gone'],
  'lease.ttl-passed': [
    { rule: 'lease.ttl-passed', node: a, expiresAt: at },
    'aws-router-a no longer asserts the address; its last fact stood until 2027-01-15T08:00:00.000Z',
  ],
  'lease.lapsing': [
    { rule: 'lease.lapsing', node: a, until: at },
    'the lease of aws-router-a is held until 2027-01-15T08:00:00.000Z, then it ends',
  ],
  'lease.frozen': [
    { rule: 'lease.frozen', site: aws, moves: 5, since: at },
    'frozen at site aws since 2027-01-15T08:00:00.000Z: it moved 5 times within 180 s and wanted to move again; until it is released',
  ],
  'lease.frozen-by-order': [
    { rule: 'lease.frozen-by-order', site: aws, who: 'kim', why: 'migration' },
    'frozen at site aws by kim (migration); until it is released',
  ],
  'lease.released-by-order': [
    { rule: 'lease.released-by-order', who: 'kim', why: '' },
    'released by kim: it follows its facts again',
  ],
  'lease.handed-by-order': [
    { rule: 'lease.handed-by-order', to: aws, who: 'kim', why: 'moved' },
    'handed over to site aws by kim (moved)',
  ],
  'lease.hand-over-waits': [
    { rule: 'lease.hand-over-waits', to: aws, who: 'kim' },
    'kim hands it over to site aws, which does not assert it yet',
  ],
  'lease.handing-over': [
    { rule: 'lease.handing-over', from: lan, to: a },
    'site onprem has released it; the pool hands it over to aws-router-a, which has not asserted it yet',
  ],
  'claim.handed-here': [
    { rule: 'claim.handed-here', from: lan, to: a },
    'the pool hands the address over from site onprem to aws-router-a of this site: a provider refuses it while a router here captures it',
  ],
  'lease.never-seen': [{ rule: 'lease.never-seen' }, 'nobody has reported the address'],
  'lease.excluded': [
    { rule: 'lease.excluded', by: must(parseIpv4Prefix('10.77.60.0/29')) },
    'the pool excludes 10.77.60.0/29: addresses in it never move',
  ],
  'fact.refused-holder': [
    { rule: 'fact.refused-holder', source: a, captureKey },
    `a fact of aws-router-a is ignored: it captures the address itself (${captureKey})`,
  ],
  'claim.own-site': [
    { rule: 'claim.own-site', site: aws },
    'the address lives at this site (aws); it is never captured here',
  ],
  'claim.derived': [
    { rule: 'claim.derived', owner: lan, via: node('lan-a'), peer: 'to-lan' },
    'owned by site onprem: delivered through to-lan to lan-a',
  ],
  'claim.no-delivery': [
    { rule: 'claim.no-delivery', owner: lan, detail: 'no peer' },
    'no way to deliver to site onprem: no peer',
  ],
  'placement.preferred': [
    { rule: 'placement.preferred', node: a, priority: 10, losers },
    'aws-router-a should capture: best priority 10 (not aws-router-b: dead)',
  ],
  'placement.incumbent': [
    { rule: 'placement.incumbent', node: a, losers: [] },
    'aws-router-a keeps the capture at equal priority',
  ],
  'placement.none-eligible': [
    { rule: 'placement.none-eligible', losers },
    'no router of this site may capture (not aws-router-b: dead)',
  ],
  'placement.no-room': [
    { rule: 'placement.no-room', losers: [{ node: b, because: 'full' }] },
    'no NIC of this site has room for the address (not aws-router-b: full)',
  ],
  'capture.gate-closed': [
    { rule: 'capture.gate-closed', role: 'backup' },
    'captures nothing: VRRP says backup, and only the master answers on this LAN',
  ],
  'capture.waiting-ready': [
    { rule: 'capture.waiting-ready', waitingFor: ['x', 'y'] },
    'nothing is captured or released before this was read: x; y',
  ],
  'capture.claiming': [
    { rule: 'capture.claiming', epoch, from: b },
    'claims the capture in epoch 7, from aws-router-b',
  ],
  'capture.acquiring': [{ rule: 'capture.acquiring', epoch }, 'holds epoch 7; the capture is not verified yet'],
  'capture.held': [{ rule: 'capture.held', epoch }, 'holds the capture in epoch 7'],
  'capture.standby': [{ rule: 'capture.standby', holder: undefined, epoch }, 'stands by: nobody holds epoch 7'],
  'capture.drift': [{ rule: 'capture.drift', detail: 'gone' }, 'repairs: gone'],
  'capture.held-by-stranger': [
    { rule: 'capture.held-by-stranger', asked: [b] },
    'the provider says that another NIC holds the address, and it is none of aws-router-b: nothing is taken from strangers',
  ],
  'capture.ready-to-deliver': [
    { rule: 'capture.ready-to-deliver', epoch },
    'has its NIC forward, so that it can take over and deliver at once (epoch 7)',
  ],
  'capture.overlap': [
    { rule: 'capture.overlap', unread: [a] },
    'keeps forwarding: aws-router-a may not know yet that others deliver now',
  ],
  'capture.left-behind': [{ rule: 'capture.left-behind', detail: 'on this NIC' }, 'cleans up: on this NIC'],
  'capture.releasing': [{ rule: 'capture.releasing', detail: 'moved' }, 'releases: moved'],
};

test.each(Object.entries(TOLD))('%s is told in words', (_, [reason, text]) => {
  expect(renderReason(reason)).toBe(text);
});
