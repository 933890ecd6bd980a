/**
 * Deliberately broken builds: each breaks one invariant by a seam, and the simulator must say so. Without the seam the same story goes
 * well, so that it is the breakage that is seen.
 *
 *      lan0: lan0-a lan0-b        aws1: aws1-a aws1-b
 *      address 0 lives here       address 1 lives here
 */
import type { Vrrp } from '@routerd/dataplane';
import { expect, test } from 'vitest';
import type { Seams } from './seams.ts';
import { simulate } from './simulate.ts';
import type { Happening, Story } from './story.ts';
import { renderViolation, type Invariant } from './violation.ts';

interface BrokenBuild {
  readonly breaks: Invariant;
  readonly how: string;
  readonly seams: Seams;
  /** What has to happen for the breakage to show, from the tenth second on. */
  readonly trouble?: readonly Happening[];
  readonly calmAt?: number;
  /** VRRP says who captures on the LAN. */
  readonly hasVrrp?: true;
}

const BROKEN: readonly BrokenBuild[] = [
  {
    breaks: 'I1',
    how: 'the fence believes what it has read instead of writing',
    seams: {
      federation: (inner) =>
        but(inner, {
          registry: but(inner.registry, {
            append: async (transitions, signal) => {
              const written = await inner.registry.append(
                transitions.filter(({ reason }) => !reason.startsWith('fence confirmed')),
                signal,
              );
              const outcomes = [...written];
              return transitions.map(({ key, reason }) => {
                const record = inner.registry.records().get(key);
                if (reason.startsWith('fence confirmed') && record !== undefined) return { kind: 'won', record };
                return outcomes.shift() ?? { kind: 'unreachable', detail: 'no outcome' };
              });
            },
          }),
        }),
    },
    trouble: [
      { what: 'throttled', site: 'aws1', share: 1, forMs: 15_000 },
      { what: 'appear', address: 2, site: 'lan0' },
    ],
  },
  {
    breaks: 'I2',
    how: 'an executor says that it has assigned, and has not',
    seams: {
      executor: (inner) => {
        const pretended = new Set<string>();
        return {
          execute: async (request, signal) => {
            if (request.verb !== 'assign-secondary-ip') return inner.execute(request, signal);
            for (const { address } of request.addresses) pretended.add(address);
            const nic = await inner.observe(request.nic, signal);
            const results = request.addresses.map(({ address }) => ({
              address,
              status: 'succeeded' as const,
              message: 'assigned',
              errorClass: undefined,
            }));
            const shown = request.addresses.map(({ address }) => address);
            return {
              ok: true,
              value: {
                results,
                observed: {},
                nic: nic.ok ? { ...nic.value, addresses: [...nic.value.addresses, ...shown] } : undefined,
              },
            };
          },
          observe: async (nic, signal) => inner.observe(nic, signal),
        };
      },
    },
  },
  {
    breaks: 'I2',
    how: 'nobody hears what time it is elsewhere, and a clock is wrong',
    seams: {
      readWire: (inner) => (data, parse) => inner(new TextEncoder().encode(withoutClock(data)), parse),
    },
    trouble: [
      { what: 'clock-jump', node: 'aws1-a', toMs: -3_600_000 },
      { what: 'clock-jump', node: 'aws1-b', toMs: -3_600_000 },
      { what: 'appear', address: 2, site: 'lan0' },
    ],
  },
  {
    breaks: 'I3',
    how: 'nobody asks whether an address is captured here before telling of it',
    seams: { captureGuard: () => () => undefined },
    trouble: [{ what: 'false-fact', node: 'aws1-b', address: 0, says: 'observed' }],
  },
  {
    breaks: 'I4',
    how: 'the journal forgets to open the attempt',
    seams: { journal: (inner) => ({ ...inner, openAttempt: () => undefined }) },
  },
  {
    breaks: 'I5',
    how: 'a node that is cut off takes itself for connected',
    seams: {
      federation: (inner) => but(inner, { status: () => ({ ...inner.status(), connected: true }) }),
    },
    trouble: [{ what: 'partition', node: 'aws1-a', forMs: 60_000 }],
    calmAt: 60_000,
  },
  {
    breaks: 'I6',
    how: 'everybody takes everybody else for dead every other three seconds',
    seams: {
      federation: (inner, { node, time }) =>
        but(inner, {
          members: {
            onChange: (listener) => {
              const again = (): void => {
                listener();
                time.after(3000, again);
              };
              time.after(3000, again);
              return inner.members.onChange(listener);
            },
            members: () =>
              new Map(
                [...inner.members.members()].map(([name, liveness]) => [
                  name,
                  name !== node && Math.floor(time.now() / 3000) % 2 === 1 ? 'dead' : liveness,
                ]),
              ),
          },
        }),
    },
  },
  {
    breaks: 'I7',
    how: 'what is replaced on a host is not written down',
    seams: { ledger: (inner) => ({ ...inner, entries: () => inner.entries(), record: () => undefined }) },
  },
  {
    breaks: 'I8',
    how: 'the host leaves out the last of several changes, and says nothing',
    seams: {
      host: (inner) => ({
        observe: async () => inner.observe(),
        watch: (listener) => inner.watch(listener),
        apply: async (ops) => inner.apply(ops.length > 2 ? ops.slice(0, -1) : ops),
      }),
    },
  },
  {
    breaks: 'vrrp',
    how: 'a router takes itself for the master, whatever it was told',
    seams: { vrrp: (inner) => but(inner, { role: () => 'master' }) },
    hasVrrp: true,
  },
  {
    breaks: 'vrrp',
    how: 'a master is not told that it is one no longer',
    seams: { vrrp: deafToLosses },
    trouble: [{ what: 'vrrp', site: 'lan0', kind: 'master-dies', forMs: 15_000 }],
    hasVrrp: true,
  },
];

test.each(BROKEN)(
  '$breaks is seen to be broken when $how',
  async ({ breaks, seams, trouble = [], calmAt = 30_000, hasVrrp }) => {
    const story = storyOf(trouble, calmAt, hasVrrp);
    const right = await simulate(story);
    expect(right.violations.map(renderViolation)).toEqual([]);
    const wrong = await simulate(story, { seams });
    expect(wrong.violations[0]?.invariant, wrong.violations.map(renderViolation).join('\n')).toBe(breaks);
  },
);

function storyOf(trouble: readonly Happening[], calmAt: number, hasVrrp: true | undefined): Story {
  return {
    seed: 1,
    topology: {
      sites: [
        { name: 'lan0', provider: undefined, routers: routersOf('lan0'), ...(hasVrrp && { hasVrrp }) },
        { name: 'aws1', provider: 'aws', routers: routersOf('aws1') },
      ],
      addresses: 3,
      staticEvery: 0,
      ttlMs: 20_000,
      holdMs: 2000,
      heartbeatMs: 1000,
      deadAfterMs: 5000,
    },
    events: [
      { at: 3000, happens: { what: 'appear', address: 0, site: 'lan0' } },
      { at: 3000, happens: { what: 'appear', address: 1, site: 'aws1' } },
      ...trouble.map((happens) => ({ at: 10_000, happens })),
    ],
    calmAt,
  };
}

function routersOf(site: string): Story['topology']['sites'][number]['routers'] {
  return [
    { name: `${site}-a`, priority: 10 },
    { name: `${site}-b`, priority: 20 },
  ];
}

/** Whoever was once the master stays it in its own eyes. */
function deafToLosses(inner: Vrrp): Vrrp {
  let wasMaster = false;
  return but(inner, {
    role: (name) => {
      wasMaster ||= inner.role(name) === 'master';
      return wasMaster ? 'master' : inner.role(name);
    },
  });
}

/** A heartbeat as a node of an earlier version sends it. */
function withoutClock(data: Uint8Array): string {
  const message: unknown = JSON.parse(new TextDecoder().decode(data));
  if (typeof message !== 'object' || message === null || !('about' in message)) return JSON.stringify(message);
  const { about: _, ...rest } = message;
  return JSON.stringify(rest);
}

/** The port itself, but for some of its members; also where it is a class. */
function but<Port extends object>(inner: Port, changed: Partial<Port>): Port {
  return new Proxy(inner, {
    get: (target, name): unknown => {
      if (name in changed) return Reflect.get(changed, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
