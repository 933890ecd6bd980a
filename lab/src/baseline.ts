/** The routes of every client and router before routerd was started: what the operator had, and what must still be there. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Lab } from './lab.ts';
import type { LabFiles } from './lab-files.ts';
import { defaultRouteOf, routesOf } from './snapshot.ts';

const baseline = z.record(z.string(), z.strictObject({ routes: z.string(), defaultRoute: z.string() }));
export type Baseline = z.output<typeof baseline>;

const fileOf = (files: LabFiles): string => path.join(files.stateDir, 'hosts', 'baseline.json');

export async function readBaseline(lab: Lab): Promise<Baseline> {
  const hosts = [...lab.topology.clients, ...lab.topology.routers].map(async ({ name }) => {
    const vm = lab.vm(name);
    return [name, { routes: await routesOf(vm), defaultRoute: await defaultRouteOf(vm) }] as const;
  });
  return Object.fromEntries(await Promise.all(hosts));
}

export async function saveBaseline(lab: Lab): Promise<void> {
  writeFileSync(fileOf(lab.files), JSON.stringify(await readBaseline(lab), undefined, 2));
}

export function loadBaseline({ files }: Lab): Baseline {
  return baseline.parse(JSON.parse(readFileSync(fileOf(files), 'utf8')));
}
