/** The routes of every client and router before routerd was started: what the operator had, and what must still be there. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { LabFiles } from './lab-files.ts';
import { vmNamed } from './network.ts';
import { defaultRouteOf, routesOf } from './snapshot.ts';
import { CLIENTS, ROUTERS } from './topology.ts';
import type { Vm } from './vm.ts';

const baseline = z.record(z.string(), z.strictObject({ routes: z.string(), defaultRoute: z.string() }));
export type Baseline = z.output<typeof baseline>;

const fileOf = (files: LabFiles): string => path.join(files.stateDir, 'hosts', 'baseline.json');

export async function readBaseline(vms: ReadonlyMap<string, Vm>): Promise<Baseline> {
  const hosts = [...CLIENTS, ...ROUTERS].map(async ({ name }) => {
    const vm = vmNamed(vms, name);
    return [name, { routes: await routesOf(vm), defaultRoute: await defaultRouteOf(vm) }] as const;
  });
  return Object.fromEntries(await Promise.all(hosts));
}

export async function saveBaseline(files: LabFiles, vms: ReadonlyMap<string, Vm>): Promise<void> {
  writeFileSync(fileOf(files), JSON.stringify(await readBaseline(vms), undefined, 2));
}

export function loadBaseline(files: LabFiles): Baseline {
  return baseline.parse(JSON.parse(readFileSync(fileOf(files), 'utf8')));
}
