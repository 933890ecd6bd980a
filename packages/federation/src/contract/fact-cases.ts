import { expect } from 'vitest';
import { durationMs, type HostAddress, type Instant, type NodeName } from '@routerd/resources';
import { signerOf } from '../node-identity.ts';
import type { AcceptedFact, Fact } from '../ports.ts';
import { factSubject } from '../subjects.ts';
import { encodeFact } from '../wire/fact-wire.ts';
import {
  address,
  AWS_A,
  AWS_B,
  expired,
  observed,
  OCI_A,
  ONPREM_A,
  ONPREM_B,
  RIG_GROUP,
  RIG_POOL,
  RIG_SITES,
  type FederationRig,
  type RigNode,
} from './federation-rig.ts';

export type WithRig = (name: string, body: (rig: FederationRig) => Promise<void>) => void;

export function factCases(withRig: WithRig): void {
  exchangeCases(withRig);
  outageCases(withRig);
  refusalCases(withRig);
}

function exchangeCases(withRig: WithRig): void {
  withRig('a fact reaches every member, once', async (rig) => {
    const nodes = await startAll(rig, [ONPREM_A, AWS_A, OCI_A]);
    const told = nodes.map((node) => collect(node));
    record(nodes[0], observed(address(10), ONPREM_A));
    await rig.until(
      () => nodes.every((node) => latest(node, ONPREM_A, address(10)) !== undefined),
      'the fact everywhere',
    );
    record(nodes[0], observed(address(11), ONPREM_A));
    await rig.until(() => nodes.every((node) => latest(node, ONPREM_A, address(11)) !== undefined), 'the next fact');
    for (const facts of told) expect(facts.map(({ fact }) => fact.address)).toEqual([address(10), address(11)]);
  });

  withRig(
    'facts recorded together arrive like others, and one that may not be recorded costs only itself',
    async (rig) => {
      const [onprem, aws] = await startTwo(rig, ONPREM_A, AWS_A);
      const told = collect(onprem);
      const outside = { ...observed(address(1), ONPREM_A), address: '10.77.61.1/32' as HostAddress };
      const drafts = [10, 11, 12].map((last) => observed(address(last), ONPREM_A));
      const outcomes = onprem.federation.facts.recordAll([...drafts.slice(0, 2), outside, ...drafts.slice(2)]);
      expect(outcomes.map((outcome) => (outcome.ok ? outcome.value.address : outcome.error.code))).toEqual([
        address(10),
        address(11),
        'fact.outside-pool',
        address(12),
      ]);
      expect(told.map(({ fact }) => fact.address)).toEqual([10, 11, 12].map(address));
      await rig.until(
        () => [10, 11, 12].every((last) => latest(aws, ONPREM_A, address(last)) !== undefined),
        'the facts',
      );
      expect(aws.federation.status().refused).toEqual({});
      expect(onprem.federation.facts.recordAll([])).toEqual([]);
    },
  );

  withRig('an own fact comes back at once, also without a hub', async (rig) => {
    const node = rig.node(ONPREM_A);
    const told = collect(node);
    const fact = record(node, observed(address(10), ONPREM_A));
    expect(told.map((accepted) => accepted.fact)).toEqual([fact]);
    expect(node.federation.status().outboxDepth).toBe(1);
    await Promise.resolve();
  });

  withRig('an expired fact takes the place of the observed one', async (rig) => {
    const [onprem, aws] = await startTwo(rig, ONPREM_A, AWS_A);
    record(onprem, observed(address(10), ONPREM_A));
    record(onprem, expired(address(10), ONPREM_A));
    await rig.until(() => latest(aws, ONPREM_A, address(10))?.type === 'routerd.client.ipv4.expired', 'the expiry');
    const own = onprem.federation.facts.accepted();
    expect(own.map(({ fact }) => fact.type)).toEqual(['routerd.client.ipv4.expired']);
  });

  withRig('a run of observations keeps its first instant, and an expiry ends it', async (rig) => {
    const [onprem, aws] = await startTwo(rig, ONPREM_A, AWS_A);
    const first = record(onprem, observed(address(10), ONPREM_A));
    await rig.until(() => latest(aws, ONPREM_A, address(10))?.id === first.id, 'the first observation');
    const began = at(aws, ONPREM_A, address(10))?.firstAcceptedAt;
    const second = record(onprem, observed(address(10), ONPREM_A));
    await rig.until(() => latest(aws, ONPREM_A, address(10))?.id === second.id, 'the second observation');
    expect(at(aws, ONPREM_A, address(10))?.firstAcceptedAt).toBe(began);
    const gone = record(onprem, expired(address(10), ONPREM_A));
    await rig.until(() => latest(aws, ONPREM_A, address(10))?.id === gone.id, 'the expiry');
    const again = record(onprem, observed(address(10), ONPREM_A));
    await rig.until(() => latest(aws, ONPREM_A, address(10))?.id === again.id, 'the new observation');
    const anew = at(aws, ONPREM_A, address(10));
    expect(anew?.firstAcceptedAt).toBe(anew?.acceptedAt);
  });

  withRig('a newcomer reads the last state of every address', async (rig) => {
    const [onprem] = await startTwo(rig, ONPREM_A, AWS_A);
    for (const last of [10, 11, 12]) record(onprem, observed(address(last), ONPREM_A));
    record(onprem, expired(address(11), ONPREM_A));
    await rig.until(() => onprem.federation.status().outboxDepth === 0, 'the outbox empty');
    const newcomer = rig.node(OCI_A);
    await newcomer.federation.start();
    await rig.until(() => newcomer.federation.status().factsCaughtUp, 'the newcomer caught up');
    expect(typesOf(newcomer)).toEqual(['10.77.60.10/32 observed', '10.77.60.11/32 expired', '10.77.60.12/32 observed']);
  });

  withRig('replayed and reordered messages change nothing', async (rig) => {
    const [onprem, aws] = await startTwo(rig, ONPREM_A, AWS_A);
    const old = record(onprem, observed(address(10), ONPREM_A));
    const last = record(onprem, expired(address(10), ONPREM_A));
    await rig.until(() => latest(aws, ONPREM_A, address(10))?.id === last.id, 'the expiry');
    const subject = factSubject(RIG_GROUP, old);
    await rig.publishAs(ONPREM_A, 'facts', { subject, id: 'replay-1', text: signed(rig, ONPREM_A, last) });
    await rig.publishAs(ONPREM_A, 'facts', { subject, id: 'replay-2', text: signed(rig, ONPREM_A, old) });
    await rig.until(() => aws.federation.status().refused['fact.superseded'] === 1, 'the old fact refused');
    expect(latest(aws, ONPREM_A, address(10))).toEqual(last);
  });
}

function outageCases(withRig: WithRig): void {
  withRig('what a cut-off node records is delivered after the cut, in order', async (rig) => {
    const [onprem, aws] = await startTwo(rig, ONPREM_A, AWS_A);
    rig.cut(ONPREM_A);
    await rig.until(() => !onprem.federation.status().connected, 'the cut noticed');
    const told = collect(aws);
    for (const last of [10, 11, 12]) record(onprem, observed(address(last), ONPREM_A));
    record(onprem, expired(address(10), ONPREM_A));
    expect(onprem.federation.status().outboxDepth).toBe(4);
    rig.heal(ONPREM_A);
    await rig.until(() => onprem.federation.status().outboxDepth === 0, 'the outbox empty');
    await rig.until(() => latest(aws, ONPREM_A, address(10))?.type === 'routerd.client.ipv4.expired', 'the last fact');
    const ofTen = told.filter(({ fact }) => fact.address === address(10)).map(({ fact }) => fact.sequence);
    expect(ofTen).toEqual(ofTen.toSorted((a, b) => a - b));
    expect(typesOf(aws)).toEqual(['10.77.60.10/32 expired', '10.77.60.11/32 observed', '10.77.60.12/32 observed']);
  });

  withRig('a restarted node keeps what it knew, and its sequence goes on', async (rig) => {
    const [onprem, aws] = await startTwo(rig, ONPREM_A, AWS_A);
    const before = record(onprem, observed(address(10), ONPREM_A));
    await rig.until(() => latest(aws, ONPREM_A, address(10))?.id === before.id, 'the fact');
    await onprem.federation.stop();
    const restarted = rig.node(ONPREM_A, onprem);
    expect(latest(restarted, ONPREM_A, address(10))).toEqual(before);
    await restarted.federation.start();
    const after = record(restarted, observed(address(10), ONPREM_A));
    expect(after.sequence).toBeGreaterThan(before.sequence);
    await rig.until(() => latest(aws, ONPREM_A, address(10))?.id === after.id, 'the fact after the restart');
  });

  withRig('a node that lost its disk is believed again', async (rig) => {
    const [onprem, aws] = await startTwo(rig, ONPREM_A, AWS_A);
    for (const last of [10, 11, 12]) record(onprem, observed(address(last), ONPREM_A));
    await rig.until(() => latest(aws, ONPREM_A, address(12)) !== undefined, 'the facts');
    await onprem.federation.stop();
    const blank = rig.node(ONPREM_A);
    // Sequence 1 again: on its own nobody would take it for newer.
    const early = record(blank, expired(address(12), ONPREM_A));
    expect(early.sequence).toBe(1);
    await blank.federation.start();
    await rig.until(() => latest(aws, ONPREM_A, address(12))?.type === 'routerd.client.ipv4.expired', 'the expiry');
    expect(latest(blank, ONPREM_A, address(10))?.type).toBe('routerd.client.ipv4.observed');
  });
}

function refusalCases(withRig: WithRig): void {
  withRig('what a router of this site captures is not recorded as living here', async (rig) => {
    const [onprem, other] = await startTwo(rig, ONPREM_A, ONPREM_B);
    onprem.captured.set(address(10), 'captured by onprem-a');
    const own = onprem.federation.facts.record(observed(address(10), ONPREM_A));
    expect(own).toEqual({
      ok: false,
      error: { code: 'fact.self-capture', address: address(10), detail: 'captured by onprem-a' },
    });
    // The other router does not know of the capture: what it says is refused where it is known.
    record(other, observed(address(10), ONPREM_B));
    await rig.until(() => onprem.federation.status().refused['fact.self-capture'] === 1, 'the refusal');
    expect(latest(onprem, ONPREM_B, address(10))).toBeUndefined();
    expect(onprem.federation.facts.record(expired(address(10), ONPREM_A)).ok).toBe(true);
  });

  withRig('another site may say that it owns what is captured here', async (rig) => {
    const [onprem, aws] = await startTwo(rig, ONPREM_A, AWS_A);
    onprem.captured.set(address(12), 'captured by onprem-a');
    record(aws, observed(address(12), AWS_A));
    await rig.until(() => latest(onprem, AWS_A, address(12)) !== undefined, 'the fact');
    expect(onprem.federation.status().refused).toEqual({});
  });

  withRig('a fact outside the pool, or of no pool, is not recorded', async (rig) => {
    const node = rig.node(ONPREM_A);
    const outside = '10.77.61.1/32' as HostAddress;
    const codeOf = (draft: Parameters<typeof node.federation.facts.record>[0]): string => {
      const result = node.federation.facts.record(draft);
      return result.ok ? 'recorded' : result.error.code;
    };
    expect(codeOf(observed(outside, ONPREM_A))).toBe('fact.outside-pool');
    expect(codeOf({ ...observed(address(10), ONPREM_A), pool: 'other' as typeof RIG_POOL })).toBe('fact.unknown-pool');
    expect(codeOf(observed(address(10), AWS_A))).toBe('fact.wrong-site');
    await Promise.resolve();
  });

  const forgeries: readonly (readonly [
    string,
    string,
    (made: Fact) => { readonly by: NodeName; readonly fact: Fact; readonly on?: Fact },
  ])[] = [
    ['in the name of another', 'fact.wrong-source', (made) => ({ by: AWS_B, fact: { ...made, source: ONPREM_A } })],
    ['signed by another', 'fact.bad-signature', (made) => ({ by: ONPREM_A, fact: made })],
    ['for another site', 'fact.wrong-site', (made) => ({ by: AWS_B, fact: { ...made, site: siteOf(ONPREM_A) } })],
    ['of another group', 'fact.wrong-group', (made) => ({ by: AWS_B, fact: { ...made, group: 'else' } })],
    ['about another address', 'fact.wrong-subject', (made) => ({ by: AWS_B, fact: { ...made, address: address(99) } })],
    [
      'outside the pool',
      'fact.outside-pool',
      (made) => elsewhere({ ...made, address: '10.77.61.1/32' as HostAddress }),
    ],
    ['of no pool', 'fact.unknown-pool', (made) => elsewhere({ ...made, pool: 'other' as typeof RIG_POOL })],
    [
      'from the future',
      'fact.from-the-future',
      (made) => ({ by: AWS_B, fact: { ...made, observedAt: (made.observedAt + 3_600_000) as Instant } }),
    ],
  ];
  for (const [name, reason, forge] of forgeries) {
    withRig(`a fact ${name} is refused, counted and logged`, async (rig) => {
      const [aws] = await startTwo(rig, AWS_A, OCI_A);
      const own = record(aws, observed(address(12), AWS_A));
      const made: Fact = {
        ...own,
        id: 'forged',
        source: AWS_B,
        address: address(13),
        sequence: 7,
        ttl: durationMs(1000),
      };
      const { by, fact, on = made } = forge(made);
      const subject = factSubject(RIG_GROUP, on);
      await rig.publishAs(AWS_B, 'facts', { subject, id: 'forged', text: signed(rig, by, fact) });
      await rig.until(() => aws.federation.status().refused[reason] === 1, reason);
      expect(aws.federation.facts.accepted().map((accepted) => accepted.fact)).toEqual([own]);
      const lines = aws.log.lines.filter(({ fields }) => fields['reason'] === reason);
      expect(lines.map(({ fields }) => fields['source'])).toEqual([AWS_B]);
    });
  }

  withRig('text that is no fact is refused', async (rig) => {
    const [aws] = await startTwo(rig, AWS_A, OCI_A);
    const subject = factSubject(RIG_GROUP, { source: AWS_B, pool: RIG_POOL, address: address(13) });
    await rig.publishAs(AWS_B, 'facts', { subject, id: 'noise', text: '{"specversion":"1.0","hello":"world"}' });
    await rig.until(() => aws.federation.status().refused['fact.malformed'] === 1, 'the refusal');
  });
}

export async function startAll(rig: FederationRig, names: readonly NodeName[]): Promise<readonly RigNode[]> {
  const nodes = names.map((name) => rig.node(name));
  for (const node of nodes) await node.federation.start();
  await rig.until(() => nodes.every((node) => node.federation.status().connected), 'all nodes connected');
  return nodes;
}

export async function startTwo(rig: FederationRig, a: NodeName, b: NodeName): Promise<readonly [RigNode, RigNode]> {
  const [first, second] = await startAll(rig, [a, b]);
  if (first === undefined || second === undefined) throw new Error('two nodes were asked for');
  return [first, second];
}

export function record(node: RigNode | undefined, draft: Parameters<Federation['facts']['record']>[0]): Fact {
  const result = node?.federation.facts.record(draft);
  if (result?.ok !== true) throw new Error(`not recorded: ${JSON.stringify(result)}`);
  return result.value;
}

type Federation = RigNode['federation'];

function collect(node: RigNode): AcceptedFact[] {
  const told: AcceptedFact[] = [];
  node.federation.facts.onAccepted((facts) => told.push(...facts));
  return told;
}

function at(node: RigNode, source: NodeName, of: HostAddress): AcceptedFact | undefined {
  return node.federation.facts.accepted().find(({ fact }) => fact.source === source && fact.address === of);
}

function latest(node: RigNode, source: NodeName, of: HostAddress): Fact | undefined {
  return at(node, source, of)?.fact;
}

function typesOf(node: RigNode): readonly string[] {
  const facts = node.federation.facts.accepted().map(({ fact }) => `${fact.address} ${fact.type.split('.').at(-1)}`);
  return facts.toSorted();
}

function siteOf(node: NodeName): Fact['site'] {
  return RIG_SITES.get(node) ?? expect.fail(`no site of ${node}`);
}

/** Sound but for what it speaks of: on the subject that it names. */
function elsewhere(fact: Fact) {
  return { by: AWS_B, fact, on: fact };
}

function signed(rig: FederationRig, by: NodeName, fact: Fact): string {
  const signer = signerOf(rig.identities.get(by)?.seed ?? '');
  if (!signer.ok) throw new Error(signer.error.detail);
  return encodeFact(fact, signer.value.sign);
}
