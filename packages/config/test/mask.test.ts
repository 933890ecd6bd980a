/** Masks: who may leave what of startup-config out, for how long, and what must not break. */
import { describe, expect, it } from 'vitest';
import { instant, type Resource } from '@routerd/resources';
import { effectiveConfig, type DynamicConfigPart } from '../src/index.ts';
import { claim, domain, grant, group, link, mask, ownClaim, part, peer, route, targetOf } from './sample-resources.ts';

const NOW = instant(500);
const ROUTE = route('old', '192.0.2.0/25');
const LAN = link('lan', 'lan0');
const STARTUP: readonly Resource[] = [
  peer('a'),
  ROUTE,
  LAN,
  grant('p', 'Plugin/x', [ROUTE, LAN, peer('a')]),
  grant('q', 'Plugin/y', [ROUTE]),
];

const merged = (parts: readonly DynamicConfigPart[], startup = STARTUP, now = NOW) => {
  const { resources, suppressed, parts: verdicts } = effectiveConfig(startup, parts, now);
  return {
    names: resources.map(({ resource }) => `${resource.kind}/${resource.metadata.name}`),
    suppressed,
    verdicts: verdicts.map((verdict) => [
      verdict.source,
      verdict.status,
      ...('reason' in verdict ? [verdict.code, verdict.reason] : []),
    ]),
  };
};

const POLICIES = ['DynamicOverridePolicy/p', 'DynamicOverridePolicy/q'];
const masking = (source: string, targets: readonly Resource[], more: Partial<DynamicConfigPart> = {}) =>
  part(source, [], { directives: targets.map((target) => mask(target, `not from ${source}`)), ...more });

describe('a mask', () => {
  it('leaves a resource of startup-config out and says by whom, until when and why', () => {
    expect(merged([masking('Plugin/x', [ROUTE])])).toEqual({
      names: ['OverlayPeer/a', 'Interface/lan', ...POLICIES],
      suppressed: [
        {
          resource: ROUTE,
          maskedBy: ['DynamicConfigPart/Plugin/x'],
          maskedUntil: 1000,
          reason: 'not from Plugin/x',
        },
      ],
      verdicts: [['Plugin/x', 'Active']],
    });
  });

  it('ends with its part, and the resource is back where it was', () => {
    const masked = masking('Plugin/x', [ROUTE], { expiresAt: instant(501) });
    expect(merged([masked], STARTUP, instant(501)).names).toEqual(merged([]).names);
    expect(merged([masked], STARTUP, instant(501)).suppressed).toEqual([]);
  });

  it('of two parts lasts until the later ends, with both reasons', () => {
    const parts = [masking('Plugin/y', [ROUTE], { expiresAt: instant(2000) }), masking('Plugin/x', [ROUTE])];
    expect(merged(parts).suppressed).toEqual([
      {
        resource: ROUTE,
        maskedBy: ['DynamicConfigPart/Plugin/x', 'DynamicConfigPart/Plugin/y'],
        maskedUntil: 2000,
        reason: 'not from Plugin/x; not from Plugin/y',
      },
    ]);
  });

  it('makes room for a resource of the same part under another name', () => {
    const replacing = part('Plugin/x', [link('lan-again', 'lan0')], { directives: [mask(LAN)] });
    expect(merged([replacing])).toMatchObject({
      names: ['OverlayPeer/a', 'IPv4Route/old', ...POLICIES, 'Interface/lan-again'],
      verdicts: [['Plugin/x', 'Active']],
    });
  });

  it.each([
    [
      'that no policy grants its source',
      masking('Plugin/z', [ROUTE]),
      'part.mask-forbidden',
      'dynamic mask not allowed by DynamicOverridePolicy: no policy grants Plugin/z the mask of IPv4Route/old.',
    ],
    [
      'that is granted for another target',
      masking('Plugin/y', [LAN]),
      'part.mask-forbidden',
      'dynamic mask not allowed by DynamicOverridePolicy: no policy grants Plugin/y the mask of Interface/lan.',
    ],
    [
      'of what startup-config does not declare',
      masking('Plugin/x', [route('new', '192.0.2.128/25')]),
      'part.mask-unknown-target',
      'IPv4Route/new (net.routerd.net/v1alpha1) is not declared in startup-config, and nothing else can be masked.',
    ],
    [
      'of what the part itself adds',
      part('Plugin/x', [route('new', '192.0.2.128/25')], { directives: [mask(route('new', '192.0.2.128/25'))] }),
      'part.mask-unknown-target',
      'IPv4Route/new (net.routerd.net/v1alpha1) is not declared in startup-config, and nothing else can be masked.',
    ],
    [
      'under another API group',
      part('Plugin/x', [], {
        directives: [
          { op: 'mask', target: { ...targetOf(ROUTE), apiVersion: 'hybrid.routerd.net/v1alpha1' }, reason: 'gone' },
        ],
      }),
      'part.mask-unknown-target',
      'IPv4Route/old (hybrid.routerd.net/v1alpha1) is not declared in startup-config, and nothing else can be masked.',
    ],
    [
      'and a resource in its place',
      part('Plugin/x', [ROUTE], { directives: [mask(ROUTE)] }),
      'part.duplicate-identity',
      'IPv4Route/old is declared in startup-config already.',
    ],
  ])('%s costs its part, and its part alone', (_, bad, code, reason) => {
    expect(merged([bad, part('Plugin/zz', [domain('net', '10.77.60.0/24')])])).toEqual({
      names: [...merged([]).names, 'AddressMobilityDomain/net'],
      suppressed: [],
      verdicts: [
        [bad.source, 'Rejected', code, reason],
        ['Plugin/zz', 'Active'],
      ],
    });
  });

  it('of what the rest of startup-config refers to is rejected', () => {
    const startup = [...STARTUP, domain('net', '10.77.60.0/24'), ownClaim('c', 'net', '10.77.60.9/32')];
    expect(merged([masking('Plugin/x', [peer('a')])], startup).verdicts).toEqual([
      [
        'Plugin/x',
        'Rejected',
        'part.invalid',
        'RemoteAddressClaim/c: There is no OverlayPeer "a"; none is declared. The part masks OverlayPeer/a.',
      ],
    ]);
  });

  it('of what another part refers to is a conflict: the planner keeps its peer, of two plugins the earlier counts', () => {
    const using = (source: string) =>
      part(source, [domain('net', '10.77.60.0/24'), claim('c', 'net', '10.77.60.9/32')]);
    const gap = masking('Plugin/x', [peer('a')]);
    const reason = 'RemoteAddressClaim/c: There is no OverlayPeer "a"; none is declared.';
    expect(merged([gap, using('MobilityPool/demo/node/a')]).verdicts).toEqual([
      ['MobilityPool/demo/node/a', 'Active'],
      ['Plugin/x', 'Rejected', 'part.conflict', reason],
    ]);
    expect(merged([gap, using('Plugin/y')]).verdicts).toEqual([
      ['Plugin/x', 'Active'],
      ['Plugin/y', 'Rejected', 'part.conflict', reason],
    ]);
  });

  it('is not blamed for what is wrong in startup-config by itself, also where another part made up for it', () => {
    const startup = [...STARTUP, ownClaim('c', 'net', '10.77.60.9/32')];
    const curing = part('Plugin/w', [domain('net', '10.77.60.0/24')]);
    expect(merged([curing, masking('Plugin/x', [peer('a')])], startup).verdicts).toEqual([
      ['Plugin/w', 'Active'],
      ['Plugin/x', 'Active'],
    ]);
  });

  it('of what is read when the daemon starts is refused, whoever granted it', () => {
    expect(merged([masking('Plugin/x', [group])], [group, grant('p', 'Plugin/x', [group])]).verdicts).toEqual([
      [
        'Plugin/x',
        'Rejected',
        'part.fixed-at-start',
        'EventGroup/fleet: An EventGroup is read when the daemon starts and cannot be masked.',
      ],
    ]);
  });
});
