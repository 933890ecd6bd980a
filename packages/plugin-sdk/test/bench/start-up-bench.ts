/**
 * How long a plugin's process takes from its start to its first answer, and how much memory it has then: from its sources and bundled,
 * each with and without NODE_COMPILE_CACHE. The request is one that needs no provider. Medians.
 *
 *     npm run x -- node packages/plugin-sdk/test/bench/start-up-bench.ts [PLUGIN…]
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundlePlugin } from '../../src/bundle/bundle-plugin.ts';
import { API_VERSION } from '../../src/index.ts';

const PLUGINS = path.join(import.meta.dirname, '../../../../plugins');
const RUNS = 9;
const NIC = { provider: 'aws', providerRef: 'bench', nicRef: '', target: {} };
const REQUEST = { apiVersion: API_VERSION, kind: 'ObserveNicRequest', id: '1', spec: { nic: NIC } };

interface Start {
  readonly milliseconds: number;
  readonly mebibytes: number;
}

async function start(main: string, env: Readonly<Record<string, string>>): Promise<Start> {
  const began = performance.now();
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  child.stdin.write(`${JSON.stringify(REQUEST)}\n`);
  await new Promise<void>((resolve) => {
    child.stdout.once('data', () => resolve());
    void ended.then(resolve);
  });
  const milliseconds = performance.now() - began;
  const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? '0';
  child.stdin.end();
  await ended;
  return { milliseconds, mebibytes: Number(resident) / 1024 };
}

function median(values: readonly number[]): number {
  return Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0);
}

async function measured(main: string, env: Readonly<Record<string, string>>): Promise<string> {
  await start(main, env); // fills the cache, and warms that of the disk
  const starts: Start[] = [];
  for (let run = 0; run < RUNS; run += 1) starts.push(await start(main, env));
  const milliseconds = median(starts.map((each) => each.milliseconds));
  return `${String(milliseconds).padStart(5)} ms ${String(median(starts.map((each) => each.mebibytes))).padStart(4)} MiB`;
}

const scratch = mkdtempSync(path.join(tmpdir(), 'start-up-'));
try {
  const names = process.argv.slice(2);
  process.stdout.write('plugins start-up    from sources     with cache       bundled          with cache\n');
  for (const name of names.length > 0 ? names : ['aws', 'azure', 'gcp', 'oci']) {
    const folder = path.join(PLUGINS, name);
    const cached = { NODE_COMPILE_CACHE: path.join(scratch, 'compile') };
    const began = performance.now();
    const bundle = await bundlePlugin({ folder, cacheDir: path.join(scratch, 'bundles') });
    const took = Math.round(performance.now() - began);
    const source = path.join(folder, 'src/main.ts');
    const columns = [
      await measured(source, {}),
      await measured(source, cached),
      await measured(bundle.main, {}),
      await measured(bundle.main, cached),
    ];
    process.stdout.write(`${name.padEnd(18)}${columns.join('  ')}   (bundled in ${took} ms)\n`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
