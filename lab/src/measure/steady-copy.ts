/** A copy over SSH that goes on until it is told to end: one TCP connection, established before, and intact after. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { flowName, type Flow } from '../client-flows.ts';
import type { Lab } from '../lab.ts';
import { sshFiles } from '../ssh.ts';
import type { Stream } from '../vm.ts';
import { waitUntil } from '../wait-until.ts';

const PROGRAM = path.join(import.meta.dirname, 'slow-feed.ts');
/** Slow enough that a tunnel which gets no processor for a moment does not overflow its socket's 208 KiB. */
const KILOBYTES_PER_SECOND = 256;

export interface CopyEnd {
  readonly sent: string;
  readonly received: string;
  readonly bytes: number;
}

export class SteadyCopy {
  readonly #stopFile: string;
  readonly #digestFile: string;
  readonly #said: string[] = [];
  #stream: Stream | undefined;

  private constructor(lab: Lab, flow: Flow) {
    const stem = path.join(lab.files.stateDir, 'hosts', `copy-${flowName(flow).replace('->', '-')}`);
    this.#stopFile = `${stem}.stop`;
    this.#digestFile = `${stem}.sha256`;
  }

  /** Resolves when the far end has taken its first bytes. */
  static async start(lab: Lab, flow: Flow): Promise<SteadyCopy> {
    const copy = new SteadyCopy(lab, flow);
    rmSync(copy.#stopFile, { force: true });
    const feed = [process.execPath, PROGRAM, `${KILOBYTES_PER_SECOND}`, copy.#stopFile, copy.#digestFile];
    const remote = 'head -c 1 > /run/first && echo started && { cat /run/first -; } | tee >(wc -c >&2) | sha256sum';
    const line = `'${feed.join("' '")}' | ssh -F '${sshFiles(lab.files).clientConfig}' ${flow.to.address} "bash -c '${remote}'"`;
    copy.#stream = await lab.vm(flow.from.name).stream(['sh', '-c', line], (text) => copy.#said.push(text));
    await waitUntil(`${flowName(flow)}: a copy`, () => copy.#said.includes('started') || undefined, {
      deadlineMs: 10_000,
    });
    return copy;
  }

  async stop(): Promise<CopyEnd> {
    writeFileSync(this.#stopFile, '');
    await this.#stream?.exited;
    const text = this.#said.join('\n');
    return {
      sent: readFileSync(this.#digestFile, 'utf8'),
      received: /^([0-9a-f]{64}) /m.exec(text)?.[1] ?? text,
      bytes: Number(/^\s*(\d+)\s*$/m.exec(text)?.[1] ?? 0),
    };
  }
}
