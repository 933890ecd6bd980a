/** D10: sixty addresses over three equal routers at AWS; one is lost; the two left capture what their NICs have room for, and name the rest. */
import { bearAddresses } from '../many-addresses.ts';
import type { ProbedFlow } from '../evidence.ts';
import { ManyPings, type ProbedAddress } from '../measure/many-pings.ts';
import { cloudControl, MoveWatch, nicOf } from '../measure/move-watch.ts';
import { measureStages } from '../measure/stages.ts';
import { PROBE_INTERVAL_MS } from '../measure/traffic.ts';
import { powerOff, powerOn } from '../power.ts';
import { capturesOf, routerctl, type CaptureView } from '../router-orders.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { CAPACITY, THREE, THREE_AT_AWS } from '../three-at-aws.ts';
import { clientAt, type Router } from '../topology.ts';
import { waitUntil } from '../wait-until.ts';
import { OPERATOR } from './holders.ts';
import { amongEquals } from './loss.ts';

const MANY = Array.from({ length: 60 }, (_, index) => `10.77.60.${100 + index}`);
/** The LAN's client has an address of its own besides. */
const WANTED = [clientAt('onprem').address, ...MANY].toSorted();
const NAMES = THREE.map(({ name }) => name);
/** At most one assign for each NIC that gets addresses, and one more where the first came before the plan was whole. */
const CALLS_MAX = 4;
const DEADLINE_MS = 60_000;
/**
 * Of each router's share one address in so many is probed every 5 ms, as all flows are in the other scenarios, and the others ten times a second. All of
 * them every 5 ms are 12,200 probes a second through tunnels in user space: two quiet cores answer 9,200 of them, and have no time for the routers.
 */
const CLOSELY_ONE_OF = 4;
const ELSE_INTERVAL_MS = 100;
/** Two seconds until a silence counts as death, and one for everything else but the provider. */
const GAP_LIMIT_MS = 3000;

export const nPlusOne: Scenario = {
  id: 'D10',
  title: 'sixty addresses over three AWS routers, one of which is lost: captured again as far as NICs have room',
  asserts:
    'three fair shares; what stays does not move, what is lost is captured once as far as NICs have room, the rest is named; no gap of 3 s plus API time',
  seconds: 20,
  topology: THREE_AT_AWS,
  async run(stage) {
    await bearAddresses(stage.lab, MANY);
    await held(stage, { names: NAMES, count: WANTED.length });
    await amongEquals(stage, async () => loseOneOfThree(stage));
  },
};

/** What the registry says that these routers hold, by address; waits until it is that many and the NICs have just those. */
async function held(
  { lab }: Stage,
  { names, count }: { readonly names: readonly string[]; readonly count: number },
): Promise<readonly CaptureView[]> {
  let views: readonly CaptureView[] = [];
  let onNics: readonly string[] = [];
  return waitUntil(
    () => `${count} addresses on ${names.join(', ')} instead of ${views.length} and ${onNics.length} on NICs`,
    async () => {
      const all = await capturesOf(lab, OPERATOR, 'aws');
      views = all.filter(({ phase, holder }) => phase === 'held' && names.includes(holder ?? ''));
      const state = await cloudControl(lab, 'aws').state();
      onNics = names.flatMap((name) => nicOf(state, name).addresses).toSorted();
      const isSame = views.map(({ address }) => address).join(' ') === onNics.join(' ');
      return views.length === count && isSame ? views : undefined;
    },
    { deadlineMs: DEADLINE_MS, everyMs: 50 },
  );
}

function countsOf(views: readonly CaptureView[]): ReadonlyMap<string, number> {
  return new Map(NAMES.map((name) => [name, views.filter(({ holder }) => holder === name).length]));
}

async function loseOneOfThree(stage: Stage): Promise<void> {
  const { lab, evidence } = stage;
  const before = await held(stage, { names: NAMES, count: WANTED.length });
  const counts = countsOf(before);
  for (const [name, count] of counts) {
    evidence.check(
      `${name}: its share of ${WANTED.length}`,
      `1 to ${CAPACITY}`,
      `${count}`,
      count > 0 && count <= CAPACITY,
    );
  }
  evidence.check('captured, each on one NIC', WANTED.join(' '), before.map(({ address }) => address).join(' '));
  const lost = THREE.toSorted((a, b) => (counts.get(b.name) ?? 0) - (counts.get(a.name) ?? 0))[0];
  if (lost === undefined) throw new Error('no router to lose');
  const probes = probesOf(before);
  const pings = await ManyPings.start(lab.vm(clientAt('aws').name), probes);
  const watch = await MoveWatch.start(lab, 'aws');
  const zero = await powerOff(lab, lost);
  evidence.mark(`${lost.name}: power off`, zero);
  const { after, apiMs } = await judgeSuccession(stage, { lost, before, watch, zero });
  const captured = after.map(({ address }) => address);
  await pings.answering(captured, clientAt('aws').name);
  await judgeProbes(stage, { pings, probes, before, captured, lost, apiMs });
  await watch.stop(stage, 'lost');
  await comesBack(stage, lost, after);
}

interface Lost {
  readonly lost: Router;
  readonly before: readonly CaptureView[];
  readonly watch: MoveWatch;
  readonly zero: number;
}

async function judgeSuccession(
  stage: Stage,
  { lost, before, watch, zero }: Lost,
): Promise<{ readonly after: readonly CaptureView[]; readonly apiMs: number }> {
  const { lab, evidence } = stage;
  const left = NAMES.filter((name) => name !== lost.name);
  const room = Math.min(WANTED.length, left.length * CAPACITY);
  const after = await held(stage, { names: left, count: room });
  const heldNow = new Map(after.map((view) => [view.address, view]));
  const stayed = before.filter(({ holder }) => holder !== lost.name);
  const moved = stayed.filter(({ address, holder, epoch }) => {
    const now = heldNow.get(address);
    return now?.holder !== holder || now?.epoch !== epoch;
  });
  evidence.check(
    'captures of the routers left that moved',
    'none',
    moved.map(({ address }) => address).join(' ') || 'none',
  );
  const taken = after.filter(({ address }) => !stayed.some((view) => view.address === address));
  const skipped = taken.filter(
    ({ address, epoch }) => epoch !== (before.find((view) => view.address === address)?.epoch ?? 0) + 1,
  );
  evidence.check(
    'captures taken over under another epoch than the next',
    'none',
    skipped.map(({ address }) => address).join(' ') || 'none',
  );
  for (const [name, count] of countsOf(after)) evidence.count(`${name}: captures without ${lost.name}`, count);
  const unplaced = WANTED.filter((address) => !heldNow.has(address));
  await tellsOfUnplaced(stage, left, unplaced);
  const doneAt = Math.max(...taken.map(({ address, holder }) => watch.capturedAt(holder ?? '', [address]) ?? Infinity));
  const providerDoneAt = Number.isFinite(doneAt) ? doneAt : undefined;
  const calledAt = await watch.calledAt();
  for (const to of left)
    measureStages(stage, {
      name: `${lost.name} to ${to}`,
      from: lost.name,
      to,
      zero,
      calledAt,
      providerDoneAt,
      flows: [],
    });
  const calls = await watch.mutatingCalls();
  evidence.check('mutating API calls', `at most ${CALLS_MAX}`, `${calls.length}`, calls.length <= CALLS_MAX);
  evidence.checkMoves('moves in the fabric', { expected: taken.length, counted: watch.moves });
  evidence.file('captures-after.json', JSON.stringify(await capturesOf(lab, OPERATOR, 'aws'), undefined, 2));
  return { after, apiMs: Math.max(0, (providerDoneAt ?? 0) - (calledAt ?? 0)) };
}

/** Every router left names what nobody has room for. */
async function tellsOfUnplaced(
  { lab, evidence }: Stage,
  left: readonly string[],
  unplaced: readonly string[],
): Promise<void> {
  for (const name of left) {
    const { text } = await routerctl(lab, name, 'mobility', 'pools');
    evidence.file(`pools-${name}.txt`, text);
    const [, named = 'nothing'] = /no NIC here has room for: (.*)/.exec(text) ?? [];
    evidence.check(`${name} tells of those without room`, unplaced.join(', '), named.replaceAll('/32', ''));
  }
}

interface Probes {
  readonly pings: ManyPings;
  readonly probes: readonly ProbedAddress[];
  readonly before: readonly CaptureView[];
  readonly captured: readonly string[];
  readonly lost: Router;
  /** What the provider took. */
  readonly apiMs: number;
}

interface Probed {
  readonly intervalMs: number;
  /** By then: its router was lost, and another captures it. */
  readonly became: 'taken over' | 'kept';
}

/** One address in so many of each router's share closely. */
function probesOf(before: readonly CaptureView[]): readonly ProbedAddress[] {
  return [...Map.groupBy(before, ({ holder }) => holder).values()].flatMap((share) =>
    share.map(({ address }, index) => ({
      address,
      intervalMs: index % CLOSELY_ONE_OF === 0 ? PROBE_INTERVAL_MS : ELSE_INTERVAL_MS,
    })),
  );
}

async function judgeProbes(
  { evidence }: Stage,
  { pings, probes, before, captured, lost, apiMs }: Probes,
): Promise<void> {
  const from = clientAt('aws').name;
  const series = await pings.stop();
  const holders = new Map(before.map(({ address, holder }) => [address, holder]));
  const flows = probes.flatMap(({ address, intervalMs }): readonly (ProbedFlow & Probed)[] => {
    const probed = series.get(address);
    if (probed === undefined) return [];
    const { text, answered, lost: unanswered, ...times } = probed;
    evidence.file(`probes/${address}.txt`, text);
    if (!captured.includes(address)) return [];
    const became = holders.get(address) === lost.name ? 'taken over' : 'kept';
    const name = `${from}->${address}, ${became}`;
    return [{ name, sent: answered + unanswered.length, ...times, intervalMs, became }];
  });
  for (const { intervalMs, became: _, ...flow } of flows) if (intervalMs === PROBE_INTERVAL_MS) evidence.probed(flow);
  // Answers to AWS may have come by way of the lost router whoever captured the address: until it counts as lost they go there.
  for (const [which, limitMs] of [
    ['taken over', GAP_LIMIT_MS + apiMs],
    ['kept', GAP_LIMIT_MS],
  ] as const) {
    for (const everyMs of [PROBE_INTERVAL_MS, ELSE_INTERVAL_MS]) {
      const some = flows.filter(({ became, intervalMs }) => became === which && intervalMs === everyMs);
      const what = `${which}, ${some.length} addresses probed every ${everyMs} ms: longest gap between answers`;
      const longest = Math.max(0, ...some.map(({ longestGapMs }) => longestGapMs));
      evidence.measure(what, longest);
      const limit = `under ${limitMs.toFixed(0)} ms`;
      evidence.check(what, limit, `${longest.toFixed(0)} ms`, some.length > 0 && longest < limitMs);
    }
  }
}

/** What nobody had room for is its own again; the rest stays where it is. */
async function comesBack(stage: Stage, lost: Router, after: readonly CaptureView[]): Promise<void> {
  const { lab, evidence } = stage;
  await powerOn(lab, lost);
  evidence.mark(`${lost.name}: ready again`, Date.now());
  const all = await held(stage, { names: NAMES, count: WANTED.length });
  evidence.check(`with ${lost.name} back, captured`, WANTED.join(' '), all.map(({ address }) => address).join(' '));
  const moved = after.filter(({ address, holder }) => all.find((view) => view.address === address)?.holder !== holder);
  evidence.check('taken back among equals', 'none', moved.map(({ address }) => address).join(' ') || 'none');
}
