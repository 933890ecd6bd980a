/** When a cloud's fabric began to send an address' packets to a router, and to which: the emulator's events, and its kernel's route. */
import { controlSocket } from '../cloud-accounts.ts';
import { CloudControl, type FabricWatch as EventWatch } from '../cloud/control-client.ts';
import type { Lab } from '../lab.ts';
import type { Cloud } from '../topology.ts';

export class FabricWatch {
  readonly lines: string[] = [];
  readonly #captured = new Map<string, number>();
  readonly #lab: Lab;
  readonly #cloud: Cloud;
  #events: EventWatch | undefined;

  private constructor(lab: Lab, cloud: Cloud) {
    this.#lab = lab;
    this.#cloud = cloud;
  }

  static async start(lab: Lab, cloud: Cloud): Promise<FabricWatch> {
    const watch = new FabricWatch(lab, cloud);
    watch.#events = await new CloudControl(controlSocket(lab.files, cloud)).watch((event) => {
      watch.lines.push(JSON.stringify(event));
      if (event.event !== 'fabric.captured' || watch.#captured.has(event.address)) return;
      watch.#captured.set(event.address, event.at);
    });
    return watch;
  }

  /** First capture since the watch began: wall clock of this machine, milliseconds. */
  capturedAt(address: string): number | undefined {
    return this.#captured.get(address);
  }

  /** The machine that the fabric's kernel routes the address to: `via <primary> dev e-router-a`. At most one; none while nobody has it. */
  async holdersOf(address: string): Promise<readonly string[]> {
    const routes = await this.#lab.vm(`${this.#cloud}-fabric`).ipOutput('-4', 'route', 'show', `${address}/32`);
    return [...routes.matchAll(/ dev e-(\S+)/g)].map(([, guest = '']) => `${this.#cloud}-${guest}`);
  }

  stop(): void {
    this.#events?.stop();
  }
}
