/** Traffic between clients: ping, ssh and a copy over ssh, as their users would start them. */
import type { CommandResult } from '@routerd/runtime';
import type { Lab } from './lab.ts';
import { textOf } from './lab-fault.ts';
import { sshFiles } from './ssh.ts';
import { CLIENTS, type Client } from './topology.ts';
import { waitUntil } from './wait-until.ts';

export interface Flow {
  readonly from: Client;
  readonly to: Client;
}

/** Every directed pair of clients of different sites. */
export function directedFlows(clients: readonly Client[]): readonly Flow[] {
  return clients.flatMap((from) => clients.filter((to) => to.site !== from.site).map((to) => ({ from, to })));
}

/** The twelve between four sites. */
export const DIRECTED_FLOWS = directedFlows(CLIENTS);

export function flowName({ from, to }: Flow): string {
  return `${from.site}->${to.site}`;
}

export interface PingResult {
  readonly sent: number;
  readonly received: number;
  readonly text: string;
}

/** `count` echo requests, 0.2 s apart. */
export async function ping(lab: Lab, from: string, address: string, count = 3): Promise<PingResult> {
  const result = await lab.vm(from).exec(['ping', '-n', '-c', `${count}`, '-i', '0.2', '-W', '2', address]);
  const text = textOf(result);
  const [, sent = '0', received = '0'] = /(\d+) packets transmitted, (\d+) received/.exec(text) ?? [];
  return { sent: Number(sent), received: Number(received), text };
}

/** Pings once every 50 ms at most until an answer comes. */
export async function reaches(lab: Lab, from: string, address: string, deadlineMs: number): Promise<void> {
  await waitUntil(
    `${from}: an answer from ${address}`,
    async () => ((await lab.vm(from).exec(['ping', '-n', '-c', '1', '-W', '1', address])).ok ? true : undefined),
    { deadlineMs, everyMs: 50 },
  );
}

export interface SshOptions {
  /** What the remote command reads. */
  readonly inputFile?: string;
  readonly timeoutMs?: number;
}

/** Runs a command on `to` over SSH from `from`. */
export async function ssh(
  lab: Lab,
  flow: Flow,
  command: string,
  { inputFile, timeoutMs = inputFile === undefined ? 20_000 : 120_000 }: SshOptions = {},
): Promise<CommandResult> {
  const argv = ['ssh', '-F', sshFiles(lab.files).clientConfig, flow.to.address, command];
  const vm = lab.vm(flow.from.name);
  if (inputFile === undefined) return vm.exec(argv, { timeoutMs });
  const quoted = argv.map((word) => `'${word}'`).join(' ');
  return vm.exec(['sh', '-c', `exec ${quoted} < '${inputFile}'`], { timeoutMs });
}
