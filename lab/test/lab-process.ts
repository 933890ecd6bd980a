/** The lab's command line as a process of its own, with its files in a folder that the test removes, and what such a process may leave behind. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { CHECKOUT, labFiles, type LabFiles } from '../src/lab-files.ts';
import { namespacesOf, tearDown } from '../src/tear-down.ts';
import { waitUntil } from '../src/wait-until.ts';

export const LAB_CLI = path.join(CHECKOUT, 'lab/src/cli.ts');

export interface LabProcess {
  readonly child: ChildProcess;
  /** Both streams, as they came. */
  readonly lines: readonly string[];
  /** The exit code, or the signal that killed it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  /** Resolves with the first line that has this in it. */
  said(text: string): Promise<string>;
}

/** Names are short: the scenario's cloud is added to them. */
export class LabHome {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'lab-home-'));

  files(name: string): LabFiles {
    return labFiles(name, this.dir);
  }

  run(args: readonly string[], options: { readonly env?: NodeJS.ProcessEnv; readonly by?: readonly string[] } = {}) {
    const [file = '', ...argv] = [...(options.by ?? []), process.execPath, LAB_CLI, ...args];
    const env = { ...process.env, ROUTERD_LAB_DIR: this.dir, ...options.env };
    return watched(spawn(file, argv, { stdio: ['ignore', 'pipe', 'pipe'], env, cwd: CHECKOUT }));
  }

  /** Also after a test that failed in the middle. */
  async remove(): Promise<void> {
    for (const name of existsSync(this.dir) ? readdirSync(this.dir) : []) await tearDown(this.files(name));
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function watched(child: ChildProcess): LabProcess {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', (line) => lines.push(line));
  }
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  );
  return {
    child,
    lines,
    ended,
    said: async (text) =>
      waitUntil(
        () => `"${text}" (it said ${lines.join(' | ')})`,
        () => lines.find((line) => line.includes(text)),
        { deadlineMs: 40_000 },
      ),
  };
}

/** Namespaces, processes, mounts and files of a lab that should be gone; logs may stay. */
export function leftovers(files: LabFiles): readonly string[] {
  const mine = (text: string): boolean => text.includes(`${files.prefix}-`) || text.includes(`${files.stateDir}/`);
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n').filter(mine);
  const stateFiles = existsSync(files.stateDir) ? readdirSync(files.stateDir) : [];
  return [
    ...namespacesOf(files).map((name) => `namespace ${name}`),
    ...commandLines()
      .filter(mine)
      .map((line) => `process ${line}`),
    ...mounts.map((line) => `mount ${line}`),
    ...stateFiles.filter((name) => !['logs', 'wan-delay-ms'].includes(name)).map((name) => `file ${name}`),
    ...(existsSync(files.socketDir) ? [`folder ${files.socketDir}`] : []),
  ];
}

function commandLines(): readonly string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        const text = readFileSync(`/proc/${entry}/cmdline`, 'utf8');
        return text === '' ? [] : [`${entry} ${text.replaceAll('\0', ' ')}`];
      } catch {
        return []; // it ended meanwhile
      }
    });
}
