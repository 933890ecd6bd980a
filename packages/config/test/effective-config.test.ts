/** Startup-config plus parts: what joins, what is set aside, and why. */
import { describe, expect, it } from 'vitest';
import { instant, type Resource } from '@routerd/resources';
import { effectiveConfig, STARTUP_SOURCE, type DynamicConfigPart } from '../src/index.ts';
import { claim, domain, group, link, part, peer, pool, route, tunnelAddress, wireGuard } from './sample-resources.ts';

const NOW = instant(500);
const STARTUP = [peer('a'), link('lan', 'lan0')];
const NET = domain('net', '10.77.60.0/24');

const merged = (parts: readonly DynamicConfigPart[], startup: readonly Resource[] = STARTUP) => {
  const { resources, rejected, expired, nextExpiry } = effectiveConfig(startup, parts, NOW);
  return {
    names: resources.map(({ resource, source }) => `${source}: ${resource.kind}/${resource.metadata.name}`),
    rejected: rejected.map(({ source, code, reason }) => [source, code, reason]),
    expired: expired.map(({ source }) => source),
    nextExpiry,
  };
};

const STARTUP_NAMES = [`${STARTUP_SOURCE}: OverlayPeer/a`, `${STARTUP_SOURCE}: Interface/lan`];

describe('effective-config', () => {
  it('is startup-config when there are no parts', () => {
    expect(merged([])).toEqual({ names: STARTUP_NAMES, rejected: [], expired: [], nextExpiry: undefined });
  });

  it('adds parts after startup, by source, and says when the first of them ends', () => {
    const parts = [
      part('z', [route('r', '192.0.2.0/24')], { expiresAt: instant(700) }),
      part('b', [NET, claim('c', 'net', '10.77.60.9/32')]),
    ];
    expect(merged(parts)).toEqual({
      names: [...STARTUP_NAMES, 'b: AddressMobilityDomain/net', 'b: RemoteAddressClaim/c', 'z: IPv4Route/r'],
      rejected: [],
      expired: [],
      nextExpiry: 700,
    });
  });

  it('counts a part before its expiry and not at it', () => {
    expect(merged([part('x', [NET], { expiresAt: instant(501) })]).names).toHaveLength(3);
    expect(merged([part('x', [NET], { expiresAt: NOW })])).toMatchObject({ names: STARTUP_NAMES, expired: ['x'] });
  });

  it('takes the highest generation of a source, and does not fall back when it has expired', () => {
    const older = part('x', [NET], { generation: 1 });
    const newer = part('x', [route('r', '192.0.2.0/24')], { generation: 2 });
    expect(merged([older, newer])).toMatchObject({
      names: [...STARTUP_NAMES, 'x: IPv4Route/r'],
      rejected: [['x', 'part.superseded', 'Generation 2 of the same source replaces the part.']],
    });
    expect(merged([older, { ...newer, expiresAt: NOW }])).toMatchObject({ names: STARTUP_NAMES, expired: ['x'] });
  });

  it('names the generation that counts, however many came before it', () => {
    const parts = [1, 2, 3].map((generation) => part('x', [NET], { generation }));
    expect(merged(parts).rejected.map(([, , reason]) => reason)).toEqual([
      'Generation 3 of the same source replaces the part.',
      'Generation 3 of the same source replaces the part.',
    ]);
  });

  it('never lets a part replace a resource of startup-config', () => {
    expect(merged([part('x', [NET, link('lan', 'lan9')]), part('y', [route('r', '192.0.2.0/24')])])).toMatchObject({
      names: [...STARTUP_NAMES, 'y: IPv4Route/r'],
      rejected: [['x', 'part.duplicate-identity', 'Interface/lan is declared in startup-config already.']],
    });
  });

  it('rejects the later of two parts with one identity', () => {
    expect(merged([part('y', [NET]), part('x', [NET])])).toMatchObject({
      names: [...STARTUP_NAMES, 'x: AddressMobilityDomain/net'],
      rejected: [['y', 'part.duplicate-identity', 'AddressMobilityDomain/net is in the part of x already.']],
    });
    expect(merged([part('x', [NET, NET])]).rejected).toEqual([
      ['x', 'part.duplicate-identity', 'AddressMobilityDomain/net occurs twice in the part.'],
    ]);
  });

  it.each([
    [
      'a claim outside its domain',
      [NET, claim('c', 'net', '10.77.61.9/32')],
      'RemoteAddressClaim/c: 10.77.61.9/32 is outside AddressMobilityDomain net (10.77.60.0/24).',
    ],
    [
      'a claim through an unknown peer',
      [NET, claim('c', 'net', '10.77.60.9/32', 'b')],
      'RemoteAddressClaim/c: There is no OverlayPeer "b"; declared: a.',
    ],
    [
      'a default route',
      [route('r', '0.0.0.0/0')],
      'IPv4Route/r: Default routes are not allowed in dynamic configuration.',
    ],
    [
      'an interface that is declared under another name',
      [link('again', 'lan0')],
      'Interface/again: Interface/lan declares ifname "lan0" already.',
    ],
  ])('sets a part with %s aside as a whole', (_, resources, reason) => {
    expect(merged([part('x', resources)])).toMatchObject({
      names: STARTUP_NAMES,
      rejected: [['x', 'part.invalid', reason]],
    });
  });

  it('does not let a part lean on another, whose expiry would take it down', () => {
    const rejected = merged([part('a', [NET]), part('b', [claim('c', 'net', '10.77.60.9/32')])]).rejected;
    expect(rejected).toEqual([
      ['b', 'part.invalid', 'RemoteAddressClaim/c: There is no AddressMobilityDomain "net"; none is declared.'],
    ]);
  });

  it('sets a part aside that would make startup-config invalid', () => {
    const startup = [group, pool('p', '10.77.60.0/24'), tunnelAddress('t', 'wg0', '10.77.60.1/32')];
    expect(merged([part('x', [wireGuard('wg0', 1)])], startup).rejected).toEqual([
      [
        'x',
        'part.invalid',
        'IPv4StaticAddress/t: 10.77.60.1/32 of tunnel "wg0" overlaps 10.77.60.0/24 of MobilityPool/p; tunnels need addresses of their own.',
      ],
    ]);
  });

  it('does not take from a part what is read when the daemon starts', () => {
    expect(merged([part('x', [pool('p', '10.77.60.0/24')]), part('y', [group])]).rejected).toEqual([
      [
        'x',
        'part.fixed-at-start',
        'MobilityPool/p: A MobilityPool cannot come from dynamic configuration; it stands in startup-config.',
      ],
      [
        'y',
        'part.fixed-at-start',
        'EventGroup/fleet: An EventGroup cannot come from dynamic configuration; it stands in startup-config.',
      ],
    ]);
  });

  it('lets the planner come before every other source, and an address have one claim', () => {
    const planned = part('MobilityPool/demo/node/a', [NET, claim('c', 'net', '10.77.60.9/32')]);
    const observed = part('EventSubscription/s/1', [
      domain('other', '10.77.60.0/24'),
      claim('d', 'other', '10.77.60.9/32'),
    ]);
    const reason =
      'RemoteAddressClaim/d: 10.77.60.9/32 is already claimed by RemoteAddressClaim/c; an address has one claim.';
    expect(merged([observed, planned]).rejected).toEqual([['EventSubscription/s/1', 'part.conflict', reason]]);
    expect(merged([observed], [...STARTUP, NET, claim('c', 'net', '10.77.60.9/32')]).rejected).toEqual([
      ['EventSubscription/s/1', 'part.conflict', reason],
    ]);
  });

  it('never uses a damaged part, nor the generation before it', () => {
    const damaged = {
      source: 'x',
      generation: 2,
      observedAt: instant(0),
      expiresAt: instant(900),
      damage: 'It is damaged.',
    };
    const { resources, parts } = effectiveConfig(STARTUP, [part('x', [NET]), damaged], NOW);
    expect(resources).toHaveLength(STARTUP.length);
    expect(parts).toEqual([
      {
        source: 'x',
        generation: 2,
        status: 'Rejected',
        code: 'part.damaged',
        resource: undefined,
        reason: 'It is damaged.',
      },
      expect.objectContaining({ source: 'x', generation: 1, status: 'Superseded' }),
    ]);
  });

  it('sets the later of two parts aside that are in conflict', () => {
    const parts = [part('b', [wireGuard('wg1', 51820)]), part('a', [wireGuard('wg0', 51820)])];
    expect(merged(parts).rejected).toEqual([
      [
        'b',
        'part.conflict',
        'WireGuardInterface/wg1: WireGuardInterface/wg0 listens on UDP port 51820 already; each interface needs its own port.',
      ],
    ]);
  });

  it('builds from a startup-config that is itself invalid, and blames no part for it', () => {
    const broken = [claim('c', 'nowhere', '10.77.60.9/32', 'nobody'), group, pool('p', '0.0.0.0/0')];
    expect(merged([part('x', [link('lan', 'lan0')])], broken)).toMatchObject({
      names: [...broken.map(({ kind, metadata }) => `${STARTUP_SOURCE}: ${kind}/${metadata.name}`), 'x: Interface/lan'],
      rejected: [],
    });
  });
});
