/**
 * The fabric of one cloud, in the network namespace this process runs in. One writer: every change goes through one queue, in the order in
 * which the control plane accepted them, each not before its time.
 */
import { writeFile } from 'node:fs/promises';
import type { Monotonic } from '@routerd/resources';
import { runCommand, type Clock, type CommandFault, type Log } from '@routerd/runtime';
import type { CloudConfig } from './cloud-config.ts';
import { fabricPlumbing, fabricRuleset, fabricSettings, portPlumbing } from './fabric-rules.ts';
import { fabricViewOf, planFabric, routeTo, type FabricView } from './fabric-view.ts';
import { createAddressSpace } from './address-space.ts';
import type { FabricEvent } from './control-messages.ts';

export interface FabricParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Told when the kernel has it. */
  readonly onEvent: (event: FabricEvent) => void;
}

interface Due {
  readonly view: FabricView;
  readonly at: Monotonic;
}

export class Fabric {
  readonly #config: CloudConfig;
  readonly #parts: FabricParts;
  readonly #primaries: ReadonlyMap<string, string>;
  readonly #names: ReadonlyMap<string, string>;
  readonly #stopped = new AbortController();
  #applied: FabricView;
  #poweredOff: ReadonlySet<string> = new Set();
  #due: readonly Due[] = [];
  #work: Promise<void> = Promise.resolve();

  private constructor(config: CloudConfig, parts: FabricParts) {
    this.#config = config;
    this.#parts = parts;
    this.#primaries = new Map(config.instances.map(({ device, privateIp }) => [device, privateIp]));
    this.#names = new Map(config.instances.map(({ device, name }) => [device, name]));
    this.#applied = fabricViewOf(createAddressSpace(config));
  }

  /** Brings the namespace into the state in which every NIC has its primary address alone. Throws with what refused. */
  static async start(config: CloudConfig, parts: FabricParts): Promise<Fabric> {
    const devices = config.instances.map(({ device }) => device);
    for (const [key, value] of fabricSettings(devices)) await writeFile(`/proc/sys/net/ipv4/${key}`, value);
    await mustRun(['nft', '-f', '-'], fabricRuleset(config));
    await mustRun(['ip', '-batch', '-'], lines(fabricPlumbing(config)));
    return new Fabric(config, parts);
  }

  /** Device → what the kernel does now. */
  get applied(): FabricView {
    return this.#applied;
  }

  get poweredOff(): ReadonlySet<string> {
    return this.#poweredOff;
  }

  /** @param at when packets follow; of several that are due only the last is applied */
  follow(view: FabricView, at: Monotonic): void {
    this.#due = [...this.#due, { view, at }];
    void this.#enqueue(async () => this.#applyDue());
  }

  /** A machine without power sends and gets nothing; its NIC keeps its addresses. */
  async setPower(device: string, power: 'on' | 'off'): Promise<void> {
    await this.#enqueue(async () => {
      const isOff = this.#poweredOff.has(device);
      if (power === 'off' && !isOff) await this.#nft([`add element ip fabric powered_off { "${device}" }`]);
      if (power === 'on') {
        await this.#ip(this.#portLines(device)); // its cable may have been unplugged, and the kernel forgets routes then
        if (isOff) await this.#nft([`delete element ip fabric powered_off { "${device}" }`]);
      }
      const others = [...this.#poweredOff].filter((other) => other !== device);
      this.#poweredOff = new Set(power === 'off' ? [...others, device] : others);
    });
  }

  #portLines(device: string): readonly string[] {
    const instance = this.#config.instances.find((each) => each.device === device);
    const held = [...this.#applied.holders].filter(([, holder]) => holder === device).map(([address]) => address);
    const primary = this.#primaries.get(device);
    return [
      ...(instance === undefined ? [] : portPlumbing(instance)),
      ...held.map((address) => routeTo(address, device, primary)),
    ];
  }

  /** Packets and bytes dropped, by counter name. */
  async counters(): Promise<Readonly<Record<string, number>>> {
    const result = await runCommand(['nft', '-j', 'list', 'counters', 'table', 'ip', 'fabric']);
    if (!result.ok) return {};
    const listing: { nftables: readonly { counter?: { name: string; packets: number } }[] } = JSON.parse(
      result.value.stdout,
    );
    return Object.fromEntries(
      listing.nftables.flatMap(({ counter }) => (counter === undefined ? [] : [[counter.name, counter.packets]])),
    );
  }

  /** Lets what is being applied finish and forgets the rest. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#work;
  }

  async #enqueue(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(async () => {
      if (!this.#stopped.signal.aborted) await work();
    });
    return this.#work;
  }

  async #applyDue(): Promise<void> {
    const [next] = this.#due;
    if (next === undefined) return; // went along with an earlier one
    await this.#parts.clock.sleepUntil(next.at, this.#stopped.signal);
    if (this.#stopped.signal.aborted) return;
    const now = this.#parts.clock.monotonic();
    const ready = this.#due.findIndex(({ at }) => at > now);
    const batch = ready === -1 ? this.#due : this.#due.slice(0, Math.max(1, ready));
    this.#due = this.#due.slice(batch.length);
    await this.#apply(batch.at(-1)?.view ?? next.view);
  }

  async #apply(wanted: FabricView): Promise<void> {
    const plan = planFabric(this.#applied, wanted, this.#primaries);
    await this.#nft(plan.permit);
    await this.#ip(plan.routes);
    const at = this.#parts.clock.now();
    const before = this.#applied;
    this.#applied = wanted;
    const name = (device: string | undefined): string | undefined => this.#names.get(device ?? '');
    for (const { address, to, from } of plan.changes) {
      const [holder, previous] = [name(to), name(from)];
      const was = previous === undefined ? {} : { previous };
      this.#parts.onEvent(
        holder === undefined
          ? { event: 'fabric.released', at, address, ...was }
          : { event: 'fabric.captured', at, address, holder, ...was },
      );
    }
    await this.#nft(plan.forbid);
    for (const [device, instance] of this.#names) {
      const forwarding = wanted.unchecked.has(device);
      if (forwarding === before.unchecked.has(device)) continue;
      this.#parts.onEvent({ event: 'fabric.forwarding', at: this.#parts.clock.now(), instance, forwarding });
    }
  }

  async #nft(statements: readonly string[]): Promise<void> {
    if (statements.length === 0) return;
    const result = await runCommand(['nft', '-f', '-'], { input: lines(statements) });
    if (!result.ok) this.#refused(result.error);
  }

  /** Goes on after a refused line: the device of a machine that was removed is gone, with its routes. */
  async #ip(batch: readonly string[]): Promise<void> {
    if (batch.length === 0) return;
    const result = await runCommand(['ip', '-force', '-batch', '-'], { input: lines(batch) });
    if (!result.ok) this.#refused(result.error);
  }

  #refused({ argv, stderr, code }: CommandFault): void {
    const said = stderr.trim();
    this.#parts.log.warn('the fabric refused a change', { event: 'cloud.fabric.refused', argv, code, said });
  }
}

function lines(each: readonly string[]): string {
  return `${each.join('\n')}\n`;
}

async function mustRun(argv: readonly [string, ...string[]], input: string): Promise<void> {
  const result = await runCommand(argv, { input });
  if (!result.ok) throw new Error(`${argv.join(' ')} failed (${result.error.code}): ${result.error.stderr.trim()}`);
}
