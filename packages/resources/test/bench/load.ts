/**
 * How long a large configuration takes to load and check, and what it keeps in memory.
 * Run: `npm run x -- node packages/resources/test/bench/load.ts`.
 *
 * Bounds are checked against the processor time of this thread, its garbage collection included: the clock on the wall counts
 * other programs too, and stands beside it. Exits 1 when a bound is missed.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  checkResource,
  indexResources,
  loadConfiguration,
  parseResource,
  type LoadedResources,
  type Resource,
} from '@routerd/resources';
import { claims, conflicting, mixed, yamlOf } from './many-resources.ts';

/** Files are bounded in length; a folder has as many as it needs. */
const RESOURCES_A_FILE = 8192;

const misses: string[] = [];

function report(what: string, figure: number, unit: string, boundMax?: number): void {
  const isMissed = boundMax !== undefined && figure > boundMax;
  const bound = boundMax === undefined ? '' : `, at most ${boundMax}`;
  process.stdout.write(`${isMissed ? 'MISSED ' : ''}${what}: ${figure.toFixed(figure < 10 ? 2 : 0)} ${unit}${bound}\n`);
  if (isMissed) misses.push(what);
}

/** The best of several: the first ones warm the compiler up, and other programs only ever slow one down. */
function best<T>(times: number, work: () => T): { readonly cpuMs: number; readonly wallMs: number; readonly value: T } {
  let value = work();
  let [cpuMs, wallMs] = [Infinity, Infinity];
  for (let run = 0; run < times; run += 1) {
    const start = performance.now();
    const before = process.threadCpuUsage();
    value = work();
    const { user, system } = process.threadCpuUsage(before);
    cpuMs = Math.min(cpuMs, (user + system) / 1000);
    wallMs = Math.min(wallMs, performance.now() - start);
  }
  return { cpuMs, wallMs, value };
}

function filesOf(resources: readonly object[]): readonly { readonly file: string; readonly text: string }[] {
  const files: { readonly file: string; readonly text: string }[] = [];
  for (let start = 0; start < resources.length; start += RESOURCES_A_FILE) {
    files.push({ file: `${start}.yaml`, text: yamlOf(resources.slice(start, start + RESOURCES_A_FILE)) });
  }
  return files;
}

function heapMiB(): number {
  setFlagsFromString('--expose_gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}

function loading(count: number, times: number, boundMs?: number): void {
  const files = filesOf(claims(count));
  const before = heapMiB();
  const { cpuMs, wallMs, value } = best<LoadedResources>(times, () => loadConfiguration(files));
  if (value.resources.length !== count || value.diagnostics.length > 0)
    throw new Error('the configuration is not valid');
  report(`load and check ${count} resources (${wallMs.toFixed(0)} ms on the wall)`, cpuMs, 'ms', boundMs);
  report(`  kept in memory, with the places of ${value.resources.length}`, heapMiB() - before, 'MiB');
}

function parsed(values: readonly object[]): readonly Resource[] {
  return values.flatMap((value) => {
    const result = parseResource(value);
    if (!result.ok) throw new Error(JSON.stringify(result.error.problems[0]));
    return [result.value];
  });
}

function checking(what: string, values: readonly object[], boundMs: number): void {
  const resources = parsed(values);
  const { cpuMs, wallMs, value } = best(3, () => {
    const index = indexResources(resources);
    return resources.reduce((sum, resource) => sum + checkResource(resource, index, 'authored').length, 0);
  });
  const found = `${value} problems, ${wallMs.toFixed(0)} ms on the wall`;
  report(`check ${resources.length} ${what} (${found})`, cpuMs, 'ms', boundMs);
}

loading(10_000, 4, 1500);
loading(65_536, 1);
checking('resources of eight kinds among each other', mixed(8192), 100);
checking('resources of eight kinds among each other', mixed(65_536), 1000);
checking('resources in conflict with each other', conflicting(8192), 150);
checking('resources in conflict with each other', conflicting(65_536), 1500);

process.exitCode = misses.length === 0 ? 0 : 1;
