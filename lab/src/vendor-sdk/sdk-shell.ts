/** A vendor's SDK, running inside a guest and asked from outside: one JSON object a line each way. */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { EmulatedCloud } from '../topology.ts';
import type { Vm } from '../vm.ts';

/** What came of a call: the SDK's output, or how its error looks to a program. */
export type SdkOutcome =
  | { readonly ok: true; readonly value: unknown; readonly milliseconds: number }
  | {
      readonly ok: false;
      readonly error: { readonly name: string; readonly message: string; readonly status?: number };
      readonly milliseconds: number;
    };

export interface SdkShellOptions {
  readonly cloud: EmulatedCloud;
  readonly caFile: string;
  readonly onCall: (operation: string, milliseconds: number) => void;
}

/** `400 Code: message`, as one text to match on. */
export function errorOf(outcome: SdkOutcome): string {
  if (outcome.ok) return 'no error';
  const { status, name, message } = outcome.error;
  return `${status} ${name}: ${message}`;
}

export class SdkShell {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  readonly #onCall: (operation: string, milliseconds: number) => void;
  #errors = '';

  private constructor(child: ChildProcess, stdout: NodeJS.ReadableStream, onCall: SdkShellOptions['onCall']) {
    this.#child = child;
    this.#onCall = onCall;
    this.#reader = createInterface({ input: stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
    child.stdin?.on('error', () => undefined); // the process ended: the next line that is not there tells it, with what it said
    child.stderr?.on('data', (chunk: Buffer) => (this.#errors += chunk.toString('utf8')));
  }

  /** Starts `<cloud>-sdk.ts`. Its identity is asked for with the first call. */
  static async open(vm: Vm, { cloud, caFile, onCall }: SdkShellOptions): Promise<SdkShell> {
    const script = path.join(import.meta.dirname, `${cloud}-sdk.ts`);
    const [file, ...args] = vm.enter(['setpriv', '--pdeathsig', 'KILL', process.execPath, script]);
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', file, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...vm.environment(), NODE_EXTRA_CA_CERTS: caFile },
    });
    return new SdkShell(child, child.stdout, onCall);
  }

  async call(operation: string, input: Readonly<Record<string, unknown>> = {}): Promise<SdkOutcome> {
    const began = performance.now();
    this.#child.stdin?.write(`${JSON.stringify({ operation, input })}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`the SDK's process ended: ${this.#errors}`);
    const milliseconds = performance.now() - began;
    this.#onCall(operation, milliseconds);
    return { ...(JSON.parse(line.value) as SdkOutcome), milliseconds };
  }

  stop(): void {
    this.#child.stdin?.end();
  }
}
