/** G1: the LAN and GCP: capture by alias IP, flows both ways, and a drain from one GCP router to the other under traffic. */
import { directedFlows } from '../client-flows.ts';
import { ONPREM_AND_GCP } from '../gcp-site.ts';
import type { Lab } from '../lab.ts';
import { cloudControl, MoveWatch, nicOf } from '../measure/move-watch.ts';
import { measureStages } from '../measure/stages.ts';
import { checkVacancyLoss, Traffic } from '../measure/traffic.ts';
import { captureText, routerctl, type CaptureView } from '../router-orders.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { clientAt } from '../topology.ts';
import { seenWithin } from '../wait-until.ts';
import { nothingTranslates, pingAll, sshAll } from './flow-checks.ts';
import { flow, OPERATOR, preferred, settled, standby } from './holders.ts';

const SETTLE_DEADLINE_MS = 15_000;
const TRAFFIC = { pings: [flow('gcp', 'onprem'), flow('onprem', 'gcp')], copies: [flow('gcp', 'onprem')] } as const;

export const g1: Scenario = {
  id: 'G1',
  title: 'the LAN and GCP: alias IPs capture, both ways connect, and gcp-router-a is drained and taken back',
  asserts:
    'captured and reached both ways; drained and taken back, each address once; only what lies between the two calls is lost',
  seconds: 20,
  topology: ONPREM_AND_GCP,
  isLong: true,
  async run(stage) {
    const { lab, evidence } = stage;
    const held = await settled(lab, 'gcp', preferred('gcp'));
    const captured = clientAt('onprem').address;
    evidence.check('captured at GCP', captured, held.map(({ address }) => address).join(' '));
    const nic = nicOf(await cloudControl(lab, 'gcp').state(), preferred('gcp'));
    evidence.check(`alias IPs of ${preferred('gcp')}`, captured, nic.addresses.join(' '));
    evidence.check(`${preferred('gcp')} can forward`, 'yes', nic.forwarding ? 'yes' : 'no');
    evidence.check('the metadata server tells its alias IPs', `${captured}/32`, await aliasesInMetadata(lab));
    const flows = directedFlows(lab.topology.clients);
    await pingAll(stage, flows);
    await sshAll(stage, flows);
    await drainsAtGcp(stage);
    await pingAll(stage, flows);
    await nothingTranslates(stage, lab.topology.routers);
  },
};

/** Under traffic, and back: only what lies between the two calls of a move is lost. */
export async function drainsAtGcp(stage: Stage): Promise<void> {
  const [first, second] = [preferred('gcp'), standby('gcp')];
  await moves(stage, { from: first, to: second, how: 'drained' }, ['drain', first, '--wait']);
  await moves(stage, { from: second, to: first, how: 'taken back' }, ['undrain', first]);
}

/** What the machine itself sees of the capture: the sign that the host knows. */
async function aliasesInMetadata(lab: Lab): Promise<string> {
  const url = 'http://169.254.169.254/computeMetadata/v1/instance/network-interfaces/0/ip-aliases/?recursive=true';
  const fetchIt = `fetch('${url}',{headers:{'Metadata-Flavor':'Google'}}).then((r)=>r.json()).then((v)=>console.log(v.join(' ')))`;
  return (await lab.vm(preferred('gcp')).output([process.execPath, '-e', fetchIt])).trim();
}

interface Way {
  readonly from: string;
  readonly to: string;
  readonly how: string;
}

/** GCP has no call that moves an alias: it is taken from one NIC and then given to the other, and nobody has it in between. */
async function moves(stage: Stage, way: Way, order: readonly string[]): Promise<void> {
  const { lab, evidence } = stage;
  const { from, to, how } = way;
  const before = await settled(lab, 'gcp', from);
  const watch = await MoveWatch.start(lab, 'gcp');
  const traffic = await Traffic.start(lab, TRAFFIC);
  const zero = Date.now();
  evidence.mark(`${from}: ${order.join(' ')}`, zero);
  const said = await routerctl(lab, OPERATOR, ...order);
  evidence.check(`routerctl ${order.join(' ')}`, 'done', said.ok ? 'done' : said.text);
  const after = await settled(lab, 'gcp', to);
  await judgeMove(stage, way, { before, after, watch });
  const probed = await traffic.stop(stage, how);
  const providerDoneAt = watch.capturedAt(
    to,
    before.map(({ address }) => address),
  );
  const calledAt = await watch.calledAt();
  measureStages(stage, { name: `gcp ${how}`, from, to, zero, calledAt, providerDoneAt, flows: probed });
  evidence.measure(`gcp ${how}: an address was on no NIC for at most`, watch.longestVacancyMs);
  checkVacancyLoss(stage, probed, watch.longestVacancyMs);
  await watch.stop(stage, how);
}

async function judgeMove(
  { lab, evidence }: Stage,
  { from, to, how }: Way,
  {
    before,
    after,
    watch,
  }: { readonly before: readonly CaptureView[]; readonly after: readonly CaptureView[]; readonly watch: MoveWatch },
): Promise<void> {
  const addresses = before.map(({ address }) => address);
  const expected = before.map((view) => ({ ...view, holder: to, epoch: view.epoch + 1 }));
  evidence.check(`gcp ${how}: captures in the registry`, captureText(expected), captureText(after));
  await seenWithin(SETTLE_DEADLINE_MS, () => watch.capturedAt(to, addresses));
  const state = await cloudControl(lab, 'gcp').state();
  evidence.check(`gcp ${how}: alias IPs of ${to}`, addresses.join(' '), nicOf(state, to).addresses.join(' '));
  evidence.check(`gcp ${how}: alias IPs left on ${from}`, 'none', nicOf(state, from).addresses.join(' ') || 'none');
  evidence.checkMoves(`gcp ${how}: moves in the fabric`, { expected: addresses.length, counted: watch.moves });
}
