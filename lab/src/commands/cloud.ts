/** `pnpm lab cloud …`: what goes wrong at an emulated cloud of a lab that is up, switched by hand. */
import { controlSocket } from '../cloud-accounts.ts';
import { CloudControl } from '../cloud/control-client.ts';
import { OPERATION_GROUPS, type CardOrder } from '../cloud/control-messages.ts';
import { absenceOf, CARD_NAMES, cardOf, isCardName, type CardName } from '../cloud/fault-catalogue.ts';
import { openLab, type Lab } from '../lab.ts';
import { LabFault } from '../lab-fault.ts';
import { renderTable } from '../progress.ts';
import { EMULATED_CLOUDS, type EmulatedCloud } from '../topology.ts';

export const CLOUD_HELP = `What goes wrong at the emulated clouds of a lab that is up.

usage: pnpm lab cloud <command>

  cards                              every card, and what it does at which cloud
  faults [<cloud>]                   what is laid out now
  fault <cloud> <card> [options]     lay it out; again replaces it
  fault <cloud> <card> off           take it off
  fault <cloud> off                  take all off
  calls <cloud> [--last <n>]         the requests that the cloud got, newest last

options of fault
  --count <n>        so many requests meet it; at most 10000
  --for <time>       no longer than that: 500ms, 30s; at most an hour
  --amount <n>       what the card measures: milliseconds of latency, addresses of limit
  --router <host>    only requests of that machine
  --operation <op>   other operations than the card's own: a name as "calls" shows it, or ${OPERATION_GROUPS.join(', ')}

examples
  pnpm lab cloud fault aws throttle --count 3
  pnpm lab cloud fault azure latency --amount 5000 --for 60s
  pnpm lab cloud fault oci denied --router oci-router-a
  pnpm lab cloud fault gcp off
`;

export interface CloudOptions {
  readonly count: string | undefined;
  readonly for: string | undefined;
  readonly amount: string | undefined;
  readonly router: string | undefined;
  readonly operation: string | undefined;
  readonly last: string | undefined;
}

/** @param words what follows `cloud` on the command line */
export async function cloud(labName: string, words: readonly string[], options: CloudOptions): Promise<number> {
  const [command, name, card, order, ...rest] = words;
  if (rest.length > 0) throw usage(`"cloud ${command}" takes no argument "${rest.join(' ')}".`);
  switch (command) {
    case undefined:
      process.stdout.write(CLOUD_HELP);
      return 2;
    case 'cards':
      return listCards();
    case 'faults':
      return listFaults(openLab(labName), name);
    case 'calls':
      return listCalls(openLab(labName), cloudNamed(name), countOf(options.last ?? '20', 'last'));
    case 'fault':
      return switchFault(openLab(labName), { name: cloudNamed(name), card, order }, options);
    default:
      throw usage(`There is no command "cloud ${command}".`);
  }
}

function listCards(): number {
  const rows = CARD_NAMES.map((name) => [name, cardOf(name).about, whereOf(name)]);
  process.stdout.write(`${renderTable(['CARD', 'WHAT HAPPENS', 'CLOUDS'], rows)}\n`);
  return 0;
}

function whereOf(name: CardName): string {
  const clouds = EMULATED_CLOUDS.filter((each) => absenceOf(name, each) === undefined);
  return clouds.length === EMULATED_CLOUDS.length ? 'all' : clouds.join(', ');
}

async function listFaults(lab: Lab, name: string | undefined): Promise<number> {
  const all = lab.topology.fabrics.map((fabric) => fabric.cloud);
  const clouds = name === undefined ? all : [cloudNamed(name)];
  const rows: string[][] = [];
  for (const each of clouds) {
    for (const { name: card, state, about } of await controlOf(lab, each).cards()) {
      if (state !== 'off') rows.push([each, card, state, about]);
    }
  }
  process.stdout.write(rows.length === 0 ? 'No fault is laid out.\n' : `${renderTable(FAULT_COLUMNS, rows)}\n`);
  return 0;
}

const FAULT_COLUMNS = ['CLOUD', 'CARD', 'STATE', 'WHAT HAPPENS'] as const;

async function listCalls(lab: Lab, name: EmulatedCloud, last: number): Promise<number> {
  const calls = (await controlOf(lab, name).journal()).filter(({ service }) => service === 'api').slice(-last);
  const rows = calls.map(({ sequence, principal, operation, mutating, outcome }) => [
    `${sequence}`,
    principal,
    operation,
    mutating ? 'write' : 'read',
    outcome === undefined ? 'under way' : `${outcome.status || 'no answer'} ${outcome.code ?? ''}`.trim(),
    outcome?.fault ?? '',
  ]);
  process.stdout.write(`${renderTable(['NO', 'WHO', 'OPERATION', 'KIND', 'ANSWER', 'FAULT'], rows)}\n`);
  return 0;
}

async function switchFault(
  lab: Lab,
  {
    name,
    card,
    order,
  }: { readonly name: EmulatedCloud; readonly card: string | undefined; readonly order: string | undefined },
  options: CloudOptions,
): Promise<number> {
  const control = controlOf(lab, name);
  if (card === undefined) throw usage('Missing: a card, or "off".');
  if (card === 'off' && order === undefined) {
    await control.clearFaults();
    process.stdout.write(`${name}: no fault is laid out any more.\n`);
    return 0;
  }
  if (!isCardName(card)) throw usage(`There is no card "${card}".`, `Cards: ${CARD_NAMES.join(' ')}`);
  if (order === 'off') {
    await control.takeCard(card);
    process.stdout.write(`${name}: ${card} is off.\n`);
    return 0;
  }
  if (order !== undefined && order !== 'on') throw usage(`"${order}" is neither on nor off.`);
  const absent = absenceOf(card, name);
  if (absent !== undefined) throw usage(`${name} has no card "${card}": ${absent}.`);
  if (options.router !== undefined) lab.vm(options.router);
  await control.playCard({ card, ...orderOf(options) });
  process.stdout.write(`${name}: ${card} is laid out: ${cardOf(card).about}.\n`);
  return 0;
}

function orderOf({ count, for: time, amount, router, operation }: CloudOptions): Omit<CardOrder, 'card'> {
  return {
    ...(count === undefined ? {} : { count: countOf(count, 'count') }),
    ...(time === undefined ? {} : { forMs: timeOf(time) }),
    ...(amount === undefined ? {} : { amount: countOf(amount, 'amount') }),
    ...(router === undefined ? {} : { principal: router }),
    ...(operation === undefined ? {} : { operation }),
  };
}

function controlOf(lab: Lab, name: EmulatedCloud): CloudControl {
  if (!lab.topology.fabrics.some((fabric) => fabric.cloud === name)) {
    throw new LabFault('lab.usage', `This lab has no ${name}.`, '"pnpm lab status" shows what it has.');
  }
  return new CloudControl(controlSocket(lab.files, name));
}

function cloudNamed(name: string | undefined): EmulatedCloud {
  const found = EMULATED_CLOUDS.find((each) => each === name);
  if (found === undefined) throw usage(`"${name ?? ''}" is no cloud.`, `Clouds: ${EMULATED_CLOUDS.join(' ')}`);
  return found;
}

function countOf(text: string, option: string): number {
  if (!/^\d{1,7}$/.test(text)) throw usage(`--${option}: "${text}" is no whole number.`);
  return Number(text);
}

function timeOf(text: string): number {
  const [, count, unit] = /^(\d+)(ms|s|m)$/.exec(text) ?? [];
  const milliseconds = Number(count) * (unit === 'm' ? 60_000 : unit === 's' ? 1000 : 1);
  if (count === undefined || milliseconds > 3_600_000) throw usage(`--for: "${text}" is no time up to an hour.`);
  return milliseconds;
}

function usage(message: string, remedy = 'See "pnpm lab cloud".'): LabFault {
  return new LabFault('lab.usage', message, remedy);
}
