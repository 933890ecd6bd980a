/**
 * Delay on the WAN, without netem (not every kernel has it): packets between sites take a detour through a TUN device whose user side is
 * `socat`, which hands them to a small process that holds each one for the wanted time. It works on IP packets, so TCP, UDP and ICMP are alike.
 * Without a delay the detour is not taken at all.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { LabFiles } from './lab-files.ts';
import type { LabRecord } from './lab-record.ts';
import { signalProcess, type ProcessId } from './process-table.ts';
import { topologyOf } from './topologies.ts';
import { wanPlugs } from './wan.ts';
import type { Vm } from './vm.ts';
import { waitUntil } from './wait-until.ts';

const DEVICE = 'delay0';
const TABLE = 100;
/** UDP ports on the WAN's loopback: socat's, and the delay line's. */
const PORTS = { socat: 7000, delayLine: 7001 };
const PROGRAM = path.join(import.meta.dirname, 'wan-delay-line.ts');

export const DELAY_LINE = 'wan-delay-line';

/** Sets the one-way delay, milliseconds; 0 takes the detour away. Packets on the way are not lost. @returns daemons it had to start */
export async function setWanDelay(
  wan: Vm,
  files: LabFiles,
  record: LabRecord,
  delayMs: number,
): Promise<LabRecord['daemons']> {
  const delayFile = path.join(files.stateDir, 'wan-delay-ms');
  writeFileSync(delayFile, `${delayMs}\n`);
  const running = record.daemons.find((daemon) => daemon.name === DELAY_LINE)?.process;
  if (delayMs === 0) {
    await removeDetour(wan);
    return [];
  }
  const started =
    running !== undefined && signalProcess(running, 'SIGHUP') ? [] : await startDetour(wan, files, delayFile);
  await removeDetour(wan); // a rule may be there twice; routes may not
  const ports = wanPlugs(topologyOf(record.topology)).map(({ port }) => port);
  await wan.ip(ports.map((port) => `rule add pref 100 iif ${port} lookup ${TABLE}`));
  return started;
}

async function removeDetour(wan: Vm): Promise<void> {
  const rules = (await wan.ipOutput('rule', 'show', 'pref', '100')).split('\n').filter(Boolean);
  await wan.ip(rules.map(() => 'rule del pref 100'));
}

async function startDetour(wan: Vm, files: LabFiles, delayFile: string): Promise<LabRecord['daemons']> {
  const log = (name: string): string => path.join(files.logDir, wan.name, `${name}.log`);
  const line = await wan.daemon([process.execPath, PROGRAM, `${PORTS.delayLine}`, `${PORTS.socat}`, delayFile], {
    logFile: log(DELAY_LINE),
    env: { NODE_COMPILE_CACHE: files.compileCacheDir },
  });
  const udp = `UDP4-DATAGRAM:127.0.0.1:${PORTS.delayLine},bind=127.0.0.1:${PORTS.socat},rcvbuf=4194304`;
  const socat = await wan.daemon(['socat', `TUN,tun-name=${DEVICE},iff-no-pi,iff-up`, udp], { logFile: log('socat') });
  await Promise.all([wan.listening(PORTS.delayLine, 'udp'), wan.listening(PORTS.socat, 'udp')]);
  await waitUntil('the WAN: the detour device', async () => (await hasDevice(wan)) || undefined, { deadlineMs: 5000 });
  await wan.ip([
    `link set ${DEVICE} up mtu 1500 txqueuelen 5000`,
    `route replace default dev ${DEVICE} table ${TABLE}`,
  ]);
  const daemon = (name: string, process: ProcessId): LabRecord['daemons'][number] => ({
    hostName: wan.name,
    name,
    process,
  });
  return [daemon(DELAY_LINE, line), daemon('socat', socat)];
}

async function hasDevice(wan: Vm): Promise<boolean> {
  return (await wan.ipOutput('-br', 'link')).includes(`${DEVICE} `);
}
