/** Everything that a move of captures shows from outside of the routers: what fabrics carry where, what was asked of the vendors, where remote kernels send. */
import { controlSocket } from '../cloud-accounts.ts';
import { CloudControl, type FabricWatch } from '../cloud/control-client.ts';
import type { CloudState, FabricEvent, JournalEntry } from '../cloud/control-messages.ts';
import type { Lab } from '../lab.ts';
import type { Stage } from '../scenario.ts';
import { clientAt, type EmulatedCloud, type Router } from '../topology.ts';
import { lastOf } from './figures.ts';
import { RouteWatch } from './route-watch.ts';

export function cloudControl(lab: Lab, cloud: EmulatedCloud): CloudControl {
  return new CloudControl(controlSocket(lab.files, cloud));
}

/** The state of one router's NIC, as the vendor's API tells it. */
export function nicOf(
  state: CloudState,
  router: string,
): { readonly addresses: readonly string[]; readonly forwarding: boolean } {
  const nic = state.nics.find(({ instance }) => instance === router);
  const [, ...addresses] = nic?.controlPlane.addresses ?? [];
  return { addresses: addresses.toSorted(), forwarding: nic?.controlPlane.forwarding ?? false };
}

export class MoveWatch {
  readonly cloud: EmulatedCloud;
  readonly events: FabricEvent[] = [];
  readonly #control: CloudControl;
  readonly #since: number;
  readonly #routes: ReadonlyMap<string, RouteWatch>;
  #fabric: FabricWatch | undefined;

  private constructor(
    cloud: EmulatedCloud,
    control: CloudControl,
    since: number,
    routes: ReadonlyMap<string, RouteWatch>,
  ) {
    this.cloud = cloud;
    this.#control = control;
    this.#since = since;
    this.#routes = routes;
  }

  /** Resolves when nothing can be missed any more. */
  static async start(lab: Lab, cloud: EmulatedCloud): Promise<MoveWatch> {
    const control = cloudControl(lab, cloud);
    const remote: readonly Router[] = lab.topology.federated.filter(({ site }) => site !== cloud);
    const [journal, routes] = await Promise.all([
      control.journal(),
      Promise.all(remote.map(async ({ name }) => [name, await RouteWatch.start(lab.vm(name))] as const)),
    ]);
    const watch = new MoveWatch(cloud, control, journal.at(-1)?.sequence ?? 0, new Map(routes));
    watch.#fabric = await control.watch((event) => watch.events.push(event));
    return watch;
  }

  /** When the fabric began to carry the last of these addresses to the router; `undefined` while one is missing. */
  capturedAt(holder: string, addresses: readonly string[]): number | undefined {
    return lastOf(addresses.map((address) => this.#lastCapture(holder, address)));
  }

  #lastCapture(holder: string, address: string): number | undefined {
    const found = this.events.findLast(
      (event) => event.event === 'fabric.captured' && event.address === address && event.holder === holder,
    );
    return found?.at;
  }

  /** How many times the fabric was told to carry an address to another router. */
  get moves(): number {
    return this.events.filter((event) => event.event === 'fabric.captured').length;
  }

  /** The longest time in which the fabric carried one of the addresses to nobody, because one call took it away and a later one gave it. */
  get longestVacancyMs(): number {
    let longest = 0;
    const releasedAt = new Map<string, number>();
    for (const event of this.events) {
      if (event.event === 'fabric.released') releasedAt.set(event.address, event.at);
      if (event.event !== 'fabric.captured') continue;
      longest = Math.max(longest, event.at - (releasedAt.get(event.address) ?? event.at));
      releasedAt.delete(event.address);
    }
    return longest;
  }

  /** When the last remote kernel had another way to the cloud's client; `undefined` when one never got it. */
  get deliveryMovedAt(): number | undefined {
    return lastOf([...this.#routes.values()].map((watch) => watch.installedAt(clientAt(this.cloud).address)));
  }

  /** When the first change was asked of the vendor since the watch began. */
  async calledAt(): Promise<number | undefined> {
    return (await this.mutatingCalls())[0]?.at;
  }

  async mutatingCalls(): Promise<readonly JournalEntry[]> {
    return (await this.#control.journal(this.#since)).filter(({ mutating }) => mutating);
  }

  /**
   * How many changes a move of that many addresses takes at the vendor: AWS one for all, Azure one at each of two NICs, OCI one an address. Twice as many are let
   * pass, and two for a check that is switched: on a busy machine claims come too late for the first call, and ETags are overtaken.
   */
  async checkCalls({ evidence }: Stage, during: string, addresses: number): Promise<void> {
    const calls = (await this.mutatingCalls()).length;
    const least = { aws: 1, azure: 2, oci: addresses, gcp: 2 }[this.cloud];
    const limit = 2 * least + 2;
    evidence.check(`${this.cloud} ${during}: mutating API calls`, `${least} to ${limit}`, `${calls}`, calls <= limit);
  }

  /** Keeps what it saw. */
  async stop({ evidence }: Stage, during: string): Promise<void> {
    this.#fabric?.stop();
    const dir = `${this.cloud}-${during.replaceAll(/[^a-z0-9]+/gi, '-')}`;
    evidence.file(`${dir}/fabric.txt`, this.events.map((event) => JSON.stringify(event)).join('\n'));
    for (const [name, watch] of this.#routes) {
      watch.stop();
      evidence.file(`${dir}/routes-${name}.txt`, watch.lines.join('\n'));
    }
    const calls = await this.mutatingCalls();
    evidence.file(`${dir}/calls.txt`, calls.map((entry) => JSON.stringify(entry)).join('\n'));
    evidence.count(`${this.cloud} ${during}: mutating API calls`, calls.length);
  }
}
