/** When a fact was stored by the hub, as the hub itself stamped it. */
import path from 'node:path';
import { z } from 'zod';
import { operatorAccessFile } from '../hub.ts';
import type { Lab } from '../lab.ts';
import { HUB } from '../topology.ts';
import type { Stream } from '../vm.ts';
import { waitUntil } from '../wait-until.ts';

const PROGRAM = path.join(import.meta.dirname, 'watch-facts.ts');

const line = z.object({ at: z.number(), address: z.string() });

export class FactWatch {
  readonly #stored = new Map<string, number>();
  readonly #said: string[] = [];
  #stream: Stream | undefined;

  static async start(lab: Lab): Promise<FactWatch> {
    const watch = new FactWatch();
    const argv = [process.execPath, PROGRAM, operatorAccessFile(lab.files)];
    watch.#stream = await lab.vm(HUB.name).stream(argv, (text) => watch.#take(text));
    await waitUntil(
      () => `hub: the watch of facts (${watch.#said.join(' | ')})`,
      () => watch.#said.includes('watching') || undefined,
      { deadlineMs: 10_000 },
    );
    return watch;
  }

  #take(text: string): void {
    if (!text.startsWith('{')) {
      this.#said.push(text);
      return;
    }
    const { at, address } = line.parse(JSON.parse(text));
    if (!this.#stored.has(address)) this.#stored.set(address, at);
  }

  /** First fact about the address since the watch began: wall clock of this machine, milliseconds. */
  publishedAt(address: string): number | undefined {
    return this.#stored.get(address);
  }

  stop(): void {
    this.#stream?.signal('SIGKILL');
  }
}
