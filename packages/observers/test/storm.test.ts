/** Facts, failures, restarts and a store that refuses, drawn from a seed: what holds at every step, and what holds when it is over. */
import { identityOf, ofKind } from '@routerd/resources';
import { expect, test } from 'vitest';
import { eventOf, isMatch } from '../src/fact-event.ts';
import { RUNS_MAX } from '../src/plan-runs.ts';
import {
  configuration,
  fact,
  failure,
  observation,
  openRig,
  route,
  type Asked,
  type ObserverRig,
} from './observer-rig.ts';

const SEEDS = 60;
const STEPS = 80;

const STARTUP = configuration(`apiVersion: plugin.routerd.net/v1alpha1
kind: Plugin
metadata: { name: shared }
spec:
  executable: /usr/bin/true
  capabilities: [propose.dynamicConfig]
  triggers: [{ type: interval, every: 20s }]
---
apiVersion: plugin.routerd.net/v1alpha1
kind: Plugin
metadata: { name: listener }
spec:
  executable: /usr/bin/true
  capabilities: [observe.cloud]
  triggers: [{ type: event, topic: routerd.client.ipv4.observed }]
---
apiVersion: federation.routerd.net/v1alpha1
kind: EventSubscription
metadata: { name: windowed }
spec:
  groupRef: fleet
  match: { types: [routerd.client.ipv4.observed, routerd.client.ipv4.expired] }
  trigger: { pluginRef: shared, batchWindow: 3s }
---
apiVersion: federation.routerd.net/v1alpha1
kind: EventSubscription
metadata: { name: picky }
spec:
  groupRef: fleet
  match: { types: [routerd.client.ipv4.observed], sourceNodes: [aws-a], subjectPrefixes: [10.77.60.1] }
  trigger: { pluginRef: shared, debounce: 1s }
`);
const SUBSCRIPTIONS = ofKind(STARTUP, 'EventSubscription');

function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

class Storm {
  rig: ObserverRig = openRig(STARTUP);
  readonly asked: Asked[] = [];
  readonly violations: string[] = [];
  /** Ids of events that a subscription must have handed over, by its name. */
  readonly owed = new Map(SUBSCRIPTIONS.map(({ metadata }) => [metadata.name, new Set<string>()]));
  readonly #random: (below: number) => number;
  #facts = 0;
  #refuses = false;

  constructor(seed: number) {
    this.#random = randomOf(seed);
  }

  async step(): Promise<void> {
    const draw = this.#random(100);
    if (draw < 40) this.#accept();
    else if (draw < 65) await this.rig.pass(this.#random(4000));
    else if (draw < 90) await this.#answer();
    else if (draw < 95) await this.restart();
    else this.#refuse(!this.#refuses);
    this.#look();
  }

  /** Faults end; every run succeeds, until nothing waits. */
  async calm(): Promise<void> {
    this.#refuse(false);
    for (let turn = 0; turn < 60; turn++) {
      for (const asked of this.rig.runner.underWay()) asked.answer(observation());
      await this.rig.pass(1000);
      this.#look();
    }
  }

  async restart(): Promise<void> {
    this.asked.push(...this.rig.runner.asked);
    const refused = this.#refuses;
    this.#refuse(false);
    this.rig = await this.rig.restart();
    if (refused) this.#refuse(true);
  }

  #accept(): void {
    this.#facts += 1;
    const source = this.#random(2) === 0 ? 'aws-a' : 'onprem-a';
    const type = this.#random(4) === 0 ? 'routerd.client.ipv4.expired' : 'routerd.client.ipv4.observed';
    const accepted = fact(`f${this.#facts}`, `10.77.60.${8 + this.#random(5)}/32`, {
      source,
      type,
      acceptedAt: this.rig.clock.now(),
      ttlMs: 3_600_000,
    });
    const event = eventOf(accepted);
    // While the store refuses, a fact can be superseded before it was ever kept.
    if (!this.#refuses)
      for (const { metadata, spec } of SUBSCRIPTIONS)
        if (isMatch(spec, event)) this.owed.get(metadata.name)?.add(event.id);
    this.rig.facts.accept(accepted);
  }

  async #answer(): Promise<void> {
    const under = this.rig.runner.underWay();
    const one = under[this.#random(under.length)];
    if (one === undefined) return;
    const { events } = one.request.spec;
    const resources = events
      .filter(({ type }) => type.endsWith('observed'))
      .map(({ id, subject }) =>
        route(`to-${subject.replaceAll(/\D/g, '-')}${this.#random(2)}`, subject, { 'routerd.net/event-id': id }),
      )
      .filter((each, index, all) => all.findIndex((other) => identityOf(other) === identityOf(each)) === index);
    const draw = this.#random(4);
    one.answer(
      draw === 0
        ? failure('plugin.failed', 'failed')
        : observation({ resources: one.plugin === 'shared' ? resources : [] }),
    );
    await this.rig.pass(0);
  }

  /** Both stores at once, as a full disk does. */
  #refuse(refuses: boolean): void {
    this.#refuses = refuses;
    for (const store of [this.rig.runs, this.rig.parts]) refuseWrites(store, refuses);
  }

  #look(): void {
    const under = this.rig.runner.underWay().map(({ plugin }) => plugin);
    if (new Set(under).size < under.length) this.violations.push(`two runs of one plugin: ${under.join()}`);
    if (under.length > RUNS_MAX) this.violations.push(`${under.length} runs at one time`);
    const now = this.rig.clock.now();
    for (const { metadata } of SUBSCRIPTIONS) {
      const newest = this.rig.parts
        .list()
        .filter((part, index, all) => all.findIndex(({ source }) => source === part.source) === index)
        .filter(({ source, expiresAt }) => source.startsWith(`EventSubscription/${metadata.name}/`) && expiresAt > now);
      const identities = newest.flatMap((part) => ('resources' in part ? part.resources.map(identityOf) : []));
      if (new Set(identities).size < identities.length) this.violations.push(`said twice: ${identities.join()}`);
    }
  }

  handed(subscription: string): ReadonlySet<string> {
    const all = [...this.asked, ...this.rig.runner.asked];
    const own = all.filter(({ request }) => request.spec.trigger.topic.endsWith(`/${subscription}`));
    return new Set(own.flatMap(({ request }) => request.spec.events.map(({ id }) => id)));
  }
}

const WRITES = ['appendRun', 'enterEvents', 'settleEvents', 'put', 'withdraw'];

/** Puts methods of a store in front of its own, or takes them away again. */
function refuseWrites(store: object, refuses: boolean): void {
  for (const name of WRITES) {
    const original: unknown = Reflect.get(store, `own:${name}`) ?? Reflect.get(store, name);
    if (original === undefined) continue;
    Reflect.set(store, `own:${name}`, original);
    const refusal = (): never => {
      throw new Error('disk full');
    };
    Reflect.set(store, name, refuses ? refusal : original);
  }
}

test('every event that was kept is handed over, one run at a time, and nobody says a thing twice', async () => {
  let handedOver = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const storm = new Storm(seed);
    for (let step = 0; step < STEPS; step++) await storm.step();
    await storm.calm();
    expect(storm.violations, `seed ${seed}`).toEqual([]);
    for (const [subscription, owed] of storm.owed) {
      const handed = storm.handed(subscription);
      const missing = [...owed].filter((id) => !handed.has(id));
      expect(missing, `seed ${seed}, ${subscription}`).toEqual([]);
      expect(storm.rig.runs.events(subscription, 'waiting'), `seed ${seed}, ${subscription}`).toEqual([]);
      handedOver += owed.size;
    }
    const phases = storm.rig.observers.subscriptions().map(({ phase }) => phase);
    expect(
      phases.filter((phase) => phase === 'Waiting' || phase === 'Pending'),
      `seed ${seed}`,
    ).toEqual([]);
    await storm.rig.observers.stop();
  }
  expect(handedOver).toBeGreaterThan(SEEDS * 10);
});
