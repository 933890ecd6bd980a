/** The executors of `plugins/*`, as routerd starts them: inside a router, with its identity and no other help, against the emulated clouds. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CHECKOUT } from '../../src/lab-files.ts';
import { clientAt, CLOUDS, routersAt, type Cloud } from '../../src/topology.ts';
import { waitUntil } from '../../src/wait-until.ts';
import { openCloudRig, type CloudRig } from './cloud-rig.ts';

const API_VERSION = 'provideraction.routerd.net/v1alpha1';
const CAPTURED = '10.77.60.10';

interface Status {
  readonly status: string;
  readonly results?: readonly { readonly address: string; readonly status: string; readonly message: string }[];
  readonly nic?: { readonly addresses: readonly string[]; readonly forwarding: boolean };
  readonly error?: { readonly class: string; readonly message: string };
}

/** One executor process: a request, its answer, the next request. */
class Executor {
  readonly #cloud: Cloud;
  readonly #rig: CloudRig;
  readonly #name: string;
  readonly #child;
  readonly #lines;
  #errors = '';
  #count = 0;

  constructor(rig: CloudRig, cloud: Cloud, name: string) {
    this.#rig = rig;
    this.#cloud = cloud;
    this.#name = name;
    const main = path.join(CHECKOUT, 'plugins', cloud, 'src/main.ts');
    const vm = rig.guest(name);
    const [file, ...args] = vm.enter(['setpriv', '--pdeathsig', 'KILL', process.execPath, main]);
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', file, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...vm.environment(), NODE_EXTRA_CA_CERTS: rig.caFile },
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#child.stderr.on('data', (chunk: Buffer) => (this.#errors += chunk.toString('utf8')));
  }

  stop(): void {
    this.#child.stdin.end();
  }

  async observe(): Promise<Status> {
    return this.#ask('ObserveNicRequest', {});
  }

  async execute(action: string, captureEpoch: number, more: object = {}): Promise<Status> {
    const captureKey = `cloudedge|${CAPTURED}/32|provider:${this.#cloud}:placement:routers`;
    const addresses = [{ address: `${CAPTURED}/32`, captureKey, captureEpoch, ...more }];
    return this.#ask('ExecuteActionRequest', {
      action,
      addresses,
      mode: 'execute',
      attempt: `${this.#name}-${this.#count}`,
    });
  }

  async #ask(kind: string, more: object): Promise<Status> {
    const began = performance.now();
    const named = Object.fromEntries(
      this.#rig.config.instances.map(({ name }) => [`nicOf.${name}`, this.#rig.instance(name).nicId] as const),
    );
    const nic = {
      provider: this.#cloud,
      providerRef: this.#cloud,
      nicRef: this.#rig.instance(this.#name).nicId,
      target: { region: this.#rig.config.region, ...named },
    };
    const request = { apiVersion: API_VERSION, kind, id: `${++this.#count}`, spec: { nic, ...more } };
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`the executor ended: ${this.#errors}`);
    const what = 'action' in more ? String(more.action) : 'observe';
    this.#rig.time(`executor ${what}`, performance.now() - began);
    return (JSON.parse(line.value) as { readonly status: Status }).status;
  }
}

const done = { status: 'completed', results: [{ status: 'succeeded' }] };

describe.each(CLOUDS)('the executor of %s', (cloud) => {
  const [a = '', b = ''] = routersAt(cloud).map(({ name }) => name);
  const client = clientAt(cloud).name;
  let rig: CloudRig;
  let onA: Executor;
  let onB: Executor;

  beforeAll(async () => {
    rig = await openCloudRig(cloud, { delays: { mutationDelayMs: 50 } });
    for (const name of [a, b]) await rig.guest(name).ip([`addr add ${CAPTURED}/32 dev lo`]);
    onA = new Executor(rig, cloud, a);
    onB = new Executor(rig, cloud, b);
  });

  afterAll(async () => {
    onA.stop();
    onB.stop();
    await rig.close();
  });

  beforeEach(async () => {
    await rig.reset();
  });

  const mutations = async (): Promise<number> =>
    (await rig.control.journal()).filter(({ mutating, outcome }) => mutating && outcome?.status === 200).length;

  test('reads its NIC, opens forwarding once, and closes it again', async () => {
    expect(await onA.observe()).toMatchObject({ status: 'completed', nic: { addresses: [], forwarding: false } });
    expect(await onA.execute('ensure-forwarding-enabled', 1)).toMatchObject({ ...done, nic: { forwarding: true } });
    expect(await onA.execute('ensure-forwarding-enabled', 1)).toMatchObject({ status: 'completed' });
    expect(await mutations()).toBe(1);
    expect(await onA.execute('ensure-forwarding-disabled', 1)).toMatchObject({ ...done, nic: { forwarding: false } });
  });

  test('assigns, is seized by the other router, and unassigns; packets follow', async () => {
    expect(await onA.execute('assign-secondary-ip', 1)).toMatchObject({
      ...done,
      nic: { addresses: [`${CAPTURED}/32`] },
    });
    await rig.fabricHas(a, CAPTURED);
    expect(await rig.reaches(client, CAPTURED)).toBe(true);

    const refused = await onB.execute('assign-secondary-ip', 2);
    expect(refused).toMatchObject({ results: [{ status: 'failed', errorClass: 'held-elsewhere' }] });
    expect(await onB.execute('assign-secondary-ip', 2, { seizeFrom: a })).toMatchObject(done);
    await rig.fabricHas(b, CAPTURED);
    await rig.guest(a).ip([`addr del ${CAPTURED}/32 dev lo`]);
    expect(await rig.reaches(client, CAPTURED)).toBe(true);
    await rig.guest(a).ip([`addr add ${CAPTURED}/32 dev lo`]);

    expect(await onA.execute('unassign-secondary-ip', 1)).toMatchObject({ status: 'completed' });
    expect((await rig.control.state()).nics[1]?.controlPlane.addresses).toContain(CAPTURED);
    expect(await onB.execute('unassign-secondary-ip', 2)).toMatchObject({ ...done, nic: { addresses: [] } });
    await waitUntil('the release', async () => !(await rig.pings(client, CAPTURED)) || undefined, {
      deadlineMs: 30_000,
    });
  });

  test('assigning twice makes one change', async () => {
    expect(await onA.execute('assign-secondary-ip', 3)).toMatchObject(done);
    const before = await mutations();
    expect(await onA.execute('assign-secondary-ip', 3)).toMatchObject({ status: 'completed' });
    expect(await mutations()).toBe(before);
  });

  test('finds out what came of a change whose answer was lost', async () => {
    const write = { aws: 'AssignPrivateIpAddresses', azure: 'networkInterfaces.put', oci: 'CreatePrivateIp' }[cloud];
    await rig.control.layFault({ operation: write, kind: 'reset-after' });
    const outcome = await onA.execute('assign-secondary-ip', 4);
    const lost = outcome.error?.class === 'unknown-outcome' || JSON.stringify(outcome).includes('unknown-outcome');
    expect(lost || outcome.results?.[0]?.status === 'succeeded').toBe(true);
    expect((await rig.control.state()).nics[0]?.controlPlane.addresses).toContain(CAPTURED);
  });

  test('calls throttling by its name', async () => {
    const write = { aws: 'AssignPrivateIpAddresses', azure: 'networkInterfaces.put', oci: 'CreatePrivateIp' }[cloud];
    await rig.control.layFault({ operation: write, kind: 'throttle', count: 10 });
    expect(JSON.stringify(await onA.execute('assign-secondary-ip', 5))).toContain('"throttled"');
  });
});
