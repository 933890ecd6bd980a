/** A vendor's SDK, running inside a guest and asked from outside: one JSON object a line each way. */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Cloud } from '../../src/topology.ts';
import type { Vm } from '../../src/vm.ts';

/** What came of a call: the SDK's output, or how its error looks to a program. */
export type SdkOutcome =
  | { readonly ok: true; readonly value: unknown; readonly milliseconds: number }
  | {
      readonly ok: false;
      readonly error: { readonly name: string; readonly message: string; readonly status?: number };
      readonly milliseconds: number;
    };

export class SdkShell {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  #errors = '';

  private constructor(child: ChildProcess, stdout: NodeJS.ReadableStream) {
    this.#child = child;
    this.#reader = createInterface({ input: stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
    child.stderr?.on('data', (chunk: Buffer) => (this.#errors += chunk.toString('utf8')));
  }

  /** Starts `<cloud>-sdk.ts`; resolves when it has its identity, or has failed to get one: every call tells. */
  static async open(vm: Vm, cloud: Cloud, caFile: string): Promise<SdkShell> {
    const script = path.join(import.meta.dirname, `${cloud}-sdk.ts`);
    const [file, ...args] = vm.enter(['setpriv', '--pdeathsig', 'KILL', process.execPath, script]);
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', file, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...vm.environment(), NODE_EXTRA_CA_CERTS: caFile },
    });
    return new SdkShell(child, child.stdout);
  }

  async call(operation: string, input: Readonly<Record<string, unknown>> = {}): Promise<SdkOutcome> {
    const began = performance.now();
    this.#child.stdin?.write(`${JSON.stringify({ operation, input })}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`the SDK's process ended: ${this.#errors}`);
    return { ...(JSON.parse(line.value) as SdkOutcome), milliseconds: performance.now() - began };
  }

  stop(): void {
    this.#child.stdin?.end();
  }
}
