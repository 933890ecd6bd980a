/**
 * What-if tells beforehand what a drain, a failure or a fact does: in worlds where nothing else goes wrong, the fleet then does just that. Asked
 * is the daemon's own answer, of any router that lives; compared are who captures, who delivers, what is left without a holder, what providers
 * are asked, and the order in which each capture goes through the registry. Afterwards both directions of every flow meet at one router.
 */
import type { CaptureRecord } from '@routerd/mobility';
import { describe, expect, test } from 'vitest';
import { requestText, RestingFleet, type Captures, type Deliveries, type Foretold } from './resting-fleet.ts';
import { quadOf } from './topology.ts';

const SEEDS = 15;
/** So many in one test: each has the whole time limit of a test for itself. */
const AT_ONCE = 5;

const batches = Array.from({ length: SEEDS / AT_ONCE }, (_, index) => index * AT_ONCE + 1);

/** What is asked, and what is then done; `lost`: a router whose kernel nobody can look at any more. */
interface Question {
  readonly body: Readonly<Record<string, unknown>>;
  readonly act: () => void;
  readonly lost?: string;
}

const QUESTIONS: Readonly<Record<string, (fleet: RestingFleet) => Question | undefined>> = {
  drain: (fleet) => {
    const node = fleet.pick(fleet.nodes);
    return { body: { kind: 'drain', node }, act: () => fleet.drain(node) };
  },
  failure: (fleet) => {
    const node = fleet.pick(fleet.nodes);
    return { body: { kind: 'fail', node }, act: () => fleet.fail(node), lost: node };
  },
  newcomer: (fleet) => {
    const { name: site } = fleet.pick(fleet.topology.sites);
    return { body: { kind: 'fact', address: fleet.newcomer, site }, act: () => fleet.appear(site) };
  },
  'machine that leaves': (fleet) => {
    const homes = fleet.homes();
    if (homes.length === 0) return undefined;
    const { address, site } = fleet.pick(homes);
    const body = { kind: 'fact', address: quadOf(address), site, says: 'expired' };
    return { body, act: () => fleet.vanish(address) };
  },
};

describe.each(Object.keys(QUESTIONS))('what is told of a %s is what happens', (kind) => {
  test.each(batches)(`in worlds from %i, ${AT_ONCE} of them`, async (from) => {
    for (let seed = from; seed < from + AT_ONCE; seed += 1) {
      const fleet = await RestingFleet.of(seed);
      expect(fleet.unserved(), `seed ${seed} before anything happens`).toEqual([]);
      const question = QUESTIONS[kind]?.(fleet);
      if (question === undefined) continue;
      const { body, act, lost } = question;
      const teller = fleet.pick(fleet.nodes.filter((node) => node !== lost));
      const [before, routes] = [fleet.captures(), fleet.deliveries(lost)];
      const foretold = await fleet.whatIf(teller, body);
      act();
      await fleet.rest();
      const about = `seed ${seed}: ${JSON.stringify(body)}, asked of ${teller}`;
      expect(fleet.captures(), about).toEqual(capturesAfter(before, foretold));
      expect(fleet.deliveries(), about).toEqual(deliveriesAfter(routes, foretold));
      expect(fleet.steps, about).toEqual(stepsOf(foretold));
      expect(fleet.unheld(), about).toEqual(
        foretold.unheld.map(({ address, domain }) => `${domain} ${address}`).toSorted(),
      );
      expect(fleet.calls.toSorted(), about).toEqual(callsOf(foretold));
      expect(fleet.crooked(), about).toEqual([]);
      fleet.end();
    }
  });
});

function capturesAfter(before: Captures, { moves }: Foretold): Captures {
  const after: Record<string, string> = { ...before };
  for (const { address, domain, to } of moves) {
    if (to === null) delete after[`${domain} ${address}`];
    else after[`${domain} ${address}`] = to;
  }
  return after;
}

const PHASES: Readonly<Record<string, CaptureRecord['phase']>> = {
  claim: 'acquiring',
  hold: 'held',
  release: 'releasing',
  vacate: 'vacant',
};

/** Of each capture, its way through the registry. */
function stepsOf({ steps }: Foretold): Readonly<Record<string, readonly string[]>> {
  const ways: Record<string, string[]> = {};
  for (const { what, node, addresses, ...rest } of steps) {
    const phase = PHASES[what];
    if (phase === undefined) continue;
    for (const address of addresses) (ways[`${String(rest['domain'])} ${address}`] ??= []).push(`${phase} ${node}`);
  }
  return ways;
}

/** What providers are asked: one request for all addresses of a NIC, which forwards for all of them or for none. */
function callsOf({ steps }: Foretold): readonly string[] {
  return steps
    .flatMap(({ what, node, verb, addresses }) =>
      what === 'call' ? [requestText(node, String(verb), addresses.length)] : [],
    )
    .toSorted();
}

function deliveriesAfter(before: Deliveries, { steps }: Foretold): Deliveries {
  const after: Record<string, string> = { ...before };
  for (const { what, node, via, addresses } of steps) {
    if (what !== 'deliver') continue;
    for (const address of addresses) {
      if (typeof via === 'string') after[`${node} ${address}`] = via;
      else delete after[`${node} ${address}`];
    }
  }
  return after;
}
