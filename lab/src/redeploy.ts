/** What an operator does who rolls out a changed configuration: the new file everywhere, then every daemon anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';
import type { Lab } from './lab.ts';
import { routerDir } from './lab-files.ts';
import { powerOnAll } from './power.ts';
import { signalProcess } from './process-table.ts';
import { routerReady, startRouter } from './routers.ts';
import type { Router } from './topology.ts';

const resource = z.looseObject({ kind: z.string(), spec: z.record(z.string(), z.unknown()) });
export type ResourceText = z.output<typeof resource>;

function configFile(lab: Lab, router: Router): string {
  return path.join(routerDir(lab.files, router.name), 'router.yaml');
}

export function readConfigs(lab: Lab): ReadonlyMap<string, string> {
  return new Map(lab.topology.federated.map((router) => [router.name, readFileSync(configFile(lab, router), 'utf8')]));
}

/** The same text with every document passed through `change`. */
export function changedConfig(text: string, change: (document: ResourceText) => ResourceText): string {
  return parseAllDocuments(text)
    .map((document) => stringify(change(resource.parse(document.toJS())), { lineWidth: 0 }))
    .join('---\n');
}

/** All at once, each killed and started again: the kernels keep forwarding. Resolves when everybody is ready. */
export async function redeploy(lab: Lab, configs: ReadonlyMap<string, string>): Promise<void> {
  for (const router of lab.topology.federated) write(lab, router, configs);
  await restartAll(lab);
}

/**
 * Does the work, and then deploys what was there before. What the work broke off with is told, whatever comes of that: it may have left routers without
 * power, or a group without hubs.
 */
export async function thenBack(lab: Lab, work: () => Promise<void>, deployBefore: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    await powerOnAll(lab)
      .then(deployBefore)
      .catch(() => undefined);
    throw cause;
  }
  await deployBefore();
}

/** One after the other, as a careful operator does: each is ready before the next is touched. */
export async function rollOut(lab: Lab, configs: ReadonlyMap<string, string>, order: readonly Router[]): Promise<void> {
  for (const router of order) {
    write(lab, router, configs);
    signalProcess(lab.daemon(router.name, 'routerd'), 'SIGKILL');
    await startRouter(lab, router);
    await routerReady(lab, router);
  }
}

function write(lab: Lab, router: Router, configs: ReadonlyMap<string, string>): void {
  writeFileSync(configFile(lab, router), configs.get(router.name) ?? '');
}

export async function restartAll(lab: Lab): Promise<void> {
  const { federated } = lab.topology;
  for (const { name } of federated) signalProcess(lab.daemon(name, 'routerd'), 'SIGKILL');
  await Promise.all(federated.map(async (router) => startRouter(lab, router)));
  await Promise.all(federated.map(async (router) => routerReady(lab, router)));
}

/** Deaths are noticed as on routers with processors of their own, and nobody is preferred: who took over keeps. */
export function equalAndImpatient(document: ResourceText): ResourceText {
  if (document.kind === 'EventGroup')
    return { ...document, spec: { ...document.spec, heartbeat: { interval: '250ms', deadAfter: '2s' } } };
  return withMembers(document, (member) => ({ ...member, placement: { ...placementOf(member), priority: 10 } }));
}

/** `maintenance.drain` for these routers, as the pool says it declaratively. */
export function drained(document: ResourceText, names: readonly string[]): ResourceText {
  return withMembers(document, (member) =>
    names.includes(String(member['nodeRef'])) ? { ...member, maintenance: { drain: true } } : member,
  );
}

type Member = Readonly<Record<string, unknown>>;
const members = z.array(z.record(z.string(), z.unknown()));
const placement = z.record(z.string(), z.unknown());

function placementOf(member: Member): Member {
  return placement.parse(member['placement'] ?? {});
}

export function withMembers(document: ResourceText, change: (member: Member) => Member): ResourceText {
  if (document.kind !== 'MobilityPool') return document;
  return { ...document, spec: { ...document.spec, members: members.parse(document.spec['members']).map(change) } };
}
