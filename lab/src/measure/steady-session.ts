/** Somebody who works over SSH: a line is typed now and then and comes back, until it is told to end. One TCP connection, mostly idle, which has to live. */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { flowName, type Flow } from '../client-flows.ts';
import type { Lab } from '../lab.ts';
import { sshFiles } from '../ssh.ts';
import type { Stream } from '../vm.ts';
import { waitUntil } from '../wait-until.ts';

/** Seconds between two lines. */
const TYPE_EVERY_S = '0.2';

export interface SessionEnd {
  /** 0 when the session ended as it was asked to. */
  readonly exitCode: number | null;
  readonly typed: number;
  /** The lines that came back, in their order. */
  readonly echoed: readonly string[];
}

export class SteadySession {
  readonly #stopFile: string;
  readonly #said: string[] = [];
  #stream: Stream | undefined;

  private constructor(lab: Lab, flow: Flow) {
    this.#stopFile = path.join(lab.files.stateDir, 'hosts', `session-${flowName(flow).replace('->', '-')}.stop`);
  }

  /** Resolves when the far end has answered its first line. */
  static async start(lab: Lab, flow: Flow): Promise<SteadySession> {
    const session = new SteadySession(lab, flow);
    const stopFile = session.#stopFile;
    rmSync(stopFile, { force: true });
    const type = `n=0; while [ ! -e '${stopFile}' ]; do n=$((n + 1)); echo "line $n"; sleep ${TYPE_EVERY_S}; done; echo "typed $n"`;
    const line = `{ ${type}; } | ssh -F '${sshFiles(lab.files).clientConfig}' ${flow.to.address} cat`;
    session.#stream = await lab.vm(flow.from.name).stream(['sh', '-c', line], (text) => session.#said.push(text));
    await waitUntil(
      () => `${flowName(flow)}: an SSH session (${session.#said.join(' ')})`,
      () => session.#said.includes('line 1') || undefined,
      { deadlineMs: 30_000 },
    );
    return session;
  }

  async stop(): Promise<SessionEnd> {
    writeFileSync(this.#stopFile, '');
    const exitCode = (await this.#stream?.exited) ?? null;
    const typed = Number(/^typed (\d+)$/.exec(this.#said.at(-1) ?? '')?.[1] ?? 0);
    return { exitCode, typed, echoed: this.#said.filter((text) => text.startsWith('line ')) };
  }
}

/** `all 12, in order`, or where it differs first. */
export function echoText({ typed, echoed }: Pick<SessionEnd, 'typed' | 'echoed'>): string {
  const wrong = echoed.findIndex((line, index) => line !== `line ${index + 1}`);
  if (wrong >= 0) return `"${echoed[wrong] ?? ''}" as line ${wrong + 1}`;
  return typed > 0 && echoed.length === typed ? `all ${typed}, in order` : `${echoed.length} of ${typed}`;
}
