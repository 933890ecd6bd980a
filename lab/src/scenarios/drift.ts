/**
 * R2: what routers hold is changed behind their backs at three vendors at once, as somebody at the console would: an address is taken off, transit
 * is switched off, an address is put on the standby's NIC. Each is seen when the NIC is read again, about once a minute, and put right under
 * the tenure that stands: by the holder, and off the standby's NIC by the standby. Then an operator looks at what it came to.
 */
import { z } from 'zod';
import type { CloudControl } from '../cloud/control-client.ts';
import type { Lab } from '../lab.ts';
import { cloudControl, nicOf } from '../measure/move-watch.ts';
import { captureText, routerctl } from '../router-orders.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { FOUR_SITES, type EmulatedCloud } from '../topology.ts';
import { seenWithin } from '../wait-until.ts';
import { pingAll } from './flow-checks.ts';
import { flow, preferred, settled, standby } from './holders.ts';

/** A NIC is read every 45 to 75 s; the standby's may be the last, and what it held back is then tried again within half a minute. */
const REPAIR_DEADLINE_MS = 180_000;
const LOOK_EVERY_MS = 50;

interface Drift {
  readonly cloud: EmulatedCloud;
  readonly what: string;
  readonly happen: (control: CloudControl, addresses: readonly string[]) => Promise<void>;
  /** Who may have asked the vendor for changes while it was put right. */
  readonly by: readonly string[];
}

const DRIFTS: readonly Drift[] = [
  {
    cloud: 'aws',
    what: 'an address taken off the NIC',
    happen: async (control, [address = '']) => control.changeAddresses(preferred('aws'), { unassign: [address] }),
    by: [preferred('aws')],
  },
  {
    cloud: 'azure',
    what: 'transit switched off',
    happen: async (control) => control.setForwarding(preferred('azure'), false),
    by: [preferred('azure')],
  },
  {
    cloud: 'oci',
    what: "an address put on the standby's NIC",
    happen: async (control, [address = '']) =>
      control.changeAddresses(standby('oci'), { assign: [address], takeOver: true }),
    by: [preferred('oci'), standby('oci')],
  },
];

export const drift: Scenario = {
  id: 'R2',
  title: 'NICs changed by hand at three vendors: seen, and put right by who they belong to',
  asserts:
    'every NIC as it was, no tenure changed, no vendor asked for a change by any other router; routerctl action tells it',
  seconds: 110,
  topology: FOUR_SITES,
  isLong: true,
  async run(stage) {
    await Promise.all(DRIFTS.map(async (each) => putRight(stage, each)));
    await pingAll(
      stage,
      DRIFTS.map(({ cloud }) => flow(cloud, 'onprem')),
    );
    await operatorLooks(stage, preferred('aws'));
  },
};

async function putRight({ lab, evidence }: Stage, { cloud, what, happen, by }: Drift): Promise<void> {
  const name = `${cloud}, ${what}`;
  const control = cloudControl(lab, cloud);
  const before = await settled(lab, cloud, preferred(cloud));
  const nics = await nicsOf(control, cloud);
  const since = (await control.journal()).at(-1)?.sequence ?? 0;
  const zero = Date.now();
  evidence.mark(name, zero);
  await happen(
    control,
    before.map(({ address }) => address),
  );
  evidence.check(
    `${name}: the NICs are not as they were`,
    'yes',
    (await nicsOf(control, cloud)) === nics ? 'no' : 'yes',
  );
  const isRight = async (): Promise<true | undefined> => (await nicsOf(control, cloud)) === nics || undefined;
  const right = await seenWithin(REPAIR_DEADLINE_MS, isRight, LOOK_EVERY_MS);
  evidence.measure(`${name}: put right after`, right === undefined ? undefined : Date.now() - zero);
  evidence.check(`${name}: the NICs of both routers`, nics, await nicsOf(control, cloud));
  const changes = (await control.journal(since)).filter(({ service, mutating }) => service === 'api' && mutating);
  const others = changes.filter(({ principal }) => !by.includes(principal)).map(({ principal }) => principal);
  evidence.check(`${name}: changes asked for by other routers`, 'none', others.join(' ') || 'none');
  const after = await settled(lab, cloud, preferred(cloud));
  evidence.check(`${name}: captures in the registry`, captureText(before), captureText(after));
}

async function nicsOf(control: CloudControl, cloud: EmulatedCloud): Promise<string> {
  const state = await control.state();
  return [preferred(cloud), standby(cloud)]
    .map((router) => {
      const { addresses, forwarding } = nicOf(state, router);
      return `${router}: ${addresses.join(' ') || 'none'}, transit ${forwarding ? 'on' : 'off'}`;
    })
    .join('; ');
}

const listed = z.object({
  items: z.array(z.object({ id: z.number(), verb: z.string(), status: z.string(), attempts: z.number() })),
});

/** Every order that `routerctl action` has, to a daemon that has just been at work at a vendor's API. */
async function operatorLooks(stage: Stage, router: string): Promise<void> {
  const { lab, evidence } = stage;
  const said = async (...words: readonly string[]): Promise<string> => {
    const { ok, text } = await routerctl(lab, router, 'action', ...words);
    evidence.file(`action-${words.join('-').replaceAll('--', '')}.txt`, text);
    return `${ok ? 'done' : 'refused'}: ${text}`;
  };
  const expectSaid = async (words: readonly string[], wanted: RegExp): Promise<void> => {
    const text = await said(...words);
    const isAsWanted = wanted.test(text);
    evidence.check(`routerctl action ${words.join(' ')}`, `${wanted}`, isAsWanted ? `${wanted}` : text);
  };
  await expectSaid(['import'], /^done: \d+ wanted by the plan, 0 imported now, 0 stale/);
  const assigned = await rowOf(lab, router, 'assign-secondary-ip');
  evidence.check(
    'the repair is another attempt of the same action',
    '2 or more',
    `${assigned.attempts}`,
    assigned.attempts >= 2,
  );
  const id = `${assigned.id}`;
  const { text: table } = await routerctl(lab, router, 'action', 'list');
  evidence.file('action-list.txt', table);
  evidence.check('the columns of routerctl action list', 'line up', columnsLineUp(table) ? 'line up' : table);
  await expectSaid(['list', '-o', 'yaml'], /^done: items:\n {2}- id: /);
  await expectSaid(['show', id], /^done: Action: +\d+\n[^]*\nStatus: +succeeded\n/);
  await expectSaid(['show', id, '-o', 'json'], /^done: \{\n {2}"id": /);
  await expectSaid(['journal', id], /^done: ATTEMPT +ACTIONS +STARTED +TOOK +OUTCOME\n(.+ms +.*succeeded.*\n?){2,}/);
  await expectSaid(['execute', id], /^refused: [^]*Say which/);
  await expectSaid(['execute', id, '--dry-run'], /^done: dry run of action \d+: succeeded: alreadyPresent/);
  await expectSaid(['execute', id, '--approved'], /^done: action \d+ is succeeded already/);
  await expectSaid(['approve', id], /^refused: [^]*not pending/);
  await expectSaid(['retry', id], /^refused: [^]*not failed/);
  await expectSaid(['rollback', id], /^refused: [^]*(allowUndo|drain)/);
  await expectSaid(['show', '999999'], /^refused: [^]*action 999999 not found/);
  await expectSaid(['prune', '--older-than', '24h'], /^done: \d+ finished actions forgotten/);
}

async function rowOf(lab: Lab, router: string, verb: string): Promise<z.output<typeof listed>['items'][number]> {
  const { text } = await routerctl(lab, router, 'action', 'list', '-o', 'json');
  const rows = listed.parse(JSON.parse(text)).items.filter((each) => each.verb === verb && each.status === 'succeeded');
  const [most] = rows.toSorted((a, b) => b.attempts - a.attempts);
  if (most === undefined) throw new Error(`${router}: no ${verb} has succeeded`);
  return most;
}

/** Wherever a title begins, a blank stands before it in every line. */
function columnsLineUp(table: string): boolean {
  const [titles = '', ...rows] = table.split('\n');
  const starts = [...titles.matchAll(/\S+(?: \S+)*/g)].map(({ index }) => index).filter((index) => index > 0);
  return rows.length > 0 && rows.every((row) => starts.every((start) => row.length < start || row[start - 1] === ' '));
}
